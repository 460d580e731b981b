//! The query plan as a value, and how it prints. Knows neither planner nor executor: it is the contract between them.
//!
//! # One data tree, fetches write into it
//!
//! An operation's answer grows in one *data tree*: an object at each position of the response, with values under *tree keys*.
//! A fetch asks one subgraph for selections and writes what comes back into the tree at the place it belongs to. The client's
//! response is then read off the tree by walking the operation. Two rules make that simple:
//!
//! 1. **One key, one meaning.** At an object of the tree a key stands for one field with one set of arguments. What the client
//!    asked is under the client's response key; what only a key or a requirement needs is under a key of the plan's own where
//!    the client's use of that key differs.
//! 2. **The wire can differ.** Where a subgraph could not be asked under the tree key (two members of a union have the field with
//!    types that do not merge), the fetch asks under another alias: [`FetchField::wire_key`] is what travels,
//!    [`FetchField::key`] is where the value goes.
//!
//! Several fetches can write into one object, also into one that another fetch made (entity fetches, or a shared root split
//! over subgraphs): objects merge key by key, lists item by item.
//!
//! # Order
//!
//! [`QueryPlan::fetches`] is a directed acyclic graph: a fetch starts when all in [`Fetch::after`] are done. The nested form that people
//! of this field read (Sequence, Parallel, Flatten) is made when printing.

pub mod explanation;
pub mod plan;
pub mod print;
pub mod print_explain;
pub mod print_graph;
pub mod print_json;
pub mod request;

pub use plan::{
    ContextValue, EntityFetch, Fetch, FetchField, FetchId, FetchKind, FetchSelection, Items, Path, PathSegment,
    QueryPlan, Representation, RepresentationField, TypenameSource,
};
