//! Operation and query graph in, query plan out. Knows neither the executor nor a transport.
//!
//! ```text
//! Operation ──ask──▶ positions ──choose──▶ solution ──build──▶ visits ──schedule──▶ batches ──emit──▶ QueryPlan
//! ```
//!
//! # The problem
//!
//! A *position* is a selection set at a response path. The objects there stand at *places*: subgraphs' views of their type. From these,
//! other places are entered by keys; that takes a request, and the fields of the key must be fetched first. A plan chooses for every field
//! which subgraph is asked, so that there are few stages, then few requests, then little waiting. To list the paths to a field and to combine
//! them is exponential in what subgraphs share; that is how planners come to take seconds or give up.
//!
//! # The method
//!
//! The operation is a tree, so a choice at a position depends on what is above only through the places where its objects stand. Solutions are
//! remembered by that pair, (position, places), so equal questions are answered once, however many ways lead to them (`choose`).
//!
//! 1. *What can be fetched from here, and how soon?* is a least fixpoint over the nodes of a type (`Reach` of the query graph), with
//!    `@requires` as a condition like a key. It is computed once per set of places.
//! 2. *Runtime types that behave alike are one group*: same owners, same fields asked, same keys, compared in full. Seventy implementations
//!    of an interface are as many groups as they differ in. Objects that stand at interface objects only have no known type: they are planned as their
//!    interface where everything asked is available on it; otherwise one place is asked for their types first.
//! 3. *Each field of a group has few owners that matter.* Of more than eight, those that are reached first and own most of what is asked beside
//!    the field are compared. The solution below each is remembered; the fields of a group are then chosen together, by what
//!    their requests cost as a union: requests of one stage to one subgraph are one request.
//! 4. Small operations get a *second look*: what is below a position is chosen again with the requests known that are made beside it.
//! 5. Choices become *visits* of subgraphs to objects (`build`). The inputs of a visit (keys, requirements, contexts) are fetched from where
//!    the search has priced them: both ask `Reach::source`. Visits of one stage to one subgraph become one fetch (`schedule`), unless that
//!    would make a circle.
//!
//! # The bound
//!
//! Positions × reached sets of places × groups × eight owners, each a lookup and a union of small sorted sets. Every step spends
//! from a budget ([`PlannerConfig::budget`]); more than that ends with a coded error. The same operation over the same schema has the same plan: nothing
//! depends on addresses, time or the order of hash maps.
//!
//! The tests compare the choices with all possible ones on small random graphs (`tests/brute_force.rs`), and [`check_plan`] walks every plan that
//! they make.

mod arena;
mod ask;
mod budget;
mod build;
pub mod check;
mod choose;
mod config;
mod draft;
mod emit;
mod error;
mod plan;
mod schedule;
mod streams;
mod tree;

pub use check::check_plan;
pub use config::PlannerConfig;
pub use error::PlanError;
pub use plan::{plan, plan_with_labels};
