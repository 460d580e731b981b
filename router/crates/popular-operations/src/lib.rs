//! The operations that clients use most, shared by routers over Redis, so that a new router has compiled them before it serves. Knows no
//! schema: whoever reads them finds out whether they are valid.

pub mod config;
mod shared;

pub use shared::{PopularOperation, PopularOperations, PopularOperationsError};
