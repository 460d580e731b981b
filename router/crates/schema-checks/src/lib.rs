//! What changed between two schemas, and which clients it breaks. Does no IO: texts in, a report out, and the report as text.
//!
//! ```text
//! two versions ─┬─diff────────▶ changes of the API ─┐
//!               └─federation──▶ between subgraphs ──┼─attribute─▶ allow ─▶ Report ──output──▶ text
//! operations ─────judge───────▶ broken, affected ───┘                        ▲
//! SDL files ──────lint────────▶ findings ────────────────────────────────────┘
//! usage logs ─────usage───────▶ Summary
//! ```

pub mod allow;
pub mod change;
pub mod check;
pub mod config;
pub mod diff;
pub mod federation;
pub mod items;
pub mod lint;
pub mod location;
pub mod operations;
pub mod output;
pub mod plans;
pub mod problem;
pub mod report;
pub mod sources;
pub mod usage;
pub mod verdict;
