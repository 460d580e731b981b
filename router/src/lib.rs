//! The Braid router: composes, plans, executes and serves a federated graph.
