//! Reservations that expire: when they may, and that nothing is released twice or after it was sold.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use service::{Database, Viewer, clock};
use tokio_util::sync::CancellationToken;

use super::shop::{RESERVE, Shop, on_each, reserve_variables};

impl Shop {
    async fn reserve_until(&self, key: &str, product: &str, seconds: i64) -> Value {
        let mut variables = reserve_variables(key, &[(product, 2)]);
        variables["input"]["expiresAt"] = json!((clock::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339());
        self.data(Viewer::Service, RESERVE, variables).await["reserveStock"].take()
    }

    async fn until_stock_is(&self, product: &str, stock: i64) {
        let waited = async {
            while self.stock(product).await != stock {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it is released in time");
    }
}

fn sweepers(database: &Database, count: usize, stop: &CancellationToken) -> Vec<tokio::task::JoinHandle<()>> {
    (0..count).map(|_| tokio::spawn(inventory::sweep(database.clone(), stop.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_what_is_held_and_has_expired_is_released_once() {
    on_each(|shop| async move {
        let (id, other) = (shop.product("EXP-1", &[100]).await, shop.product("EXP-2", &[10]).await);
        let held = shop.reserve_until("later", &other, 3600).await;
        assert!(held["expiresAt"].is_string());
        shop.reserve("never", &[(&other, 2)]).await;
        shop.reserve_until("sold", &other, -1).await;
        // It has expired, but nobody has released it yet.
        assert_eq!(shop.commit("sold").await["status"], "COMMITTED");
        for n in 0..30 {
            assert_eq!(shop.reserve_until(&format!("past {n}"), &id, -1).await["status"], "HELD");
        }
        assert_eq!(shop.stock(&id).await, 40);
        let stop = CancellationToken::new();
        let running = sweepers(&shop.database, 3, &stop);
        shop.until_stock_is(&id, 100).await;
        assert_eq!(shop.commit("past 1").await["__typename"], "ReservationClosed");
        assert_eq!(shop.reserve_until("past 1", &id, 3600).await["__typename"], "ReservationClosed");
        assert_eq!(shop.stock(&other).await, 4);
        assert_eq!(shop.differences().await, 0);
        stop.cancel();
        join_all(running).await.into_iter().for_each(Result::unwrap);
    })
    .await;
}

/// Commits at the same time as two sweepers: each reservation is sold or released, never both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_and_a_sweeper_do_not_both_win() {
    on_each(|shop| async move {
        let id = shop.product("RACE-2", &[100]).await;
        for n in 0..40 {
            shop.reserve_until(&format!("race {n}"), &id, -1).await;
        }
        let stop = CancellationToken::new();
        let running = sweepers(&shop.database, 2, &stop);
        let commits = (0..40).map(|n| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.commit(&format!("race {n}")).await["__typename"] == "StockReservation" })
        });
        let sold = join_all(commits).await.into_iter().filter(|sold| *sold.as_ref().unwrap()).count() as i64;
        shop.until_stock_is(&id, 100 - 2 * sold).await;
        assert_eq!((shop.taken(&id).await, shop.differences().await), (2 * sold, 0));
        stop.cancel();
        join_all(running).await.into_iter().for_each(Result::unwrap);
    })
    .await;
}
