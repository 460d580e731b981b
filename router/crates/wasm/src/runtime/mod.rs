//! What runs components.
//!
//! ```text
//! hooks ──▶ program (file ──▶ compiled component, kept over reloads)
//!   └─────▶ hook (idle instances, limits, what becomes of a failure) ◀── stages (Plugin), policies (PolicyAuthorizer)
//!             └──▶ instance ──▶ the component ──▶ host, wasi (what it may call) ──▶ exchange (what the call is about)
//! ```
//!
//! A call is made on the thread that serves the request, and ends within its limits of time and memory. A call takes an instance that nobody
//! else has, and gives it back; one that failed is dropped. So there are as many instances of a hook as threads that serve requests.

mod bindings;
mod clock;
mod exchange;
mod hook;
mod hooks;
mod host;
mod instance;
mod policies;
mod program;
mod refusal;
mod stages;
mod state;
mod wasi;

pub use hooks::{HookError, Hooks, Programs};
