//! Lets WebAssembly components take part in the router's requests: a plugin for each component, at the stages whose interface it exports
//! (`wit/braid-hooks.wit`). Knows no connection and no plan.
//!
//! ```text
//! hooks ──▶ program (file ──▶ compiled component, kept over reloads)
//!   └─────▶ hook (idle instances, limits, what becomes of a failure) ◀── stages (Plugin), policies (PolicyAuthorizer)
//!             └──▶ instance ──▶ the component ──▶ host, wasi (what it may call) ──▶ exchange (what the call is about)
//! ```
//!
//! A call is made on the thread that serves the request, and ends within its limits of time and memory. A call takes an instance that nobody
//! else has, and gives it back; one that failed is dropped. So there are as many instances of a hook as threads that serve requests.
//!
//! Without the feature `runtime`, there are the settings alone.

pub mod config;

#[cfg(feature = "runtime")]
mod bindings;
#[cfg(feature = "runtime")]
mod clock;
#[cfg(feature = "runtime")]
mod exchange;
#[cfg(feature = "runtime")]
mod hook;
#[cfg(feature = "runtime")]
mod hooks;
#[cfg(feature = "runtime")]
mod host;
#[cfg(feature = "runtime")]
mod instance;
#[cfg(feature = "runtime")]
mod policies;
#[cfg(feature = "runtime")]
mod program;
#[cfg(feature = "runtime")]
mod refusal;
#[cfg(feature = "runtime")]
mod stages;
#[cfg(feature = "runtime")]
mod state;
#[cfg(feature = "runtime")]
mod wasi;

#[cfg(feature = "runtime")]
pub use hooks::{HookError, Hooks, Programs};
