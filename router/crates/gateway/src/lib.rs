//! From a GraphQL request to the bytes of its response, over any [`Subgraphs`]. Knows no HTTP connection, no file and no transport.
//!
//! ```text
//! gateway (the main street) ──▶ operation_cache ──▶ compile
//!                          └──▶ executor ──▶ subgraphs
//! ```

pub mod compile;
pub mod config;
mod gateway;
pub mod limits;
pub mod operation_cache;
pub mod refusal;
pub mod request;

pub use gateway::{Executed, Gateway, Subgraphs, answer};
