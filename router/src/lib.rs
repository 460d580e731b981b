//! The Braid router as a program: command line, configuration file, schema sources, reload, and the assembly of its parts.
//!
//! ```text
//! cli ──▶ reload ──▶ source (supergraph or subgraphs) ──▶ assemble ──▶ server ──▶ gateway ──▶ executor ──▶ transport ──▶ net
//!            ├─────▶ operations (the list of persisted operations)
//!            └─────▶ config
//! ```

pub mod assemble;
mod callback;
pub mod cli;
pub mod config;
pub mod operations;
pub mod reload;
mod report;
pub mod source;
mod watch;
