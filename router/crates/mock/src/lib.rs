//! Answers in place of a subgraph that is not there: generated from its schema, always the same for the same question. Does no IO.
//!
//! ```text
//! SDL ──schema──▶ executable schema, keys ┐
//! mocks.yaml ──config──▶ hints            ┴▶ Mock ──answer(request)──▶ object ──▶ identity (which entity), value (what a field has)
//! ```
//!
//! # How values hang together
//!
//! Every object has a seed, and the value of a field follows from the seed, the name of the field and its arguments. The seed of an
//! entity follows from its key and nothing else, so an entity has the same values wherever it is found: in a list, by an argument, by a
//! representation, in the mock of another subgraph. Everything else has the seed of its place in the answer.
//!
//! Entities that are made up are numbered, and their keys are made of the number (`product-3`). So a key leads back to the number
//! (`identity`), and the other keys of the entity are known too. A key that was not made up here is hashed instead.
//!
//! Requests are executed by the executor of the GraphQL library, which knows fragments, abstract types, null and introspection; it is not
//! the router's own.

pub mod config;
mod identity;
mod leaf;
mod mock;
mod object;
mod schema;
mod seed;
#[cfg(test)]
mod tests;
mod words;

pub use mock::{Mock, MockAnswer};
pub use schema::{MockError, executable_schema};
