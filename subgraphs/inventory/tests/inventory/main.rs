//! Tests of the inventory subgraph on both databases. The harness is in `shop`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod administration;
mod caching;
mod concurrency;
mod entities;
mod limits;
mod listing;
mod reservations;
mod shop;
mod start;
mod subscriptions;
