//! Operation and query graph in, query plan out. Knows neither the executor nor a transport.
//!
//! ```text
//! Operation ──ask──▶ positions ──solve──▶ choices ──build──▶ visits ──schedule──▶ stages ──emit──▶ QueryPlan
//! ```
//!
//! # The problem
//!
//! A *position* is a selection set at a response path. At a position stand objects, each at a *place*: a subgraph's view of their type.
//! From the places where they stand, other places are entered by keys; that takes a request, and the key's fields must be had first. A plan
//! chooses for every field who is asked, so that stages are few, then requests, then waiting. Listing the paths to a field and combining
//! them is exponential in what subgraphs share, and that is how planners come to take seconds or give up.
//!
//! # The method
//!
//! The operation is a tree, so a choice at a position depends on what is above only through the places where its objects stand. That pair, (position,
//! places), is what solutions are remembered by (`solve`); equal questions are answered once, however many ways lead there.
//!
//! 1. *What can be had from here, and how soon?* is a least fixpoint over the places of a type (`Reach` of the query graph), with
//!    `@requires` as a condition like a key. It is computed once for a set of places.
//! 2. *Runtime types that behave alike are one group*: same owners, same fields asked, same keys, compared in full. Seventy implementations
//!    of an interface are as many groups as they differ in. Objects that stand at interface objects only have no known type: they are planned as their
//!    interface where everything asked is had by it; otherwise one place is asked for their types first.
//! 3. *Each field of a group has few owners that matter.* Of more than eight, those that are there first and own most of what is asked beside
//!    it are looked at. The solution below each is known from the memo; fields of a group are then chosen together, by what
//!    their requests cost as a union: requests of one stage to one subgraph are one request.
//! 4. Small operations get a *second look*: what is below a position is chosen again with the requests known that are made beside it.
//! 5. Choices become *visits* of subgraphs to positions (`build`); a visit's inputs (keys, requirements, contexts) are asked by the visits that own
//!    them. Visits of one stage to one subgraph become one fetch (`schedule`), unless that would make a circle.
//!
//! # The bound
//!
//! Positions × reached sets of places × groups × eight owners, each a lookup and a union of small sorted sets. Every step spends
//! from a budget ([`PlannerConfig::budget`]); what exceeds it ends with a coded error. The same operation over the same schema has the same plan: nothing
//! depends on addresses, time or the order of hash maps.
//!
//! The tests compare the choices with all possible ones on small random graphs (`tests/brute_force.rs`), and [`check_plan`] walks every plan that
//! they make.

mod arena;
mod ask;
mod build;
pub mod check;
mod choose;
mod config;
mod draft;
mod emit;
mod error;
mod plan;
mod schedule;
mod tree;

pub use check::check_plan;
pub use config::PlannerConfig;
pub use error::PlanError;
pub use plan::{plan, plan_with_labels};
