//! What is the same in every subgraph's GraphQL: scalars, pagination, limits, errors, SDL.

mod batch;
mod caching;
mod directive;
mod document;
mod entities;
mod executable;
mod extension;
mod format;
pub mod id;
pub mod money;
mod omitted;
pub mod page;
mod present;
mod schema;
mod text;
mod total;
mod user_errors;

pub use batch::{grouped, loader};
pub(crate) use caching::cache_control;
pub use caching::{EntityTags, cache_tag};
pub use directive::authenticated;
pub use executable::Executable;
pub use money::{Money, MoneyInput};
pub use page::Page;
pub(crate) use present::{error_code, is_request_error};
pub use schema::{builder, database, resource, sdl, with_database};
pub use total::Total;
pub use user_errors::{UserMistake, user_errors};

/// A point in time: the scalar `DateTime`, RFC 3339 in UTC.
pub type DateTime = chrono::DateTime<chrono::Utc>;
