//! Subgraph schemas in, supergraph or diagnostics out.
