//! The Braid router as a program: command line, configuration file, schema sources, reload, and the assembly of its parts.
//!
//! ```text
//! cli ──▶ reload ──▶ source (supergraph or subgraphs) ──▶ assemble ──▶ server ──▶ gateway ──▶ executor ──▶ transport ──▶ net
//!            ├─────▶ operations (the list of persisted operations)
//!            ├─────▶ invalidation (the ways by which the router is told what is not true any more)
//!            ├─────▶ popular (the operations that are used most, shared with other routers)
//!            ├─────▶ schema_tools (what the page shows and checks of schemas, for development)
//!            └─────▶ config
//! ```

pub use braid_plugin as plugin;
pub use braid_telemetry::metrics::Metrics;

mod agents;
pub mod assemble;
mod callback;
mod checked;
pub mod cli;
pub mod config;
pub mod invalidation;
pub mod operations;
mod popular;
pub mod reload;
mod report;
pub mod schema_tools;
pub mod source;
mod watch;
