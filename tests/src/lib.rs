//! The harness of the whole-system tests: subgraphs made of data, and a gateway in front of them. Knows no test case.
//!
//! ```text
//! SDL + Resolver ──▶ subgraph::Subgraph (strict, in process or over HTTP)
//!                        ▲
//! operation ──▶ gateway::Gateway: plan, check the plan, execute, log requests
//! ```
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is the report")]

pub mod audit;
pub mod cached;
pub mod compare;
pub mod gateway;
pub mod key_order;
pub mod merge;
pub mod parts;
pub mod put_off;
pub mod shrink;
pub mod subgraph;
pub mod trial;
pub mod world;
