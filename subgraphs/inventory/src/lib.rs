//! The inventory subgraph: products, prices, stock and reservations. Knows no orders and no buyers: a reservation belongs to
//! the caller who has its key.
//!
//! ```text
//! graphql/       the schema, and who may see what
//!    │
//! catalog        products           reservations/   stock that is held, sold, returned        warehousing   manual changes of stock
//!    │
//! entity/        the tables         migration/      their migrations        sample   the sample data
//! ```

mod catalog;
mod entity;
mod graphql;
mod migration;
mod reservations;
mod sample;
mod warehousing;

use service::events::Invalidator;
use service::graphql::Executable;
use service::{Authenticator, Config, Database, EventBus, ServiceInfo, Serving, Shutdown, Subgraph};
use tokio::net::TcpListener;

pub use graphql::{InventorySchema, untrue};

/// The name of this service and where it listens.
pub const INFO: ServiceInfo =
    ServiceInfo { name: "inventory", port: 4003, about: "Products, prices and stock, as a federated GraphQL subgraph" };

/// Where NATS keeps the events of this service.
pub const STREAM: service::events::Stream =
    service::events::Stream { name: "INVENTORY", subjects: &["stock.>", "products.>"] };

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
    let events = EventBus::open(config.events_url.as_deref(), STREAM).await?;
    let events = events.with_invalidator(Invalidator::open(&config.cache, untrue)?);
    let subgraph = Subgraph {
        info: INFO,
        schema: Executable::new(schema(&config, &database, events.clone())),
        database,
        authenticator: Authenticator::new(&config.auth)?,
        workers: Vec::new(),
        events: Some(events),
        metrics: service::Metrics::new(INFO.name),
        routes: axum::Router::new(),
    };
    service::serve(listener, subgraph, &config, shutdown).await
}

/// The database: migrated, and with sample data if that is configured and the database is empty.
pub async fn open(config: &Config) -> anyhow::Result<Database> {
    service::database::open(config, migration::steps, sample::insert).await
}

/// The schema over an open database, with subscriptions to the events of a bus.
pub fn schema(config: &Config, database: &Database, events: EventBus) -> InventorySchema {
    graphql::with_resources(graphql::schema(&config.limits), database, events)
}
