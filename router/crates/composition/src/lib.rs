//! Subgraph schemas in, supergraph or diagnostics out. Does no IO.
//!
//! ```text
//! SDL ──subgraph──▶ Subgraph ──validate──▶ ──merge──▶ Merged ──checks──▶ ──write──▶ supergraph SDL ──satisfiability──▶ proof
//! ```

mod checks;
mod codes;
mod compose;
mod diagnostic;
mod explain;
mod merge;
mod satisfiability;
mod subgraph;
mod validate;

pub use codes::{Code, summary};
pub use compose::{Composed, Composer, Composition, compose};
pub use diagnostic::{Diagnostic, Edit, Fix, Level, Location};
pub use explain::{Explanation, codes_page, explain};
pub use subgraph::sdl::SubgraphSdl;
pub use subgraph::spec::NEWEST as NEWEST_FEDERATION_2;
