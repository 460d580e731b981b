//! What the tests of the services share: new databases, and somebody who signs tokens.

mod database;
mod issuer;

pub use database::{TEST_DATABASE_URL, TestDatabase};
pub use issuer::TestIssuer;
