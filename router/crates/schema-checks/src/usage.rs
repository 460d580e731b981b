//! Usage logs: read, and summarised. Does not validate operations.

mod read;
mod summary;
mod text;

pub use self::read::read_records;
pub(crate) use self::read::{LoggedOperation, logged_operations};
pub use self::summary::{ClientUse, DeprecatedField, FieldUse, Logs, Summary, summarise};
