//! The users subgraph.

mod entity;
mod migration;
mod password;
