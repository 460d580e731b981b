//! Lets WebAssembly components take part in the router's requests: a plugin for each component, at the stages whose interface it exports
//! (`wit/braid-hooks.wit`). Knows no connection and no plan.
//!
//! Without the feature `runtime`, there are the settings alone.

pub mod config;
#[cfg(feature = "runtime")]
mod runtime;

#[cfg(feature = "runtime")]
pub use runtime::{HookError, Hooks, Programs};
