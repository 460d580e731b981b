//! The orders subgraph: what an order costs, placing and paying it, sending it, and paying it back. Of users and products, knows only the
//! ids.
//!
//! ```text
//! graphql/     the schema, and who may see what
//!    │
//!  saga/       placing, cancelling and paying back, across inventory, the payment provider and this database
//!    │
//!    ├─ payment/    payment providers
//!    ├─ offer.rs    what is sold and what it costs        rates.rs   shipping and tax        address.rs   where it goes
//!    │
//!  entity/     the tables        migration/   their migrations        sample.rs   the sample data
//! ```

mod address;
mod changes;
mod config;
mod entity;
mod graphql;
mod migration;
mod offer;
mod payment;
mod rates;
mod saga;
mod sample;

use std::sync::Arc;

use anyhow::Context;
use service::graphql::Executable;
use service::{Authenticator, Database, EventBus, Run, Serving, Shutdown, Subgraph, Work};

use crate::payment::{HttpProvider, PaymentProvider, Sandbox};
use crate::saga::inventory::Inventory;
use crate::saga::{Saga, gauges, reconcile};

pub use changes::STREAM;
pub use config::{Config, INFO};

/// This service as a program.
pub const PROGRAM: service::Program = service::Program { info: INFO, sdl, migrations: migration::steps };

/// The federated schema of this subgraph.
pub fn sdl() -> String {
    service::graphql::sdl(&graphql::schema(&service::config::Limits::default()).finish())
}

/// Serves until told to stop, and finishes incomplete orders in the background. The future is boxed so that it is compiled here
/// and not in each program that starts the service.
pub fn serve(config: Config, run: Run, shutdown: Shutdown) -> Serving {
    Box::pin(start(config, run, shutdown))
}

async fn start(config: Config, run: Run, shutdown: Shutdown) -> anyhow::Result<()> {
    let database = open(&config).await?;
    let saga = saga(&config, &database)?;
    let events = EventBus::open(config.service.events_url.as_deref(), changes::STREAM).await?;
    let schema =
        graphql::with_resources(graphql::schema(&config.service.limits), &database, events.clone(), saga.clone());
    let authenticator = Authenticator::new(&config.service.auth)?;
    let metrics = service::Metrics::new(INFO.name);
    saga.counters.show(&metrics);
    saga.inventory.show(&metrics);
    gauges::show(&database, &metrics);
    let by_turns = saga.clone();
    let reconciler = Work::new("reconciler", move |stop| reconcile::run(saga.clone(), stop)).by_turns(move || {
        let saga = by_turns.clone();
        async move { reconcile::turn(&saga).await }
    });
    let subgraph = Subgraph {
        info: INFO,
        schema: Executable::new(schema),
        authenticator,
        database,
        work: vec![reconciler],
        events: Some(events),
        metrics,
        routes: axum::Router::new(),
    };
    service::serve(run, subgraph, &config.service, shutdown).await
}

/// The database: migrated, and with sample data if that is configured and the database is empty.
async fn open(config: &Config) -> anyhow::Result<Database> {
    service::database::open(&config.service, INFO.name, migration::steps, sample::insert).await
}

fn saga(config: &Config, database: &Database) -> anyhow::Result<Saga> {
    let url = reqwest::Url::parse(&config.inventory_url)
        .with_context(|| format!("INVENTORY_URL `{}` is not a URL", config.inventory_url))?;
    let token = config.service.auth.token_to_send().context(
        "INTERNAL_TOKEN is not set: inventory reserves stock only for services that identify themselves; set it to the same secret here and there",
    )?;
    let inventory = Inventory::new(url, token.to_owned(), config.inventory_timeout)
        .context("could not build the client that calls inventory")?;
    Ok(Saga::new(database.clone(), inventory, payments(config)?, config.policy()))
}

fn payments(config: &Config) -> anyhow::Result<Arc<dyn PaymentProvider>> {
    let Some(url) = config.payment_url.as_deref().filter(|url| !url.is_empty()) else {
        tracing::warn!("PAYMENT_URL is not set: a sandbox stands in for the payment provider, and no money is taken");
        return Ok(Arc::new(Sandbox));
    };
    let url = reqwest::Url::parse(url)
        .ok()
        .filter(|url| !url.cannot_be_a_base())
        .with_context(|| format!("PAYMENT_URL `{url}` is not a URL"))?;
    let secret = config.payment_secret.clone().context("PAYMENT_SECRET is not set: PAYMENT_URL needs it")?;
    let provider = HttpProvider::new(url, secret, config.payment_timeout)
        .context("could not build the client that calls the payment provider")?;
    Ok(Arc::new(provider))
}
