//! Mail: jobs in the database that a worker writes and sends. A request only adds a job, whoever it is about, so its time shows nothing.
//!
//! A job has no secret. The worker makes the token or the one-time password when it writes the mail, and stores the hash before it sends. If
//! sending fails, the next try makes a new one.

mod file;
mod letters;
pub(crate) mod post;
mod smtp;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};
use service::database::Transaction;
use service::{Code, Error, Result, clock};
use uuid::Uuid;

use crate::config::MailConfig;
use crate::entity::mail_job;

pub(crate) use post::{Post, run, send_next};

/// Sends mails.
#[async_trait]
pub(crate) trait Mailer: Send + Sync {
    /// Sends a mail. When this succeeds, the mail is somebody else's to deliver.
    async fn send(&self, mail: &Mail) -> anyhow::Result<()>;
}

/// A mail as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Why a mail is sent, and about whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// To confirm a registration, or to say that there is an account already.
    Registration { id: Uuid },
    /// To choose a new password, if there is an account.
    PasswordReset { email: String },
    /// That the password was changed.
    PasswordChanged { user: Uuid },
    /// To confirm a new address, or to say that it belongs to another account.
    EmailChange { user: Uuid, email: String },
    /// To the present address, that somebody wants to change it.
    EmailChangeAsked { user: Uuid },
    /// To the old address, that it was changed.
    EmailChanged { old: String, name: String },
    /// That a session was ended because two had its token.
    SessionStolen { user: Uuid },
    /// That something has happened to the second factor.
    SecondFactor { user: Uuid, change: FactorChange },
    /// The one-time password of the first administrator.
    FirstAdmin { user: Uuid },
}

/// What has happened to a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FactorChange {
    /// Signing in takes a code from now on.
    TurnedOn,
    /// Signing in takes no code any more.
    TurnedOff,
    /// The old recovery codes are not valid any more.
    NewRecoveryCodes,
    /// A recovery code was used.
    RecoveryCodeUsed { left: u64 },
    /// Somebody had the password and no code.
    WrongCodes,
}

/// Adds a mail in the transaction of what it is about. It is sent once that has been committed.
pub(crate) async fn add(tx: &Transaction, job: &Job) -> Result<()> {
    let job = serde_json::to_string(job).map_err(Error::internal)?;
    let row = mail_job::Model { id: Uuid::now_v7(), job, attempts: 0, due_at: clock::now_millis() };
    mail_job::Entity::insert(row.into_active_model()).exec_without_returning(&**tx).await?;
    Ok(())
}

/// How mail is sent, as configured; none if it is not.
pub(crate) fn mailer(config: &MailConfig, development: Option<PathBuf>) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    if let Some(url) = &config.smtp_url {
        return Ok(Some(Arc::new(smtp::Smtp::new(url, &config.mail_from)?)));
    }
    let file = config.mail_file.clone().or(development);
    Ok(file.map(|path| Arc::new(file::MailFile::new(path)) as Arc<dyn Mailer>))
}

/// Whether this service sends mail. For what can't be done without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SendsMail(pub(crate) bool);

impl SendsMail {
    /// An error if no mail is sent.
    pub(crate) fn require(self) -> Result<()> {
        if self.0 {
            return Ok(());
        }
        Err(Error::new(Code::Unavailable, "This shop sends no mail at present, so this can't be done: set SMTP_URL."))
    }
}

/// How long a try may take, and how long after a failure the next one is made at the earliest.
const PATIENCE: Duration = Duration::from_secs(60);
