//! The shared room as a service sees it. Table of contents.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod auth;
mod database;
mod events;
mod http;
mod traces;
mod world;
