//! The shop on PostgreSQL with many rows: every operation of `schema/operations` finds what it needs by an index, and each is fast; then how
//! many orders it takes in a minute, how long a product page takes, and where the time goes.
//!
//! ```text
//! buyers and visitors (of the test) ──▶ router ──▶ users, orders, inventory ──▶ PostgreSQL
//! ```
//!
//! A small shop is part of the tests. A large one, with a million orders, 200,000 products and 100,000 users, and a minute for each measurement:
//! `SHOP_ROWS=full SECONDS=60 cargo test --release -p local --test scale -- --nocapture`, with `TEST_DATABASE_URL`. What it prints on a machine
//! of its own is what the documentation says; a build without optimisation, or a busy machine, says little about time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod buyers;
mod databases;
mod fill;
mod operations;
mod pages;
mod plans;
mod report;
mod shop;

use std::time::{Duration, Instant};

use databases::Databases;
use fill::Rows;
use service::testing::Recording;
use shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_fast_with_many_rows() {
    let Some(databases) = Databases::create().await else { return };
    let rows = Rows::configured();
    let recording = Recording::begin();
    let shop = Shop::start(&databases).await;
    let began = Instant::now();
    fill::fill(&databases, &rows).await;
    println!("{rows} were made in {:.0?}\n", began.elapsed());

    operations::check(&shop, &databases, &recording, &rows).await;
    drop(recording);
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    pages::visit(&shop, &rows, setting("PAGES", 50), time).await;
    buyers::buy(&shop, setting("BUYERS", 16), time).await;

    shop.stop().await;
    databases.drop_all().await;
}

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
