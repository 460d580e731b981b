//! How a query can move between subgraphs: who resolves a field, and how a subgraph is entered. Makes no plan, knows no operation.
//!
//! ```text
//! Supergraph ──QueryGraph::new──▶ QueryGraph { a node for each (object type, place) } ──Reach──▶ what can be had from where
//! ```
//!
//! A *place* is a subgraph's view of a type: the type itself, or an interface that the subgraph knows as an object. At a place
//! some fields can be asked (*field edges*); other places are entered from it by a key (*jumps*) once the key's fields are known.
//!
//! [`Reach`] answers "standing at these places, what can be had, and in how many steps?" as a least fixpoint: a place is reached
//! when the fields of one of its keys can be had from places reached before, a field with `@requires` when its requirements can.
//! Cyclic conditions are false unless something outside of the circle grounds them. No path is ever enumerated: the state is one
//! number a place, so the work is places × keys, not paths.

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
