//! The saga with an inventory that refuses calls: what it gives up at once, and what it retries.

use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use reqwest::StatusCode;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service::Database;
use service::testing::TestDatabase;
use uuid::Uuid;

use super::inventory::InventoryError;
use super::place::{Outcome, Wanted, WantedLine, place};
use super::{Policy, Saga, SagaError, reconcile};
use crate::clock::{millis, now_millis};
use crate::entity::order::{self, Rejection, Status, Step};
use crate::{Config, migration, saga};

/// An inventory that refuses calls of this name and accepts all others. Returns its URL.
async fn inventory(refuses: &'static str) -> String {
    let answer = move |Json(request): Json<Value>| async move {
        let query = request["query"].as_str().unwrap().to_owned();
        let variables = &request["variables"];
        let refusal = json!({ "errors": [{ "message": "No.", "extensions": { "code": "FORBIDDEN" } }] });
        let line = || json!({ "product": { "id": variables["input"]["lines"][0]["productId"] }, "quantity": 2, "unitPrice": "1.50 EUR" });
        Json(match query.as_str() {
            query if query.contains(refuses) => refusal,
            query if query.contains("_entities") => {
                let id = &variables["representations"][0]["id"];
                json!({ "data": { "entities": [{ "id": id, "sku": "A-1", "price": "1.50 EUR" }] } })
            }
            query if query.contains("reserveStock") => {
                json!({ "data": { "result": { "__typename": "StockReservation", "status": "HELD", "lines": [line()] } } })
            }
            query if query.contains("commitStock") => {
                json!({ "data": { "result": { "__typename": "StockReservation" } } })
            }
            _ => json!({ "data": { "result": { "status": "RELEASED" } } }),
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/graphql", post(answer))).await });
    url
}

/// Places an order with such an inventory, on every available database.
async fn on_each(refuses: &'static str, test: impl AsyncFn(&Saga, Result<Outcome, service::Error>)) {
    for database in TestDatabase::each().await.unwrap() {
        let opened = Database::connect(&database.config).await.unwrap();
        opened.migrate(migration::steps).await.unwrap();
        let config = Config { inventory_url: inventory(refuses).await, ..Config::new() };
        let saga = saga(&config, &opened).unwrap();
        let lines = vec![WantedLine { product: Uuid::new_v4(), quantity: 2 }];
        let wanted = Wanted { buyer: Uuid::new_v4(), idempotency_key: "one".to_owned(), lines };
        let started = Instant::now();
        let placed = place(&saga, wanted).await;
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        test(&saga, placed).await;
        opened.close().await.unwrap();
        database.drop_it().await.unwrap();
    }
}

async fn only_order(saga: &Saga) -> order::Model {
    let orders = order::Entity::find().all(saga.db.reader()).await.unwrap();
    assert_eq!(orders.len(), 1);
    orders.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refusal_the_order_is_placed() {
    on_each("nothing of all", async |saga, placed| {
        assert!(matches!(placed, Ok(Outcome::Placed(_))), "{placed:?}");
        assert_eq!(only_order(saga).await.step, Step::Done);
    })
    .await;
}

/// Before anything is charged, a refusal ends the order at once, not after five minutes of retries.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reservation_rejects_the_order() {
    on_each("reserveStock", async |saga, placed| {
        assert!(matches!(placed, Ok(Outcome::Refused(_))), "{placed:?}");
        let order = only_order(saga).await;
        assert_eq!((order.status, order.step), (Status::Rejected, Step::Done));
        assert_eq!(order.rejection, Some(Rejection::Unfulfillable));
    })
    .await;
}

/// Once it is charged, the order is never given up, but after a refusal the call is not repeated every second.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_commit_waits_long() {
    on_each("commitStock", async |saga, placed| {
        assert!(matches!(placed, Ok(Outcome::Placed(_))), "{placed:?}");
        let order = only_order(saga).await;
        assert_eq!((order.status, order.step), (Status::Placed, Step::Commit));
        assert!(order.due_at > now_millis() + millis(Duration::from_secs(30)));
        assert_eq!(reconcile::pass(saga).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_quote_is_our_fault_and_orders_nothing() {
    on_each("_entities", async |saga, placed| {
        assert_eq!(placed.unwrap_err().code(), service::Code::Internal);
        assert!(order::Entity::find().all(saga.db.reader()).await.unwrap().is_empty());
    })
    .await;
}

#[test]
fn waits_double_up_to_a_limit() {
    let policy = Policy::default();
    let waits = |status: StatusCode| {
        let error = SagaError::from(InventoryError::Status(status));
        [1, 2, 3, 8, 1000, i32::MAX].map(|attempts| policy.wait_after(&error, attempts))
    };
    let expected = [500, 1000, 2000, 60_000, 60_000, 60_000].map(Duration::from_millis);
    assert_eq!(waits(StatusCode::BAD_GATEWAY), expected);
    assert_eq!(waits(StatusCode::FORBIDDEN), [Duration::from_secs(60); 6]);
}
