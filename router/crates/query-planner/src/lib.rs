//! Operation and query graph in, query plan out.

mod ask;
mod build;
pub mod check;
mod config;
mod draft;
mod emit;
mod error;
mod plan;
mod schedule;
mod solve;

pub use check::check_plan;
pub use config::PlannerConfig;
pub use error::PlanError;
pub use plan::plan;
