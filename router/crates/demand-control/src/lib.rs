//! Demand control: what an operation costs, by `@cost` and `@listSize` in the supergraph
//! (<https://ibm.github.io/graphql-specs/cost-spec.html>). Knows no request and no answer.
//!
//! ```text
//! Supergraph ──read──▶ CostModel
//! QueryPlan + CostModel ──compile, once per operation──▶ Formula
//! Formula + variables ──estimate, per request──▶ Estimate: in all, and of each subgraph
//! ```
//!
//! # What costs what
//!
//! The cost is that of the requests to subgraphs, so what only keys and requirements need counts too.
//!
//! - A field costs its own weight once, 0 unless it has `@cost`. So does an argument that is given.
//! - A value costs the weight of its type: 1 for an object, 0 for a scalar or an enum, or what `@cost` says. A list costs its size
//!   times its items, with what is selected of them.
//! - The size of a list is what a slicing argument says, else `assumedSize`, else the default.
//! - Entities that are looked up are as many as the lists on the way to them have items.
//! - An input object that is given costs 1, and its fields that have `@cost` cost their weights.
//! - A request of a mutation costs 10 more.
//!
//! Costs saturate instead of overflowing, and are never negative.

mod compile;
pub mod config;
mod expression;
mod formula;
mod input;
mod model;

pub use formula::{Estimate, Formula};
pub use model::{CostModel, ReadError};
