//! What both sides of HTTP need: a client of one address, TLS out of PEM files, permits in the order of deadlines. Knows neither
//! GraphQL nor metrics.
//!
//! ```text
//! Endpoint ──▶ Client ──▶ pool (HTTP/1.1), or hyper's own (HTTP/2) ──▶ connect ──▶ tls
//!                 └─────▶ permits: as many requests at once as there may be connections
//! ```

mod client;
pub mod config;
mod connect;
mod counted;
mod endpoint;
mod permits;
mod pool;
pub mod receive;
pub mod tls;

pub use client::{Client, RequestError, ResponseBody};
pub use connect::ConnectError;
pub use counted::Counted;
pub use endpoint::Endpoint;
pub use permits::{Permit, PermitQueue, Waiting};
