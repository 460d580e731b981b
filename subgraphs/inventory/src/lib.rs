//! The inventory subgraph.
