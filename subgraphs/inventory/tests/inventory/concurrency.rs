//! Many requests at the same time: nothing is oversold or lost, and nobody waits for ever.

use std::time::Duration;

use futures_util::future::join_all;
use service::sample::Dice;
use tokio::time::timeout;

use super::shop::{Shop, on_each};

/// 32 clients reserve single units of 100 until there are none left; half of them are in another warehouse.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_what_is_there_is_reserved() {
    on_each(|shop| async move {
        let product = shop.product("RUSH-1", &[50, 30, 20]).await;
        let clients = (0..32).map(|client| {
            let (shop, product) = (shop.clone(), product.clone());
            tokio::spawn(async move {
                let mut held = 0;
                for round in 0.. {
                    let key = format!("client {client} round {round}");
                    let answer = shop.reserve(&key, &[(&product, 1)]).await;
                    match answer["__typename"].as_str().unwrap() {
                        "StockReservation" => held += 1,
                        "InsufficientStock" => break,
                        other => panic!("{other}"),
                    }
                }
                held
            })
        });
        let held: i64 = within_a_minute(join_all(clients)).await.into_iter().map(Result::unwrap).sum();
        assert_eq!(held, 100);
        assert_eq!((shop.stock(&product).await, shop.taken(&product).await), (0, 100));
    })
    .await;
}

/// The same key in many requests at the same time reserves only once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_takes_once() {
    on_each(|shop| async move {
        let product = shop.product("ONCE-1", &[3]).await;
        let same = (0..16).map(|_| {
            let (shop, product) = (shop.clone(), product.clone());
            // Enough for one request, but not for two.
            tokio::spawn(async move { shop.reserve("once", &[(&product, 2)]).await })
        });
        let answers: Vec<_> = within_a_minute(join_all(same)).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers[0]["status"], "HELD");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!((shop.stock(&product).await, shop.taken(&product).await), (1, 2));
    })
    .await;
}

/// Reserve and release of one key at the same time: whichever is first, in the end nothing is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_beats_a_reserve_that_is_under_way() {
    on_each(|shop| async move {
        let product = shop.product("RACE-1", &[10]).await;
        let races = (0..40).map(|race| {
            let (shop, product) = (shop.clone(), product.clone());
            tokio::spawn(async move {
                let key = format!("race {race}");
                let lines = [(product.as_str(), 3)];
                let (reserved, released) = tokio::join!(shop.reserve(&key, &lines), shop.release(&key));
                assert_eq!(released["status"], "RELEASED");
                let reserved = reserved["__typename"].as_str().unwrap();
                assert!(
                    ["StockReservation", "ReservationClosed", "InsufficientStock"].contains(&reserved),
                    "{reserved}"
                );
                assert_eq!(shop.commit(&key).await["__typename"], "ReservationClosed");
            })
        });
        within_a_minute(join_all(races)).await.into_iter().for_each(Result::unwrap);
        assert_eq!((shop.stock(&product).await, shop.taken(&product).await), (10, 0));
    })
    .await;
}

/// Overlapping baskets with lines in different orders, and commits and releases in between: no deadlock, and no unit is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_baskets_do_not_wait_in_a_circle() {
    const STOCK: [i32; 3] = [20, 20, 20];
    on_each(|shop| async move {
        let mut products = Vec::new();
        for n in 0..4 {
            products.push(shop.product(&format!("BASKET-{n}"), &STOCK).await);
        }
        let clients = (0..16).map(|client| {
            let (shop, products) = (shop.clone(), products.clone());
            tokio::spawn(async move { shop_around(&shop, client, &products).await })
        });
        within_a_minute(join_all(clients)).await.into_iter().for_each(Result::unwrap);
        for product in &products {
            assert_eq!(shop.stock(product).await + shop.taken(product).await, 60);
        }
    })
    .await;
}

async fn shop_around(shop: &Shop, client: usize, products: &[String]) {
    let mut dice = Dice::new(&format!("client {client}"));
    for round in 0..12 {
        let key = format!("client {client} round {round}");
        let mut basket: Vec<(&str, i32)> =
            products.iter().map(|product| (product.as_str(), dice.between(1, 9) as i32)).collect();
        basket.rotate_left(dice.below(4) as usize);
        basket.truncate(dice.between(1, 4) as usize);
        shop.reserve(&key, &basket).await;
        match dice.below(3) {
            0 => drop(shop.release(&key).await),
            1 if shop.taken(basket[0].0).await > 0 => {
                // If the basket was too large, there is nothing to commit.
                let request = serde_json::json!({ "key": key });
                shop.ask(service::Viewer::Service, super::shop::COMMIT, request).await;
            }
            _ => {}
        }
    }
}

async fn within_a_minute<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), work).await.expect("somebody waits for ever")
}
