//! The orders subgraph.

mod entity;
mod migration;
