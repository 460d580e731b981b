//! The users subgraph.

fn main() {}
