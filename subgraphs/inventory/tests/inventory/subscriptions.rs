//! Subscriptions to stock: what is told, when, and that nothing is lost between the transaction and the subscription.

use std::time::Duration;

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::{Request, Response};
use futures_util::StreamExt;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::Viewer;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, admin, mutation_of, on_each};

const CHANGED: &str = r#"subscription { stockChanged(skus: ["SUB-1", "SUB-2"]) { sku stock } }"#;

impl Shop {
    fn subscribe(&self, query: &str) -> BoxStream<'static, Response> {
        self.schema.execute_stream(Request::new(query).data(Viewer::Anonymous)).boxed()
    }

    async fn adjust(&self, product: &str, delta: i32) -> Value {
        let place = self.warehouses().await.remove(0);
        let key = uuid::Uuid::new_v4();
        let input = json!({ "idempotencyKey": key, "productId": product, "warehouseId": place, "delta": delta, "reason": "test" });
        self.ask(admin(), &mutation_of("adjustStock", "product { id }"), json!({ "input": input })).await
    }

    async fn waiting(&self) -> usize {
        let backend = self.database.reader().get_database_backend();
        let statement = Statement::from_string(backend, "SELECT id FROM outbox WHERE subject LIKE 'stock.%'");
        self.database.reader().query_all_raw(statement).await.unwrap().len()
    }
}

/// The next event; polled once before something changes, so that the subscription has begun.
async fn next(events: &mut BoxStream<'static, Response>) -> Option<Value> {
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.expect("an event in time")?;
    Some(serde_json::to_value(event).unwrap())
}

async fn begin(events: &mut BoxStream<'static, Response>) {
    let early = tokio::time::timeout(Duration::from_millis(300), events.next()).await;
    assert!(early.is_err(), "nothing has changed");
}

fn told(sku: &str, stock: i32) -> Option<Value> {
    Some(json!({ "data": { "stockChanged": { "sku": sku, "stock": stock } } }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_told_with_the_stock_that_there_is_then() {
    on_each(|shop| async move {
        let (first, other) = (shop.product("SUB-1", &[5]).await, shop.product("SUB-3", &[5]).await);
        shop.product("SUB-2", &[5]).await;
        let stop = CancellationToken::new();
        let relay = tokio::spawn(relay(&shop, shop.events.clone()).run(stop.clone()));
        while shop.waiting().await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut events = shop.subscribe(CHANGED);
        begin(&mut events).await;
        shop.adjust(&other, 1).await;
        shop.adjust(&first, -2).await;
        assert_eq!(next(&mut events).await, told("SUB-1", 3));
        // A change that is refused is told to nobody.
        let refused = shop.adjust(&first, -9).await;
        assert_eq!(refused["data"]["adjustStock"]["userErrors"][0]["code"], "CONFLICT");
        shop.adjust(&first, 4).await;
        assert_eq!(next(&mut events).await, told("SUB-1", 7));
        stop.cancel();
        relay.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_while_nobody_published_is_published_later() {
    on_each(|shop| async move {
        let first = shop.product("SUB-1", &[5]).await;
        shop.product("SUB-2", &[5]).await;
        let before = shop.waiting().await;
        let mut events = shop.subscribe(CHANGED);
        begin(&mut events).await;
        for _ in 0..3 {
            shop.adjust(&first, 1).await;
        }
        assert_eq!(shop.waiting().await, before + 3);
        let stop = CancellationToken::new();
        let relay = tokio::spawn(relay(&shop, shop.events.clone()).run(stop.clone()));
        // Those of the products' first stock too.
        for _ in 0..before + 3 {
            let event = next(&mut events).await.unwrap();
            assert!(event["data"]["stockChanged"]["sku"].is_string(), "{event}");
        }
        while shop.waiting().await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        relay.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_holds_up_no_change_and_loses_no_event() {
    on_each(|shop| async move {
        let first = shop.product("SUB-1", &[5]).await;
        // Nobody listens there.
        let away = service::EventBus::open(Some("nats://127.0.0.1:9"), inventory::STREAM).await.unwrap();
        let stop = CancellationToken::new();
        let relay = tokio::spawn(relay(&shop, away).run(stop.clone()));
        let before = shop.waiting().await;
        for _ in 0..5 {
            let change = tokio::time::timeout(Duration::from_secs(2), shop.adjust(&first, 1));
            assert_eq!(change.await.expect("it waits for nobody")["errors"], Value::Null);
        }
        assert_eq!(shop.waiting().await, before + 5);
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), relay).await.expect("it stops").unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_to_nothing_is_refused() {
    on_each(|shop| async move {
        for (skus, code) in [("", "BAD_USER_INPUT"), (r#""NO-SUCH""#, "NOT_FOUND")] {
            let mut events = shop.subscribe(&format!("subscription {{ stockChanged(skus: [{skus}]) {{ sku }} }}"));
            let refused = next(&mut events).await.unwrap();
            assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{refused}");
            assert_eq!(next(&mut events).await, None);
        }
    })
    .await;
}

fn relay(shop: &Shop, events: service::EventBus) -> service::events::Relay {
    service::events::Relay::new(shop.database.clone(), events, &service::Metrics::new("test"))
}
