//! What both sides of HTTP need: a client of one URL, TLS from PEM files, permits in the order of deadlines. Knows neither
//! GraphQL nor metrics.
//!
//! ```text
//! Endpoint ──▶ Client ──▶ pool (HTTP/1.1), or hyper's own (HTTP/2) ──▶ connect ──▶ tls
//!                 └─────▶ permits: as many concurrent requests as there may be connections
//! Dialer ───────────▶ connect, for other protocols
//! ```

mod chain;
mod client;
pub mod config;
mod connect;
mod counted;
mod dial;
mod endpoint;
mod permits;
mod pool;
pub mod receive;
pub mod tls;

pub use chain::chain;
pub use client::{Client, RequestError, ResponseBody, StreamBody};
pub use connect::{ConnectError, UrlError};
pub use counted::Counted;
pub use dial::Dialer;
pub use endpoint::{Endpoint, EndpointError};
pub use permits::{Permit, PermitQueue, Permits, Waiting};
