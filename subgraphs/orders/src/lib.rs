//! The orders subgraph.

mod clock;
mod entity;
mod migration;
mod saga;
