//! Every query of the schema on PostgreSQL with many orders: no large table is read from its beginning to its end. What the server did
//! is what its own statistics say, so it is about the statements that really ran.
//!
//! `ORDERS` sets how many orders there are; 30,000 otherwise.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::testing::TestDatabase;
use service::{Database, Viewer};
use uuid::Uuid;

use super::{admin, ask, graph, person};
use crate::migration;
use crate::saga::tests::world::saga;
use crate::saga::{Policy, reconcile};

/// The buyer with every hundredth order.
const BUYER: Uuid = Uuid::from_u128(7);
/// Lists are counted up to 10,000; to read that much of a table is not to read all of it.
const MOST_ROWS: i64 = 10_100;

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_large_table_as_a_whole() {
    let orders = std::env::var("ORDERS").ok().and_then(|orders| orders.parse().ok()).unwrap_or(30_000_u32);
    let Some(place) = TestDatabase::postgres().await.unwrap() else { return };
    // One connection, whose statistics are sent when this test asks for it.
    let config = service::config::DatabaseConfig { connections: 1, ..place.config.clone() };
    let database = Database::connect(&config).await.unwrap();
    database.migrate(migration::steps).await.unwrap();
    for sql in GENERATE {
        database.reader().execute_unprepared(&sql.replace("$ORDERS", &orders.to_string())).await.unwrap();
    }
    database.reader().execute_unprepared("VACUUM ANALYZE").await.unwrap();
    let saga = saga(database.clone(), "http://127.0.0.1:1", Policy::default());
    let graph = graph(&saga);
    let order = "Order_00000000000000000000000000004e20";
    let fields = "id number total { amount } lines { name product { id } } fulfillmentStatus fulfillments { id lines { quantity } } refunds { id } history { at }";
    let cursor = answer_cursor(&graph).await;
    let lists = [
        "first: 20",
        "last: 20",
        "first: 20, status: CANCELLED",
        "first: 20, after: $c",
        "last: 20, before: $c",
        "first: 20, status: PLACED, after: $c",
    ];
    let mut queries: Vec<(Viewer, String)> = vec![
        (admin(), format!("{{ order(by: {{ id: \"{order}\" }}) {{ {fields} }} }}")),
        (admin(), format!("{{ order(by: {{ number: \"1000077\" }}) {{ {fields} }} }}")),
        (admin(), "{ stuckOrders { totalCount nodes { failure } } }".to_owned()),
        (admin(), "{ orders(first: 1) { totalCount } }".to_owned()),
        (admin(), "{ orders(status: CANCELLED, first: 1) { totalCount } }".to_owned()),
        (admin(), "{ _entities(representations: [{ __typename: \"Product\", id: \"Product_00000000000000000000000000000005\" }]) { ... on Product { unitsSold } } }".to_owned()),
        (admin(), "{ _entities(representations: [{ __typename: \"Refund\", id: \"Refund_00000000000000000000000000004e20\" }, { __typename: \"Fulfillment\", id: \"Fulfillment_00000000000000000000000000004e20\" }]) { ... on Refund { id } ... on Fulfillment { id } } }".to_owned()),
        (admin(), format!("{{ _entities(representations: [{{ __typename: \"User\", id: \"{BUYER}\" }}, {{ __typename: \"User\", id: \"{}\" }}]) {{ ... on User {{ orders(first: 20) {{ totalCount nodes {{ {fields} }} }} }} }} }}", Uuid::from_u128(108))),
    ];
    for list in lists {
        for viewer in [admin(), person(BUYER)] {
            let head = if list.contains("$c") { "query($c: String)" } else { "query" };
            queries.push((viewer, format!("{head} {{ orders({list}) {{ nodes {{ {fields} }} }} }}")));
        }
    }
    let mut slowest = Duration::ZERO;
    for (viewer, query) in queries {
        let mut times = Vec::new();
        // More often than PostgreSQL plans a statement anew for its values.
        for _ in 0..8 {
            let before = scanned(&database).await;
            let started = Instant::now();
            let answer = ask(&graph, viewer.clone(), &query, json!({ "c": cursor })).await;
            times.push(started.elapsed());
            assert!(answer.get("errors").is_none(), "{query}: {answer}");
            check_scans(&before, &scanned(&database).await, &query);
        }
        times.sort_unstable();
        println!("{:>9.2?}  {query:.140}", times[times.len() / 2]);
        slowest = slowest.max(times[times.len() / 2]);
    }
    let before = scanned(&database).await;
    for _ in 0..8 {
        assert_eq!(reconcile::pass(&saga).await.unwrap(), 0);
    }
    check_scans(&before, &scanned(&database).await, "the reconciler");
    println!("{slowest:?} is the slowest of all medians, with {orders} orders");
    database.close().await.unwrap();
    place.drop_it().await.unwrap();
}

