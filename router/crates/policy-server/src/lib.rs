//! Asks an HTTP service which policies (`@policy`) a client satisfies: one call for all policies of a request. Knows no operation.
//!
//! ```text
//! POST  { "policies": ["refunds", "audit"], "client": { "credentials": "jwt", "source": "id", "claims": { "sub": "7" } } }
//! 200   { "satisfied": ["refunds"] }
//! ```
//!
//! `client` is null for anonymous clients. Whatever goes wrong, no policy is satisfied: a service that is down opens nothing.

pub mod config;
mod server;

pub use server::{PolicyServer, PolicyServerError};
