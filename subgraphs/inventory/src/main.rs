//! The inventory subgraph.

fn main() {}
