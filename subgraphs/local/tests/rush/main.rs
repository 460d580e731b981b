//! A day of the shop in a minute: many buyers at once, two instances of each service that are killed again and again, a database that is restarted in
//! the middle. Afterwards all books must agree, to the cent and to the piece.
//!
//! ```text
//! buyers ──▶ orders (2) ──▶ inventory (2)      PostgreSQL, NATS
//!                └────────▶ payment provider (of the test, which is not killed)
//! ```
//!
//! A short run is part of the tests. A long one, with a PostgreSQL of its own that is restarted twice:
//! `BUYERS=1000 SECONDS=60 POSTGRES_BIN=/usr/lib/postgresql/15/bin cargo test --release -p local --test rush -- --nocapture`.
//! It prints how many orders were placed in a minute.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod books;
mod buyers;
mod postgres;
mod provider;
mod services;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use buyers::Tally;
use service::sample::Dice;
use service::testing::TestIssuer;
use services::Services;
use uuid::Uuid;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_books_agree_after_a_rush_of_buyers_and_deaths() {
    let Some(databases) = postgres::Databases::create().await else { return };
    let Ok(nats) = std::env::var("NATS_URL") else {
        assert!(std::env::var_os("CI").is_none(), "CI must set NATS_URL");
        println!("skipped: NATS_URL is not set");
        return;
    };
    let (buyers, seconds) = (setting("BUYERS", 40), setting("SECONDS", 8));
    let issuer = TestIssuer::new(service::Config::new(&orders::INFO).auth).unwrap();
    let keys = issuer.serve_keys().await.unwrap();
    let provider = provider::serve().await;
    let events = books::Events::watch(&nats).await;
    let services = Arc::new(Services::start(&databases, &keys, provider.address, &nats).await);
    let before = books::Stock::read(&databases).await;

    let over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let shoppers: Vec<_> = (0..buyers)
        .map(|number| {
            let token = issuer.token(Uuid::new_v4(), &["customer"]).unwrap();
            tokio::spawn(buyers::shop(number, token, Arc::clone(&services), Arc::clone(&over)))
        })
        .collect();
    let killer = tokio::spawn(kill(Arc::clone(&services), Arc::clone(&over)));
    for third in 1..=3 {
        let until = Duration::from_secs(seconds) * third / 3;
        tokio::time::sleep(until.saturating_sub(began.elapsed())).await;
        if third < 3 {
            databases.restart();
        }
    }
    over.store(true, Ordering::SeqCst);
    let kills = killer.await.unwrap();
    let keeper = tokio::spawn(keep(Arc::clone(&services)));
    let mut tally = Tally::default();
    for shopper in shoppers {
        tally.add(&shopper.await.unwrap());
    }
    let took = began.elapsed();
    keeper.abort();
    let _ = keeper.await;
    services.settle(&databases).await;
    let books = books::check(&databases, &before, &provider).await;
    events.check(&databases).await;
    println!(
        "{buyers} buyers, {kills} kills, {} restarts of the database: {} orders placed in {took:.1?} ({:.0} a minute), {} cancelled, {} without stock, \
         {} requests unanswered; {} taken in all",
        databases.restarts(),
        tally.placed,
        tally.placed as f64 / took.as_secs_f64() * 60.0,
        tally.cancelled,
        tally.out_of_stock,
        tally.unanswered,
        books,
    );
    assert!(tally.placed > 0 && kills > 0, "{tally:?}, {kills} kills");
    let Ok(services) = Arc::try_unwrap(services) else { panic!("a task is left") };
    drop(services);
    databases.drop_all().await;
}

/// Starts again what ends, while buyers finish what they have begun.
async fn keep(services: Arc<Services>) {
    loop {
        services.revive();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Kills one instance every second.
async fn kill(services: Arc<Services>, over: Arc<AtomicBool>) -> usize {
    let mut dice = Dice::new("rush");
    let mut kills = 0;
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        services.revive();
        services.kill(dice.below(4) as usize);
        kills += 1;
    }
    kills
}
