//! What is known of a client's request, from its head to its log line, and which of it travels to subgraphs and back. Knows no
//! connection and no operation.

pub mod cache_control;
mod cacheability;
pub mod client_ip;
mod context;
mod derived_headers;
pub mod header_rules;
pub mod headers;
pub mod identity;
pub mod request_id;
pub mod uploads;

pub use cacheability::{CacheReport, Cacheability, Dependencies};
pub use context::{RequestContext, SubgraphChanges, SubgraphContext};
pub use identity::Identity;
