//! What clients use of a graph. Knows no request and no client's headers.
//!
//! ```text
//! document ─▶ coordinates, signature ─▶ OperationUsage ◀─count─ each request
//!                                            │ every interval, on a thread of its own
//!                                            └─▶ log (one UsageRecord per line), metrics
//! ```

mod budget;
pub mod config;
mod coordinates;
mod log;
mod operation;
pub mod record;
mod signature;
mod usage;

pub use coordinates::{Coordinates, coordinates};
pub use operation::OperationUsage;
pub use signature::signature;
pub use usage::{Publish, Usage, UsageError};
