//! The shop as `cargo run` starts it. Table of contents.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod agents;
mod caching;
mod permissions;
mod running;
mod security;
mod shop;
mod staff;
mod start;
mod traces;
mod watch;
