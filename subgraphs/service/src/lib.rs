//! What the three services share: configuration, database, identity, HTTP, shutdown. Knows no user, order or product.
//!
//! A service gives this crate a schema and a migrator, and gets back a running process:
//!
//! ```no_run
//! use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
//! use service::database::Migrations;
//! use service::graphql::Executable;
//! use service::{Authenticator, Config, Program, Run, ServiceInfo, Shutdown, Subgraph};
//!
//! const INFO: ServiceInfo = ServiceInfo { name: "greetings", port: 4009, about: "Greets" };
//! const MIGRATIONS: Migrations = Vec::new;
//!
//! struct Query;
//!
//! #[Object]
//! impl Query {
//!     async fn hello(&self, ctx: &async_graphql::Context<'_>) -> service::Result<String> {
//!         let user = service::viewer(ctx).require_user()?;
//!         Ok(format!("Hello {}", user.id))
//!     }
//! }
//!
//! fn schema(config: &Config) -> async_graphql::SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
//!     service::graphql::builder(Query, EmptyMutation, EmptySubscription, &config.limits)
//! }
//!
//! async fn serve(config: Config, run: Run, shutdown: Shutdown) -> anyhow::Result<()> {
//!     let sample = |_| -> service::database::Work { Box::pin(async { Ok(()) }) };
//!     let database = service::database::open(&config, INFO.name, MIGRATIONS, sample).await?;
//!     let subgraph = Subgraph {
//!         info: INFO,
//!         schema: Executable::new(schema(&config).data(database.clone()).finish()),
//!         authenticator: Authenticator::new(&config.auth)?,
//!         database,
//!         work: Vec::new(),
//!         events: None,
//!         metrics: service::Metrics::new(INFO.name),
//!         routes: axum::Router::new(),
//!     };
//!     service::serve(run, subgraph, &config, shutdown).await
//! }
//!
//! fn sdl() -> String {
//!     service::graphql::sdl(&schema(&Config::new(&INFO)).finish())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     service::main(&Program { info: INFO, sdl, migrations: MIGRATIONS }, serve)
//! }
//! ```
//!
//! The rules that keep responses right:
//!
//! * A resolver returns [`Result`]; its [`Error`] carries a code for the caller or hides its cause.
//!   Any other error of a resolver is logged, and the response has `INTERNAL`.
//! * A nullable field that can fail is `Option<Result<T>>`, and so is an entity resolver:
//!   with any other type, an error makes more than the field null.
//! * [`clock`] is the only place that reads the time: tests put it forward.
//! * Writes go through [`Database::write`], which takes the write lock first and retries when the database
//!   asks for it.

pub mod auth;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod events;
pub mod graphql;
pub mod http;
pub mod metrics;
mod probe;
pub mod process;
pub mod sample;
mod secret_files;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;
pub mod worker;

pub use auth::{Authenticator, Claims, Keys, User, Viewer, client_address, viewer};
pub use config::{Config, LogFormat, ServiceInfo};
pub use database::Database;
pub use error::{Code, Error, Result};
pub use events::EventBus;
pub use graphql::{DateTime, Money, Page};
pub use http::{Run, Serving, Shutdown, Subgraph, serve};
pub use metrics::Metrics;
pub use process::{Program, main, main_with};
pub use worker::Work;
