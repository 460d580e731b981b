//! The orders subgraph.

fn main() {}
