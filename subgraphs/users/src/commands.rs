//! The commands for operators. Knows no HTTP.

use anyhow::Context;
use clap::Subcommand;
use service::Database;
use service::process::Printing;

use crate::account::{check, find_by_username, second_factor};
use crate::config::Config;
use crate::keys::LEAD;
use crate::{first_admin, keys, migration};

/// What can be done beside serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Administrators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// The keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Second factors
    #[command(subcommand)]
    Totp(TotpCommand),
}

/// What can be done with administrators.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an administrator, and print a one-time password that must be replaced at the first sign-in
    Create {
        /// The username
        #[arg(long)]
        username: String,
        /// The email address
        #[arg(long)]
        email: String,
        /// The full name; the username by default
        #[arg(long)]
        name: Option<String>,
    },
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Add a key that signs from now on; the old one stays valid until its tokens have expired
    Rotate,
}

/// What can be done with second factors.
#[derive(Debug, Subcommand)]
pub enum TotpCommand {
    /// Take the second factor from a user who has lost it, such as the only administrator
    Clear {
        /// The username
        #[arg(long)]
        username: String,
    },
}

/// Runs a command on the database of the configuration, and returns what it prints.
pub fn command(config: Config, command: Command) -> Printing {
    Box::pin(async move {
        let database = Database::connect(&config.service.database).await?;
        database.migrate(migration::steps).await?;
        let done = run(&config, &database, command).await;
        database.close().await?;
        done
    })
}

async fn run(config: &Config, database: &Database, command: Command) -> anyhow::Result<String> {
    match command {
        Command::Admin(AdminCommand::Create { username, email, name }) => {
            let password = first_admin::create(database, &username, &email, name.as_deref()).await?;
            Ok(format!(
                "The administrator was created. One-time password, for the next 24 hours: {password}\n\
                 Sign in with the mutation `login`, and choose a password with `newPassword`.\n"
            ))
        }
        Command::Totp(TotpCommand::Clear { username }) => {
            let username = check::username(&username)?;
            let user = find_by_username(database.reader(), &username).await?;
            let user = user.with_context(|| format!("there is no user `{username}`"))?;
            second_factor::clear(database, user.id).await?;
            Ok(format!("`{username}` has no second factor now. The sessions were ended, and a mail is on its way.\n"))
        }
        Command::Keys(KeysCommand::Rotate) => {
            anyhow::ensure!(
                config.jwt_private_key.is_none(),
                "JWT_PRIVATE_KEY is set, so tokens are signed with that key; unset it to have keys that rotate"
            );
            keys::rotate(database, LEAD).await?;
            Ok(format!(
                "A new key was added. It is published at once, and signs in {} seconds.\n\
                 The old key stays valid until the last token that it has signed is over.\n",
                LEAD.as_secs()
            ))
        }
    }
}
