//! Lets an HTTP service take part in the router's requests: a plugin that asks it at the stages that are configured, and sends of each
//! what is selected. Knows no connection to clients and no plan.
//!
//! ```text
//! stages (Plugin) ──▶ message (what is sent, what comes back) ──▶ call: permit ──▶ Endpoint ──▶ the service
//!        └──▶ shared (id and entries of a request, the same at all its stages)
//! ```
//!
//! The messages are those that services for the Apollo router know, version 1.

mod call;
pub mod config;
mod message;
mod same;
mod shared;
mod stages;

pub use call::{Coprocessor, CoprocessorError};
