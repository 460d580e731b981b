//! Mail by SMTP. Knows no text of ours.

use anyhow::Context;
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Mail, Mailer, PATIENCE};

/// A server that takes mails.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub(super) fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        // The URL has a password in it, so the message does not show it.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .context("SMTP_URL must be of the form `smtps://user:password@host` or `smtp://host:587?tls=required`")?
            .timeout(Some(PATIENCE / 4))
            .build();
        let from = from.parse().context("MAIL_FROM must be of the form `Shop <shop@example.com>`")?;
        Ok(Self { transport, from })
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> anyhow::Result<()> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.parse().context("the address can't be used")?))
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .context("the mail could not be written")?;
        self.transport.send(message).await.context("the SMTP server did not take the mail")?;
        Ok(())
    }
}
