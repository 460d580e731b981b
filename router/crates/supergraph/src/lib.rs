//! The supergraph: types, fields, and which subgraph resolves them.
