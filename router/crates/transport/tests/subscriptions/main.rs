//! Subscriptions at subgraphs, over real sockets, with subgraphs that a test plays by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod auto;
mod bad_sockets;
mod callback;
mod http;
mod limits;
mod lost;
mod peer;
mod sockets;
mod world;
