//! The inventory subgraph: products, where they are in stock, and setting stock aside for orders. Knows no user and no order.
//!
//! ```text
//! graphql/     what the graph shows, and to whom
//!    │
//!  stock/      reservations: hold, commit, release; each once for its key
//!    │
//!  entity/     the tables        migration/   how they came to be        sample.rs   what a fresh one holds
//! ```

mod entity;
mod graphql;
mod migration;
mod sample;
mod stock;

use async_graphql::{EmptySubscription, Schema};
use service::{Authenticator, Config, Database, ServiceInfo, Shutdown, Subgraph};
use tokio::net::TcpListener;

/// Who this service is.
pub const INFO: ServiceInfo =
    ServiceInfo { name: "inventory", port: 4003, about: "The inventory subgraph: products, stock, and reservations" };

/// The schema of this subgraph, ready to run.
pub type InventorySchema = Schema<graphql::Query, graphql::Mutation, EmptySubscription>;

/// The federated schema of this subgraph.
pub fn sdl() -> String {
    service::graphql::sdl(&graphql::schema(&service::config::Limits::default()).finish())
}

/// The schema over a database: what [`serve`] serves, for tests and for processes that serve it in their own way.
pub fn schema(config: &Config, database: &Database) -> InventorySchema {
    graphql::with_resources(graphql::schema(&config.limits), database)
}

/// Serves until told to stop.
pub async fn serve(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let database = open(&config).await?;
    let subgraph = Subgraph {
        info: INFO,
        schema: schema(&config, &database),
        authenticator: Authenticator::new(&config.auth)?,
        database,
        routes: axum::Router::new(),
    };
    service::serve(listener, subgraph, &config, shutdown).await
}

/// The database, at its newest version and with sample data if wanted.
pub async fn open(config: &Config) -> anyhow::Result<Database> {
    let database = Database::connect(&config.database).await?;
    database.migrate::<migration::Migrator>().await?;
    if config.wants_sample_data() {
        database.once("sample-data", sample::insert).await?;
    }
    Ok(database)
}
