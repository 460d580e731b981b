//! How a query can move between subgraphs: who resolves a field, and how a subgraph is entered. Makes no plan, knows no operation.
//!
//! ```text
//! Supergraph ──QueryGraph::new──▶ QueryGraph { a node per (type, place) } ──Reach──▶ what can be fetched from where
//! ```
//!
//! A *place* is a subgraph's view of a type: the type itself, or an interface that the subgraph knows as an object. A *node* is a type at
//! a place. At a node some fields can be asked, each by an *owner*; other nodes of the type are entered from it by a *jump*, a resolvable key
//! whose fields are known.
//!
//! [`Reach`] answers "from these places, what can be fetched, and in how many steps?" as a least fixpoint: a node is reached
//! when the fields of one of its keys can be fetched from nodes reached before, a field with `@requires` when its requirements can.
//! Conditions that depend on themselves are false unless something outside of the circle grounds them. No path is ever enumerated: the state is one
//! number per node, so the work is nodes × keys, not paths.

mod classes;
mod closure;
mod context;
mod graph;
mod reach;
mod requests;
mod resolve;
mod standing;

pub use closure::{Closure, Found, ReachedField, ReachedNode, Source};
pub use context::ContextSource;
pub use graph::{Jump, Node, NodeId, Owner, Place, QueryGraph};
pub use reach::{Exhausted, Labels, Reach};
pub use requests::Requests;
pub use resolve::Circumstances;
pub use standing::{At, Ats, Presence, Presences, Provided, known_as, presences_of, types_of};
