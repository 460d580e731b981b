//! Keeps what subgraphs gave, for as long as they allow, and answers the executor from it: a [`SubgraphService`] around another one.
//! Knows no plan; where things are kept is the business of `cache-store`.
//!
//! ```text
//! SubgraphRequest ──▶ asked (keys) ──▶ lookup: memory ──▶ Redis ──▶ what is missing ──▶ subgraph
//!                                          │ known                                        │ response: lifetime, scope, tags
//!                                          ▼                                              ▼
//!                                      SubgraphResponse with `kept` ◀──────────────── keeper: hears from the executor where values are
//! ```
//!
//! [`SubgraphService`]: braid_executor::SubgraphService

mod asked;
mod bodies;
pub mod config;
mod extensions;
mod flights;
mod keeper;
mod lifetime;
mod lookup;
mod refresh;
mod rules;
mod selection;
mod service;
mod tags;
mod verdicts;
mod viewer;

pub use lookup::Describes;
pub use rules::CacheError;
pub use service::Cached;
