//! A Redis that the router can do without: it is asked within a short time, and not at all while it is away. Knows nothing of what is
//! asked.
//!
//! ```text
//! URL ──▶ Address ──▶ Connection (one server, the master that sentinels name, or a cluster)
//!                         │
//!                       Redis ──▶ Patience: which failures mean that it is away
//! ```

mod address;
mod connection;
mod patience;
mod redis;

pub use crate::redis::{Redis, Setup};
pub use address::{RedisSetupError, check_url, is_cluster_url};
pub use connection::Connection;
