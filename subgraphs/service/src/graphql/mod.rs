//! The GraphQL pieces that every subgraph has in the same form: scalars, paging, limits, errors, SDL.

pub mod batch;
mod document;
mod entities;
mod executable;
pub mod money;
mod omitted;
pub mod page;
mod present;
mod schema;
mod text;

pub use executable::Executable;
pub use money::Money;
pub use page::Page;
pub use present::{PresentErrors, is_request_error, present};
pub use schema::{builder, sdl};

use chrono::{SubsecRound, Utc};

/// A point in time; the scalar `DateTime`, RFC 3339 in UTC.
pub type DateTime = chrono::DateTime<Utc>;

/// The time now, cut to milliseconds: what both databases keep without loss.
pub fn now() -> DateTime {
    Utc::now().trunc_subsecs(3)
}
