//! Turns the configuration of another router into router.yaml, and says what has no equal. Knows no file and no environment.
//!
//! ```text
//! text ──source──▶ Node (with places) ──table of the peer──▶ target tree + notes ──write──▶ router.yaml with comments
//! ```
//!
//! Each peer is a table from its keys to ours, in a file of its own. A key that no row of the table has is named with its place: nothing is
//! dropped in silence.

mod apollo;
mod cosmo;
mod headers;
mod hive;
mod migrate;
mod settle;
mod source;
mod target;
mod values;

pub use migrate::{Kind, Migrated, Note, Peer, migrate};
pub use source::Place;
