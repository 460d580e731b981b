//! The count at the end: money, stock, reservations, payments and events must tell one story.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt;
use uuid::Uuid;

use crate::postgres::Databases;
use crate::provider::Provider;

/// How many units of each product there are.
pub(crate) struct Stock(BTreeMap<Uuid, i64>);

impl Stock {
    pub(crate) async fn read(databases: &Databases) -> Self {
        Self(
            by_id(
                databases,
                "inventory",
                "SELECT product_id, CAST(SUM(on_hand - reserved) AS BIGINT) FROM stock GROUP BY 1",
            )
            .await,
        )
    }
}

async fn by_id(databases: &Databases, service: &str, sql: &str) -> BTreeMap<Uuid, i64> {
    let rows = databases.rows(service, sql).await;
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

/// Checks everything; says what was taken in all.
pub(crate) async fn check(databases: &Databases, before: &Stock, provider: &Provider) -> String {
    let now = Stock::read(databases).await;
    // Cancelled orders gave everything back.
    let sold = by_id(
        databases,
        "orders",
        "SELECT product_id, CAST(SUM(quantity) AS BIGINT) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.status = 'PLACED' GROUP BY 1",
    )
    .await;
    for (product, units) in &before.0 {
        assert_eq!(now.0[product], units - sold.get(product).unwrap_or(&0), "stock of {product}");
    }
    let counted = by_id(databases, "orders", "SELECT product_id, units FROM product_sales WHERE units > 0").await;
    assert_eq!(counted, sold, "the counter of units sold");
    let moved = databases
        .number(
            "inventory",
            "SELECT COUNT(*) FROM stock s WHERE on_hand <> \
             (SELECT COALESCE(SUM(delta), 0) FROM stock_movements m WHERE m.product_id = s.product_id AND m.warehouse_id = s.warehouse_id)",
        )
        .await;
    assert_eq!(moved, 0, "stock that is not the sum of its movements");

    let key = "SELECT CAST(idempotency_key AS UUID), CAST(1 AS BIGINT) FROM reservations WHERE status = ";
    assert!(by_id(databases, "inventory", &format!("{key}'HELD'")).await.is_empty(), "reservations leaked");
    let committed = by_id(databases, "inventory", &format!("{key}'COMMITTED'")).await;
    let placed = by_id(databases, "orders", "SELECT id, CAST(1 AS BIGINT) FROM orders WHERE status = 'PLACED'").await;
    assert_eq!(committed, placed, "sold in inventory, and placed in orders");

    let intents = provider.intents();
    let mut known: HashMap<String, (i64, i64)> = HashMap::new();
    for row in databases
        .rows("orders", "SELECT payment_id, captured_minor, refunded_minor, status, total_minor FROM orders")
        .await
    {
        let (captured, refunded): (i64, i64) = (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
        let (status, total): (String, i64) = (row.try_get_by_index(3).unwrap(), row.try_get_by_index(4).unwrap());
        let kept = if status == "PLACED" { total } else { 0 };
        assert_eq!(captured - refunded, kept, "a {status} order of {total}");
        if let Some(payment) = row.try_get_by_index::<Option<String>>(0).unwrap() {
            known.insert(payment, (captured, refunded));
        }
    }
    let mut taken = 0;
    for (id, intent) in &intents {
        let expected = known.get(id).copied().unwrap_or((0, 0));
        assert_eq!((intent.captured, intent.refunded), expected, "the payment {id}");
        assert_ne!(intent.status, "requires_capture", "the authorization {id} was forgotten");
        taken += intent.captured - intent.refunded;
    }
    let ledger = databases
        .number(
            "orders",
            "SELECT CAST(COALESCE(SUM(captured_minor - refunded_minor), 0) AS BIGINT) FROM orders WHERE status = 'PLACED'",
        )
        .await;
    assert_eq!(taken, ledger, "what the provider has taken, and what orders has");
    format!("{}.{:02}", taken / 100, taken % 100)
}

/// The events that NATS keeps from now on.
pub(crate) struct Events {
    jetstream: jetstream::Context,
    since: u64,
}

const STREAM: &str = "ORDERS";

impl Events {
    pub(crate) async fn watch(nats: &str) -> Self {
        let jetstream = jetstream::new(async_nats::connect(nats).await.unwrap());
        let since = match jetstream.get_stream(STREAM).await {
            Ok(stream) => stream.get_info().await.unwrap().state.last_sequence + 1,
            Err(_) => 1,
        };
        Self { jetstream, since }
    }

    /// Each event of each order is kept once, and in the order in which they were written.
    pub(crate) async fn check(&self, databases: &Databases) {
        let stream = self.jetstream.get_stream(STREAM).await.unwrap();
        let last = stream.get_info().await.unwrap().state.last_sequence;
        let config = jetstream::consumer::pull::OrderedConfig {
            deliver_policy: jetstream::consumer::DeliverPolicy::ByStartSequence { start_sequence: self.since },
            filter_subject: "orders.*.changed".to_owned(),
            ..Default::default()
        };
        let mut messages = stream.create_consumer(config).await.unwrap().messages().await.unwrap();
        let mut events: HashMap<String, Vec<Uuid>> = HashMap::new();
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_secs(3), messages.next()).await {
            let message = message.unwrap();
            let id = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().as_str().parse().unwrap();
            let order = message.subject.split('.').nth(1).unwrap().to_owned();
            events.entry(order).or_default().push(id);
            if message.info().unwrap().stream_sequence >= last {
                break;
            }
        }
        let orders = databases
            .rows(
                "orders",
                "SELECT CAST(o.id AS TEXT), COUNT(*) FROM orders o JOIN order_events e ON e.order_id = o.id GROUP BY 1",
            )
            .await;
        for row in orders {
            let (order, count): (String, i64) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
            let ids = events.get(&order).unwrap_or_else(|| panic!("the order {order} has no events"));
            assert_eq!(ids.len() as i64, count, "events of the order {order}");
            // The ids have the time at which they were made, to the millisecond.
            let times: Vec<u128> = ids.iter().map(|id| id.as_u128() >> 80).collect();
            assert!(times.is_sorted(), "events of the order {order}: {ids:?}");
        }
    }
}
