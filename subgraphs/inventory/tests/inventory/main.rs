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
mod categories;
mod concurrency;
mod entities;
mod expiry;
mod importing;
mod ledger;
mod limits;
mod listing;
mod machine;
mod plans;
mod reservations;
mod search;
mod shop;
mod start;
mod subscriptions;
mod warehouses;
