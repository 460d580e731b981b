//! The operations that clients are known to send: which of them a change breaks, and which it touches.
//!
//! ```text
//! files ──documents──▶ KnownOperation ──judge──▶ Judged (valid before? after? what it uses) ──attribute──▶ Change.usage
//! ```

mod attribute;
mod documents;
mod judge;
mod known;
mod templates;
mod uses;

pub use self::attribute::attribute;
pub use self::documents::{Format, OperationFile, Read, is_schema, read};
pub(crate) use self::judge::LIMITS;
pub use self::judge::{BrokenOperation, Judged, OperationError, OperationsReport, judge, report};
pub use self::known::{KnownOperation, Segment};
pub(crate) use self::uses::SchemaUse;
