//! Mail for development: it is appended to a file that people and tests read. Sends nothing.

use std::path::PathBuf;

use anyhow::Context;
use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

use super::{Mail, Mailer};

/// The file. One mail at a time is written to it.
pub(super) struct MailFile {
    path: PathBuf,
    writing: Mutex<()>,
}

impl MailFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, writing: Mutex::default() }
    }
}

#[async_trait]
impl Mailer for MailFile {
    async fn send(&self, mail: &Mail) -> anyhow::Result<()> {
        let _writing = self.writing.lock().await;
        let text = format!("To: {}\nSubject: {}\n\n{}\n{LINE}\n", mail.to, mail.subject, mail.text);
        let mut options = tokio::fs::OpenOptions::new();
        options.create(true).append(true);
        // The mails have passwords and tokens in them.
        #[cfg(unix)]
        options.mode(0o600);
        let write = async {
            let mut file = options.open(&self.path).await?;
            file.write_all(text.as_bytes()).await?;
            file.flush().await
        };
        write.await.with_context(|| format!("could not write a mail to {}", self.path.display()))
    }
}

/// The end of a mail.
pub(crate) const LINE: &str = "----";
