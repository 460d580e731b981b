//! The inventory subgraph: products, what they cost, how many there are, and whose they are about to be. Knows no order
//! and no buyer: a reservation belongs to whoever holds its key.
//!
//! ```text
//! graphql/       what the graph shows, and to whom
//!    │
//! catalog        products           reservations/   stock that is held, sold, given back        warehousing   stock by hand
//!    │
//! entity/        the tables         migration/      how they came to be        sample   what a fresh one holds
//! ```

mod catalog;
mod entity;
mod graphql;
mod migration;
mod reservations;
mod sample;
mod warehousing;

use service::graphql::Executable;
use service::{Authenticator, Config, Database, ServiceInfo, Serving, Shutdown, Subgraph};
use tokio::net::TcpListener;

pub use graphql::InventorySchema;

/// What this service is called and where it listens.
pub const INFO: ServiceInfo =
    ServiceInfo { name: "inventory", port: 4003, about: "Products, prices and stock, as a federated GraphQL subgraph" };

/// The federated schema of this subgraph.
pub fn sdl() -> String {
    service::graphql::sdl(&graphql::schema(&service::config::Limits::default()).finish())
}

/// Serves until told to stop. Boxed, so that the service is compiled here and not in each program that starts it.
pub fn serve(config: Config, listener: TcpListener, shutdown: Shutdown) -> Serving {
    Box::pin(run(config, listener, shutdown))
}

async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let database = open(&config).await?;
    let subgraph = Subgraph {
        info: INFO,
        schema: Executable::new(schema(&config, &database)),
        database,
        authenticator: Authenticator::new(&config.auth)?,
        workers: Vec::new(),
        routes: axum::Router::new(),
    };
    service::serve(listener, subgraph, &config, shutdown).await
}

/// The database, at its newest version, and with sample data if that is wanted and nothing else is in it.
pub async fn open(config: &Config) -> anyhow::Result<Database> {
    service::database::open(config, migration::steps, sample::insert).await
}

/// The schema over an open database.
pub fn schema(config: &Config, database: &Database) -> InventorySchema {
    graphql::with_resources(graphql::schema(&config.limits), database)
}
