//! The configuration reference matches the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[test]
fn every_option_is_described() {
    let page = std::fs::read_to_string("../docs/configuration.md").unwrap_or_default();
    assert!(
        page == braid::config::reference::markdown(),
        "docs/configuration.md is stale; refresh it with `cargo run -p braid -- config reference > docs/configuration.md`"
    );
    assert!(!page.contains("|  |"), "an option has no description");
}
