//! The Braid router: composes, plans, executes and serves a federated graph.
//!
//! ```text
//! server (HTTP) ──▶ router (the main street) ──▶ operation_cache ──▶ compile
//!                        │                  └──▶ executor ──▶ subgraphs (HTTP)
//!                        └── version: schema, operations, subgraphs, configuration; swapped whole by `reload`
//! ```

pub mod cli;
pub mod compile;
pub mod config;
mod counted;
pub mod limits;
mod line;
pub mod operation_cache;
pub mod refusal;
pub mod reload;
pub mod request;
pub mod router;
pub mod server;
pub mod source;
pub mod subgraphs;
pub mod telemetry;
pub mod version;
mod watch;
