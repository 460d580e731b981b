//! What changed between two schemas, and whom it hurts. Does no IO: texts in, a report out, and the report as text.

pub mod change;
pub mod config;
pub mod contract;
pub mod diff;
pub mod federation;
pub mod lint;
pub mod location;
pub mod operations;
pub mod plans;
pub mod problem;
pub mod sources;
pub mod usage;
