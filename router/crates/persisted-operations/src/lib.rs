//! Documents that requests refer to by an id instead of sending them: lists that operators publish, and texts that clients register
//! (automatic persisted queries). Knows no request, no schema and no plan.
//!
//! ```text
//! file, folder, URL, bucket ──source──▶ Manifest ──list──▶ OperationList ──store──▶ the list in use
//!                       what clients send with its hash ──▶ AutomaticQueries: memory, then Redis
//! ```

mod automatic;
mod bucket;
pub mod config;
mod hash;
mod list;
pub mod manifest;
mod normalize;
mod shared;
mod source;
mod store;

pub use automatic::{AutomaticQueries, Found};
pub use bucket::{BucketError, Object};
pub use hash::QueryHash;
pub use list::{ListedOperation, OperationList};
pub use normalize::normalized;
pub use shared::SharedError;
pub use source::{SourceError, SourceProblem};
pub use store::{LoadError, OperationStore, SourceReader};
