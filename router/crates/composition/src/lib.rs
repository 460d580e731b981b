//! Subgraph schemas in, supergraph or diagnostics out. Does no IO.
//!
//! ```text
//! SDL ──subgraph──▶ Subgraph ──validate──▶ ──merge──▶ Merged ──checks──▶ ──write──▶ supergraph SDL ──satisfiability──▶ proof
//! ```

mod codes;
mod compose;
mod diagnostic;
#[expect(dead_code, reason = "the merge that reads it is being written")]
mod subgraph;

pub use codes::{Code, summary};
pub use compose::{Composed, Composition, SubgraphSdl, compose};
pub use diagnostic::{Diagnostic, Edit, Fix, Level, Location};
