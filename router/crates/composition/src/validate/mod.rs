//! The rules that one subgraph must keep by itself.

pub(crate) mod edits;
