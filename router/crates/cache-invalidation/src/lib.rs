//! The ways in which a router is told that something it keeps is not true any more: over HTTP and over a message broker. Knows neither
//! what is kept nor how.
//!
//! ```text
//! POST, with a secret ──▶ Endpoint ─┐
//!                                   ├─▶ Item ──checked by the Supergraph──▶ Invalidation ──▶ Store::invalidate ──▶ acknowledged
//! message of a broker ──▶ Rule ─────┘
//! ```
//!
//! A sender is told that it is done only after the whole group of routers has acknowledged it. What is not acknowledged is refused with an
//! error that says to send it again, or given back to the broker.

pub mod config;
mod endpoint;
mod item;
mod listener;
mod nats;
mod request;
mod rule;
mod target;
mod ways;

pub use item::{Item, ItemError};
pub use nats::NatsError;
pub use target::{Target, Targets};
pub use ways::{Ways, WaysError};
