//! How much a client may ask in which time. Knows no HTTP connection, no GraphQL document and no response body.
//!
//! ```text
//! RateLimits ──begin──▶ RequestLimits ──check_head, check_operation──▶ key ──▶ store: Redis, or local ──▶ gcra
//!                            └──write_headers──▶ RateLimit, Retry-After
//! ```
//!
//! Rules that need nothing of the operation are checked before the body is read, the others before the operation is executed. Of the
//! rules that are checked together, all must let the request pass, and a request that one refuses takes nothing from the others.

pub mod config;
mod gcra;
mod headers;
mod key;
mod limits;
mod local;
mod request;
mod shared;

pub use limits::{RateLimitError, RateLimits};
pub use request::{Operation, Refused, RequestLimits};
