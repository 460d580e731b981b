//! Authentication by its public interface: tokens by another library, keys at an address of the test's own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod api_keys;
mod configuration;
mod remote_keys;
mod rotation;
mod support;
mod tokens;
