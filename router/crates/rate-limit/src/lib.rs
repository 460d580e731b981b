//! How much a client may ask in which time. Knows no HTTP connection, no GraphQL document and no response body.
//!
//! ```text
//! LimitsByGraph ──of a graph──▶ RateLimits ──begin──▶ RequestLimits ──check_head, check_operation──▶ key ──▶ store: Redis, or local ──▶ gcra
//!                                                          └──write_headers──▶ RateLimit, Retry-After
//! ```
//!
//! Rules that need nothing of the operation are checked before the body is read, the others before the operation is executed. Of the
//! rules that are checked together, all must let the request pass, and a request that one refuses takes nothing from the others.

mod by_graph;
pub mod config;
mod counters;
mod gcra;
mod headers;
mod key;
mod limits;
mod local;
mod request;
mod shared;

pub use by_graph::LimitsByGraph;
pub use counters::RateLimitError;
pub use limits::RateLimits;
pub use request::{Operation, Refused, RequestLimits};
