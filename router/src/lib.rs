//! The Braid router as a program: command line, configuration file, schema sources, reload, and the assembly of its parts.
//!
//! ```text
//! cli ──▶ reload ──▶ source (supergraph or subgraphs) ──▶ assemble ──▶ server ──▶ gateway ──▶ executor ──▶ transport ──▶ net
//!            ├─────▶ operations (the list of persisted operations)
//!            ├─────▶ invalidation (the ways by which the router is told what is not true any more)
//!            ├─────▶ popular (the operations that are used most, shared with other routers)
//!            ├─────▶ stand_ins (what answers for subgraphs that are not there, for development)
//!            ├─────▶ problems (why a new version can't be used, for a terminal and the page)
//!            ├─────▶ hooks (WebAssembly components that take part in requests)
//!            ├─────▶ bucket_files (files that are objects of a bucket, for functions without a disk)
//!            ├─────▶ schema_tools (what the page shows and checks of schemas, for development)
//!            └─────▶ config (router.yaml)
//! ```

pub use braid_config as config;
pub use braid_plugin as plugin;
pub use braid_telemetry::metrics::Metrics;
pub use hooks::{HookPrograms, HooksError};
/// The allocator of the `braid` program, for programs with plugins: `#[global_allocator] static ALLOCATOR: MiMalloc = MiMalloc;`. The library
/// itself chooses none.
#[cfg(feature = "mimalloc")]
pub use mimalloc::MiMalloc;

mod agents;
pub mod assemble;
#[cfg(feature = "lambda")]
mod bucket_files;
mod callback;
mod checked;
pub mod cli;
mod excerpt;
mod graphs;
mod hang_up;
mod hooks;
pub mod invalidation;
pub mod load_error;
pub mod operations;
mod popular;
pub mod problems;
pub mod reload;
mod report;
pub mod schema_tools;
pub mod source;
pub mod stand_ins;
mod watch;
