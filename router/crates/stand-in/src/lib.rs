//! Subgraphs of which some are not there, for development: what was recorded or a mock answers for them. Knows no schema and no file.
//!
//! ```text
//! request ──▶ recorded? ──▶ the subgraph itself ──▶ recorded
//!                │ missing       │ can't be reached
//!                └──────▶ mock ◀─┘
//! ```
//!
//! A subgraph without a stand-in costs one look at an empty list.

mod events;
mod service;
mod stand_in;

pub use service::WithStandIns;
pub use stand_in::{StandIn, StandIns};
