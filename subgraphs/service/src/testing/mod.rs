//! What the tests of the services share: new databases, a clock to put forward, somebody who signs tokens, a collector of spans, and a record of statements.

pub(crate) mod clock;
mod collector;
mod database;
mod issuer;
pub(crate) mod statements;

pub use clock::TestClock;
pub use collector::{TestCollector, TestSpan};
pub use database::{TEST_DATABASE_URL, TestDatabase};
pub use issuer::TestIssuer;
pub use statements::{Recording, Sent};
