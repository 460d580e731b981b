//! What the tests of the services share: new databases, somebody who signs tokens, and a collector of spans.

mod collector;
mod database;
mod issuer;

pub use collector::{TestCollector, TestSpan};
pub use database::{TEST_DATABASE_URL, TestDatabase};
pub use issuer::TestIssuer;