async fn answer_cursor(graph: &super::Graph) -> Value {
    let answer = ask(graph, admin(), "{ orders(first: 100) { pageInfo { endCursor } } }", json!({})).await;
    answer["data"]["orders"]["pageInfo"]["endCursor"].clone()
}

/// How many rows of each table were read by sequential scans so far.
async fn scanned(database: &Database) -> Vec<(String, i64)> {
    let reader = database.reader();
    // In two transactions: within one, the statistics do not change.
    reader.execute_unprepared("SELECT pg_stat_force_next_flush()").await.unwrap();
    reader.execute_unprepared("SELECT pg_stat_clear_snapshot()").await.unwrap();
    let sql = "SELECT relname::text AS name, seq_tup_read AS rows FROM pg_stat_user_tables ORDER BY 1";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get("", "name").unwrap(), row.try_get("", "rows").unwrap())).collect()
}

fn check_scans(before: &[(String, i64)], after: &[(String, i64)], query: &str) {
    for ((table, before), (_, after)) in before.iter().zip(after) {
        assert!(after - before < MOST_ROWS, "{} rows of {table} were scanned by {query}", after - before);
    }
}

const GENERATE: [&str; 8] = [
    "INSERT INTO orders SELECT lpad(to_hex(i), 32, '0')::uuid, 1000000 + i,
        CASE WHEN i % 100 = 0 THEN '00000000-0000-0000-0000-000000000007' ELSE lpad(to_hex(100 + i % 5000), 32, '0') END::uuid,
        'k' || i, gen_random_uuid(), CASE WHEN i % 20 = 0 THEN 'CANCELLED' ELSE 'PLACED' END, 'DONE', 'EUR', 1000, 490, 283, 1773, 1773, 0,
        '{\"name\":\"G\",\"line1\":\"L\",\"line2\":null,\"postal_code\":null,\"city\":\"B\",\"region\":null,\"country_code\":\"DE\",\"phone\":null}'::json,
        'pm', 'pi', NULL, 1700000000000 + i * 1000, 0, 0, NULL, NULL
        FROM generate_series(1, $ORDERS) i",
    "INSERT INTO order_lines SELECT lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex((i * 7 + p) % 1000), 32, '0')::uuid, p, 'S', 'N', 1, 500, 700, 1, 0, 0
        FROM generate_series(1, $ORDERS) i, generate_series(0, 1) p",
    "INSERT INTO ledger SELECT 'c' || i, lpad(to_hex(i), 32, '0')::uuid, 'CAPTURE', 1773, 'EUR', 0 FROM generate_series(1, $ORDERS) i",
    "INSERT INTO order_events SELECT gen_random_uuid(), lpad(to_hex(i), 32, '0')::uuid, 'RECEIVED', 1, 'BUYER', NULL, NULL, NULL, NULL FROM generate_series(1, $ORDERS) i",
    "INSERT INTO fulfillments SELECT lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex(i), 32, '0')::uuid, 'DHL', 'JD', 1, 2 FROM generate_series(1, $ORDERS) i",
    "INSERT INTO fulfillment_lines SELECT lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex(i * 7 % 1000), 32, '0')::uuid, 1 FROM generate_series(1, $ORDERS) i",
    "INSERT INTO refunds SELECT lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex(i), 32, '0')::uuid, 'SUCCEEDED', 1, '[]'::json, 'r', 'STAFF', NULL, 1, 1, 0, NULL FROM generate_series(1, $ORDERS) i",
    "INSERT INTO product_sales SELECT lpad(to_hex(i), 32, '0')::uuid, 5 FROM generate_series(1, 5000) i",
];
