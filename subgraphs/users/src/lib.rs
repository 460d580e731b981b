//! The users subgraph: accounts, signing in, and the keys that verify its tokens. Knows no orders and no products.

mod account;
mod config;
mod entity;
mod graphql;
mod migration;
mod password;
mod sample;
mod scopes;
mod token;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use service::auth::Keys;
use service::graphql::Executable;
use service::{Authenticator, Database, Serving, Shutdown, Subgraph};
use tokio::net::TcpListener;

use crate::token::Issuer;

pub use config::{Config, INFO};

/// The path of the keys that verify this service's tokens.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The federated schema of this subgraph.
pub fn sdl() -> String {
    service::graphql::sdl(&graphql::schema(&service::config::Limits::default()).finish())
}

/// Serves until told to stop. The future is boxed so that it is compiled here and not in each program that starts the service.
pub fn serve(config: Config, listener: TcpListener, shutdown: Shutdown) -> Serving {
    Box::pin(run(config, listener, shutdown))
}

async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let database = open(&config).await?;
    password::prepare();
    let issuer = issuer(&config, &database).await?;
    let keys = Keys::fixed(issuer.public_keys().clone());
    let subgraph = Subgraph {
        info: INFO,
        routes: jwks(&issuer)?,
        schema: Executable::new(graphql::with_resources(graphql::schema(&config.service.limits), &database, issuer)),
        authenticator: Authenticator::with_keys(&config.service.auth, keys),
        database,
        workers: Vec::new(),
        events: None,
        metrics: service::Metrics::new(INFO.name),
    };
    service::serve(listener, subgraph, &config.service, shutdown).await
}

/// The database: migrated, and with sample data if that is configured and the database is empty.
async fn open(config: &Config) -> anyhow::Result<Database> {
    service::database::open(&config.service, migration::steps, sample::insert).await
}

async fn issuer(config: &Config, database: &Database) -> anyhow::Result<Issuer> {
    let key = match &config.jwt_private_key {
        Some(pem) => token::key_from_pem(pem)?,
        None => token::key_from_database(database).await?,
    };
    Issuer::new(key, &config.service.auth, config.token_life())
}

fn jwks(issuer: &Issuer) -> anyhow::Result<Router> {
    let body = serde_json::to_string(issuer.public_keys())?;
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=300")];
    let answer = move || std::future::ready((headers, body.clone()));
    Ok(Router::new().route(JWKS_PATH, get(answer)))
}
