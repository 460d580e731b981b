//! The settings of this service beyond those of all services.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use service::ServiceInfo;

/// The name of this service and where it listens.
pub const INFO: ServiceInfo = ServiceInfo {
    name: "users",
    port: 4001,
    about: "The users subgraph: accounts, signing in, and the keys that verify tokens",
};

/// The settings of the users service.
#[derive(Debug, Clone, Args)]
#[group(id = "users")]
pub struct Config {
    /// The settings of all services.
    #[command(flatten)]
    pub service: service::Config,
    /// The private key that signs tokens, EC P-256 as PKCS #8 PEM; without it, keys are generated, stored in the database, and can be rotated.
    #[arg(long, env = "JWT_PRIVATE_KEY", value_name = "PEM", hide_env_values = true)]
    pub jwt_private_key: Option<String>,
    /// Seconds after which an access token expires.
    #[arg(long, env = "JWT_SECONDS", value_name = "SECONDS", default_value_t = TOKEN_SECONDS, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub jwt_seconds: u64,
    /// Days after which a session ends that was not refreshed.
    #[arg(long, env = "SESSION_DAYS", value_name = "DAYS", default_value_t = SESSION_DAYS, value_parser = clap::value_parser!(u64).range(1..=365))]
    pub session_days: u64,
    /// The address of the first administrator: created at the start if there is none, with a one-time password that is sent there.
    #[arg(long, env = "BOOTSTRAP_ADMIN_EMAIL", value_name = "ADDRESS")]
    pub bootstrap_admin_email: Option<String>,
    /// The name of the shop, under which authenticator apps show its codes.
    #[arg(long, env = "TOTP_ISSUER", value_name = "NAME", default_value = TOTP_ISSUER, value_parser = issuer)]
    pub totp_issuer: String,
    /// How mail is sent.
    #[command(flatten)]
    pub mail: MailConfig,
}

/// How mail is sent.
#[derive(Debug, Clone, Args)]
pub struct MailConfig {
    /// The server that takes mails: `smtps://user:password@host`, or `smtp://host:587?tls=required`.
    #[arg(long, env = "SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Whom mails are from.
    #[arg(long, env = "MAIL_FROM", value_name = "ADDRESS", default_value = MAIL_FROM)]
    pub mail_from: String,
    /// For development, without SMTP_URL: a file that mails are appended to. With SQLite it is `users.mail` beside the database by default.
    #[arg(long, env = "MAIL_FILE", value_name = "PATH")]
    pub mail_file: Option<PathBuf>,
    /// The page that links in mails lead to, such as `https://shop.example/account`; without it, mails have tokens in them.
    #[arg(long, env = "ACCOUNT_URL", value_name = "URL")]
    pub account_url: Option<String>,
}

/// Short: what a token allows is not taken back before it expires.
const TOKEN_SECONDS: u64 = 15 * 60;
const SESSION_DAYS: u64 = 30;
const TOTP_ISSUER: &str = "Braid";
const MAIL_FROM: &str = "Braid <no-reply@localhost.localdomain>";

impl Config {
    /// The defaults, without flags and environment: what tests and the launcher start from.
    pub fn new() -> Self {
        Self {
            service: service::Config::new(&INFO),
            jwt_private_key: None,
            jwt_seconds: TOKEN_SECONDS,
            session_days: SESSION_DAYS,
            bootstrap_admin_email: None,
            totp_issuer: TOTP_ISSUER.to_owned(),
            mail: MailConfig { smtp_url: None, mail_from: MAIL_FROM.to_owned(), mail_file: None, account_url: None },
        }
    }

    /// An error if settings contradict each other, or a real shop sends no mail. A shop with an administrator of its own gets no sample data.
    pub(crate) fn settled(mut self) -> anyhow::Result<Self> {
        if self.bootstrap_admin_email.is_some() {
            if self.service.sample_data == Some(true) {
                bail!(
                    "BOOTSTRAP_ADMIN_EMAIL is for a real shop, and SAMPLE_DATA=true brings an administrator whose password is public; remove one of them"
                );
            }
            if self.mail.smtp_url.is_none() && self.mail.mail_file.is_none() {
                bail!(
                    "BOOTSTRAP_ADMIN_EMAIL needs a way to send mail: set SMTP_URL, or MAIL_FILE for development; or create the administrator with `users admin create`"
                );
            }
            self.service.sample_data = Some(false);
        }
        let mail = &self.mail;
        let sends_mail = mail.smtp_url.is_some() || mail.mail_file.is_some() || self.development_mail().is_some();
        if !sends_mail && !self.service.wants_sample_data() {
            bail!(
                "no mail can be sent, so nobody could register or reset a password: set SMTP_URL, or MAIL_FILE for development; a shop with SAMPLE_DATA=true starts without"
            );
        }
        Ok(self)
    }

    /// Where mails go in development, if nothing else is said: beside the SQLite file.
    pub(crate) fn development_mail(&self) -> Option<PathBuf> {
        let url = &self.service.database.url;
        let path = url.strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next()?;
        Some(Path::new(path).with_extension("mail"))
    }

    pub(crate) fn token_life(&self) -> Duration {
        Duration::from_secs(self.jwt_seconds)
    }

    pub(crate) fn session_life(&self) -> Duration {
        Duration::from_secs(self.session_days * 24 * 60 * 60)
    }
}

/// Apps take what is before a colon for the issuer.
fn issuer(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the name is empty".to_owned()),
        name if name.contains(':') => Err("the name must have no colon".to_owned()),
        name => Ok(name.to_owned()),
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl AsRef<service::Config> for Config {
    fn as_ref(&self) -> &service::Config {
        &self.service
    }
}
