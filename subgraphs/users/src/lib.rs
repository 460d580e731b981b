//! The users subgraph: accounts, signing in, sessions, and the keys that verify its tokens. Knows no orders and no products.

mod account;
mod changes;
mod commands;
mod config;
mod device;
mod entity;
mod first_admin;
mod graphql;
mod housekeeping;
mod keys;
mod limits;
mod mail;
mod migration;
mod password;
mod sample;
mod scopes;
mod secret;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod totp;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use jsonwebtoken::jwk::JwkSet;
use service::auth::Keys;
use service::graphql::Executable;
use service::{Authenticator, Database, EventBus, Run, Serving, Shutdown, Subgraph, Work};
use tokio::sync::watch;

use crate::keys::KeyRing;
use crate::mail::{Mailer, Post, SendsMail};
use crate::token::Issuer;

pub use commands::{AdminCommand, Command, KeysCommand, TotpCommand, command};
pub use config::{Config, INFO, MailConfig};

/// The path of the keys that verify this service's tokens.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Where NATS keeps the events of this service.
pub const STREAM: service::events::Stream = service::events::Stream { name: "USERS", subjects: &["users.>"] };

/// This service as a program.
pub const PROGRAM: service::Program = service::Program { info: INFO, sdl, migrations: migration::steps };

/// The federated schema of this subgraph.
pub fn sdl() -> String {
    service::graphql::sdl(&graphql::schema(&service::config::Limits::default()).finish())
}

/// Serves until told to stop. The future is boxed so that it is compiled here and not in each program that starts the service.
pub fn serve(config: Config, run: Run, shutdown: Shutdown) -> Serving {
    Box::pin(start(config, run, shutdown))
}

async fn start(config: Config, run: Run, shutdown: Shutdown) -> anyhow::Result<()> {
    let config = config.settled()?;
    let mailer = mail::mailer(&config.mail, config.development_mail())?;
    let database = open(&config).await?;
    let events = EventBus::open(config.service.events_url.as_deref(), STREAM).await?;
    password::prepare();
    let keys = key_ring(&config, &database).await?;
    let resources = graphql::Resources {
        issuer: Issuer::new(keys.clone(), &config.service.auth, config.token_life()),
        session_life: config.session_life(),
        sends_mail: SendsMail(mailer.is_some()),
        totp_issuer: config.totp_issuer.clone(),
    };
    let metrics = service::Metrics::new(INFO.name);
    password::show(&metrics);
    let work = work(&config, &database, &keys, mailer);
    let schema = graphql::with_resources(graphql::schema(&config.service.limits), &database, resources);
    let subgraph = Subgraph {
        info: INFO,
        routes: jwks(keys.public()),
        schema: Executable::new(schema),
        authenticator: Authenticator::with_keys(&config.service.auth, Keys::watched(keys.public())),
        database,
        work,
        events: Some(events),
        metrics,
    };
    service::serve(run, subgraph, &config.service, shutdown).await
}

/// The database: migrated, with sample data if that is configured and the database is empty, and with an administrator if one is wanted.
async fn open(config: &Config) -> anyhow::Result<Database> {
    let database = service::database::open(&config.service, INFO.name, migration::steps, sample::insert).await?;
    if !config.service.wants_sample_data() {
        first_admin::refuse_sample_accounts(&database).await?;
    }
    if let Some(email) = &config.bootstrap_admin_email {
        first_admin::bootstrap(&database, email).await?;
    }
    Ok(database)
}

async fn key_ring(config: &Config, database: &Database) -> anyhow::Result<KeyRing> {
    match &config.jwt_private_key {
        Some(pem) => KeyRing::fixed(pem),
        None => KeyRing::from_database(database, config.token_life()).await,
    }
}

/// What is done beside requests.
fn work(config: &Config, database: &Database, keys: &KeyRing, mailer: Option<Arc<dyn Mailer>>) -> Vec<Work> {
    let life = config.token_life();
    let tidying = database.clone();
    let housekeeping = Work::new("housekeeping", move |stop| housekeeping::run(tidying.clone(), life, stop));
    let tidying = database.clone();
    let mut work = vec![housekeeping.by_turns(move || {
        let database = tidying.clone();
        async move { housekeeping::tidy(&database, life).await }
    })];
    if config.jwt_private_key.is_none() {
        let (keys, database) = (keys.clone(), database.clone());
        work.push(Work::new("reload of keys", move |stop| {
            keys::keep_fresh(keys.clone(), database.clone(), life, stop)
        }));
    }
    match mailer {
        Some(mailer) => {
            let post = Post::new(database.clone(), mailer, config.mail.account_url.clone());
            let by_turns = post.clone();
            let sending = Work::new("sending of mails", move |stop| mail::run(post.clone(), stop));
            work.push(sending.by_turns(move || {
                let post = by_turns.clone();
                async move { Ok(u64::from(mail::send_next(&post).await?)) }
            }));
        }
        None => {
            tracing::warn!("No mail is sent, so nobody can register or reset a password: set SMTP_URL or MAIL_FILE")
        }
    }
    work
}

fn jwks(keys: watch::Receiver<Arc<JwkSet>>) -> Router {
    // Shorter than the time that a new key is published before it signs.
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=15")];
    let answer = move || {
        let body = serde_json::to_string(&**keys.borrow()).unwrap_or_default();
        std::future::ready((headers.clone(), body))
    };
    Router::new().route(JWKS_PATH, get(answer))
}
