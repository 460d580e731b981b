//! How a query can move between subgraphs.
