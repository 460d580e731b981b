//! Operation and query graph in, query plan out.
