//! An operation made ready to run, once, so that running it does no thinking. Knows nothing of one execution.
//!
//! ```text
//! Operation + QueryPlan ──shape──▶ Shapes: the layout of the data tree
//!                       ──fetch──▶ CompiledFetch: request body, paths, representations, and the reading of its response
//!                       ──projection──▶ Projection: what is written to the client
//! ```

pub(crate) mod condition;
mod facts;
pub(crate) mod fetch;
pub(crate) mod flow;
mod heap;
pub(crate) mod initial;
mod key_index;
pub(crate) mod limits;
pub(crate) mod operation;
pub(crate) mod parts;
mod project;
pub(crate) mod projection;
pub(crate) mod reading;
pub(crate) mod request;
pub(crate) mod shape;
pub(crate) mod weights;
pub(crate) mod wrappers;
