//! The Braid router as a program: command line, configuration file, where schemas come from, reload, and the assembly of the parts.
//!
//! ```text
//! cli ──▶ reload ──▶ source (supergraph or subgraphs) ──▶ assemble ──▶ server ──▶ gateway ──▶ executor ──▶ transport ──▶ net
//!            └─────▶ config
//! ```

pub mod assemble;
pub mod cli;
mod collector;
pub mod config;
pub mod reload;
mod report;
pub mod source;
mod watch;
