//! The inventory subgraph: products, prices, stock and reservations. Knows no orders and no buyers: a reservation belongs to
//! the caller who has its key.
//!
//! ```text
//! graphql/       the schema, and who may see what         command, import/   what operators do on the command line
//!    │
//! catalog/       products, categories, search            reservations/   stock that is held, sold, returned
//! warehouses     where goods are                         stock/          the ledger, and changes that people ask for
//!    │
//! entity/        the tables         migration/      their migrations        changes  the events        sample   the sample data
//! ```

mod catalog;
mod changes;
mod command;
mod entity;
mod graphql;
mod import;
mod migration;
mod reservations;
mod sample;
mod stock;
mod warehouses;

use service::events::Invalidator;
use service::graphql::Executable;
use service::{Authenticator, Config, Database, EventBus, Run, ServiceInfo, Serving, Shutdown, Subgraph, Work};

pub use changes::STREAM;
pub use command::{Command, ImportCommand, command};
pub use graphql::{InventorySchema, untrue};
pub use reservations::sweep;
use reservations::sweep_once;

/// The name of this service and where it listens.
pub const INFO: ServiceInfo =
    ServiceInfo { name: "inventory", port: 4003, about: "Products, prices and stock, as a federated GraphQL subgraph" };

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
    let database = open(&config).await?;
    let events = EventBus::open(config.events_url.as_deref(), STREAM).await?;
    let events = events.with_invalidator(Invalidator::open(&config.cache, untrue)?);
    let sweeper = {
        let (sweeping, database) = (database.clone(), database.clone());
        Work::new("release of expired reservations", move |stop| sweep(sweeping.clone(), stop)).by_turns(move || {
            let database = database.clone();
            async move { sweep_once(&database).await }
        })
    };
    let subgraph = Subgraph {
        info: INFO,
        schema: Executable::new(schema(&config, &database, events.clone())),
        database,
        authenticator: Authenticator::new(&config.auth)?,
        work: vec![sweeper],
        events: Some(events),
        metrics: service::Metrics::new(INFO.name),
        routes: axum::Router::new(),
    };
    service::serve(run, subgraph, &config, shutdown).await
}

/// The database: migrated, and with sample data if that is configured and the database is empty.
pub async fn open(config: &Config) -> anyhow::Result<Database> {
    service::database::open(config, INFO.name, migration::steps, sample::insert).await
}

/// The schema over an open database, with subscriptions to the events of a bus.
pub fn schema(config: &Config, database: &Database, events: EventBus) -> InventorySchema {
    graphql::with_resources(graphql::schema(&config.limits), database, events)
}
