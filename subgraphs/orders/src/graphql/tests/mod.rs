//! The schema on both databases: what is returned, to whom, and with how many statements.

mod mutations;
mod returns;
mod scale;

use async_graphql::{Request, Schema, Variables};
use futures_util::future::join_all;
use sea_orm::{EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement};
use serde_json::{Value, json};
use service::auth::User;
use service::database::Filled;
use service::graphql::id::global;
use service::testing::TestDatabase;
use service::{Database, Viewer};
use uuid::Uuid;

use super::{Mutation, Query, Subscription, schema, with_resources};
use crate::entity::order::Column;
use crate::entity::{order, product_sales};
use crate::saga::{Policy, Saga, tests::world::saga};
use crate::{Config, migration, sample};

type Graph = Schema<Query, Mutation, Subscription>;

struct World {
    database: Database,
    schema: Graph,
}

/// The schema over a saga.
fn graph(saga: &Saga) -> Graph {
    let limits = Config::new().service.limits;
    with_resources(schema(&limits), &saga.db, service::EventBus::in_process(), saga.clone())
}

/// Runs the test on every available database, at the same time, with the sample orders and nobody else there.
async fn on_each(test: impl AsyncFn(&World)) {
    on_each_empty(async |world| {
        assert_eq!(world.database.fill(sample::insert).await.unwrap(), Filled::Now);
        assert_eq!(world.database.fill(sample::insert).await.unwrap(), Filled::Before);
        test(world).await;
    })
    .await;
}

/// Runs the test on every available database, at the same time, without an order.
async fn on_each_empty(test: impl AsyncFn(&World)) {
    let on = async |place: TestDatabase| {
        let database = Database::connect(&place.config).await.unwrap();
        database.migrate(migration::steps).await.unwrap();
        let schema = graph(&saga(database.clone(), "http://127.0.0.1:1", Policy::default()));
        test(&World { database: database.clone(), schema }).await;
        database.close().await.unwrap();
        place.drop_it().await.unwrap();
    };
    join_all(TestDatabase::each().await.unwrap().into_iter().map(on)).await;
}

/// A response as a client gets it.
async fn ask(graph: &Graph, viewer: Viewer, query: &str, variables: Value) -> Value {
    let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
    serde_json::to_value(graph.execute(request).await).unwrap()
}

impl World {
    /// The response, and how many statements it took.
    async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> (Value, u64) {
        let before = self.database.statements();
        let response = ask(&self.schema, viewer, query, variables).await;
        (response, self.database.statements() - before)
    }

    async fn count(&self, sql: &str) -> i64 {
        #[derive(FromQueryResult)]
        struct Count {
            count: i64,
        }
        let backend = self.database.reader().get_database_backend();
        let statement = Statement::from_string(backend, format!("SELECT COUNT(*) AS count {sql}"));
        Count::find_by_statement(statement).one(self.database.reader()).await.unwrap().unwrap().count
    }

    /// The ids of a buyer's orders, newest first.
    async fn orders_of(&self, buyer: Uuid) -> Vec<String> {
        let orders = order::Entity::find()
            .filter(sea_orm::ColumnTrait::eq(&Column::BuyerId, buyer))
            .order_by_desc(Column::PlacedAt)
            .order_by_desc(Column::Id)
            .all(self.database.reader())
            .await
            .unwrap();
        orders.into_iter().map(|order| global("Order", order.id).to_string()).collect()
    }
}

fn user(username: &str) -> Viewer {
    person(service::sample::id("user", username))
}

fn person(id: Uuid) -> Viewer {
    Viewer::User(User { id: id.to_string(), roles: vec!["customer".to_owned()] })
}

fn admin() -> Viewer {
    let id = service::sample::id("user", "ada").to_string();
    Viewer::User(User { id, roles: vec![service::auth::ADMIN.to_owned()] })
}

fn entities(typename: &str, ids: impl IntoIterator<Item = Uuid>) -> Value {
    let of = |id: Uuid| json!({ "__typename": typename, "id": global(typename, id) });
    json!({ "r": ids.into_iter().map(of).collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_what_the_saga_would_leave() {
    on_each(async |world| {
        assert_eq!(world.count("FROM orders").await, 4_000);
        assert_eq!(world.count("FROM order_numbers").await, 4_000);
        assert!(world.count("FROM fulfillments").await > 3_000);
        for violation in [
            "FROM orders WHERE step <> 'DONE'",
            "FROM orders o WHERE subtotal_minor <> (SELECT SUM(quantity * unit_price_minor) FROM order_lines l WHERE l.order_id = o.id)",
            "FROM orders o WHERE captured_minor <> (SELECT COALESCE(SUM(amount_minor), 0) FROM ledger g WHERE g.order_id = o.id AND kind = 'CAPTURE')",
            "FROM orders o WHERE refunded_minor <> (SELECT COALESCE(SUM(amount_minor), 0) FROM ledger g WHERE g.order_id = o.id AND kind = 'REFUND')",
            "FROM orders o WHERE refunded_minor <> (SELECT COALESCE(SUM(amount_minor), 0) FROM refunds r WHERE r.order_id = o.id)",
            "FROM orders WHERE (status = 'REJECTED') <> (captured_minor = 0)",
            "FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = 'RECEIVED' AND at = placed_at)",
            "FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = o.status)",
            "FROM order_lines l WHERE fulfilled <> (SELECT COALESCE(SUM(c.quantity), 0) FROM fulfillment_lines c JOIN fulfillments f ON f.id = c.fulfillment_id WHERE f.order_id = l.order_id AND c.product_id = l.product_id)",
            "FROM product_sales s WHERE units <> (SELECT SUM(quantity) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE status = 'PLACED' AND l.product_id = s.product_id)",
        ] {
            assert_eq!(world.count(violation).await, 0, "{violation}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entities_cost_one_statement_per_field() {
    on_each(async |world| {
        let (mut users, products) = (service::sample::users(), service::sample::products());
        // As many as a request may ask for so much of.
        users.truncate(100);
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id unitsSold } } }";
        let (answer, statements) =
            world.ask(Viewer::Anonymous, query, entities("Product", products.iter().map(|p| p.id))).await;
        assert_eq!(statements, 1, "{answer}");
        let sold = product_sales::Entity::find().all(world.database.reader()).await.unwrap();
        assert!(sold.len() > 100);
        for product in answer["data"]["_entities"].as_array().unwrap() {
            let expected = sold.iter().find(|row| product["id"] == global("Product", row.product_id).as_str());
            assert_eq!(product["unitsSold"], expected.map_or(0, |row| row.units));
        }

        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id
            orders(first: 3) { totalCount pageInfo { hasNextPage } nodes { id total { amount } fulfillmentStatus paymentStatus
                lines { quantity unitPrice { amount } total { amount currency } product { id sku } }
                fulfillments { id lines { quantity product { id } } } refunds { amount { amount } }
                history { __typename at actor } } } } } }";
        let (answer, statements) = world.ask(admin(), query, entities("User", users.iter().map(|user| user.id))).await;
        assert_eq!(statements, 7, "orders, their number, lines, parcels, what is in them, refunds, events: {answer}");
        assert!(answer.get("errors").is_none(), "{}", answer["errors"]);
        for (user, answer) in users.iter().zip(answer["data"]["_entities"].as_array().unwrap()) {
            let expected = world.orders_of(user.id).await;
            let nodes = answer["orders"]["nodes"].as_array().unwrap();
            let got: Vec<&str> = nodes.iter().map(|o| o["id"].as_str().unwrap()).collect();
            assert_eq!(got, expected.iter().take(3).map(String::as_str).collect::<Vec<_>>());
            assert_eq!(answer["orders"]["pageInfo"]["hasNextPage"], expected.len() > 3);
            assert_eq!(answer["orders"]["totalCount"], expected.len());
        }

        let orders = (1..=100).map(|number: u32| service::sample::id("order", &number.to_string()));
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Order { id status } } }";
        let (answer, statements) = world.ask(admin(), query, entities("Order", orders)).await;
        assert_eq!(statements, 1);
        assert!(answer["data"]["_entities"].as_array().unwrap().iter().all(|order| order["status"].is_string()), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_meet_without_gap_or_overlap_in_both_directions() {
    on_each(async |world| {
        let id = service::sample::id("user", "grace");
        let own = world.orders_of(id).await;
        assert!(own.len() > 20);
        for (viewer, root, backward) in [
            (user("grace"), "orders", false),
            (user("grace"), "orders", true),
            (user("grace"), "user", false),
            (user("grace"), "user", true),
            (admin(), "placed", false),
            (admin(), "placed", true),
        ] {
            let page = if backward { "last: 37, before: $c" } else { "first: 37, after: $c" };
            let status = if root == "placed" { "status: CANCELLED, " } else { "" };
            let list = format!("orders({status}{page}) {{ totalCount nodes {{ id }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }}");
            let query = match root {
                "user" => format!("query($c: String, $r: [_Any!]!) {{ _entities(representations: $r) {{ ... on User {{ {list} }} }} }}"),
                _ => format!("query($c: String) {{ {list} }}"),
            };
            let (mut got, mut cursor): (Vec<String>, Value) = (Vec::new(), Value::Null);
            let total = loop {
                let variables = json!({ "c": cursor, "r": [{ "__typename": "User", "id": id }] });
                let (answer, _) = world.ask(viewer.clone(), &query, variables).await;
                let orders = match root {
                    "user" => &answer["data"]["_entities"][0]["orders"],
                    _ => &answer["data"]["orders"],
                };
                let nodes = orders["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
                let ids = nodes.iter().map(|o| o["id"].as_str().unwrap().to_owned());
                let info = &orders["pageInfo"];
                if backward {
                    got.splice(0..0, ids);
                    cursor = info["startCursor"].clone();
                } else {
                    got.extend(ids);
                    cursor = info["endCursor"].clone();
                }
                if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] != true {
                    break orders["totalCount"].clone();
                }
            };
            let mut once = got.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), got.len(), "{root}, backward: {backward}");
            assert_eq!(total, got.len(), "{root}, backward: {backward}");
            if root != "placed" {
                assert_eq!(got, own, "{root}, backward: {backward}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_their_buyers_and_administrators_only() {
    on_each(async |world| {
        let grace = service::sample::id("user", "grace");
        let order = world.orders_of(grace).await.remove(0);
        let row = order::Entity::find_by_id(service::graphql::id::parse("Order", &order).unwrap()).one(world.database.reader()).await.unwrap().unwrap();
        let query = "query($id: ID!, $n: String!, $u: [_Any!]!, $o: [_Any!]!) {
            order(by: { id: $id }) { id } old: order(id: $id) { id number } numbered: order(by: { number: $n }) { id }
            all: orders(first: 1) { nodes { id } }
            users: _entities(representations: $u) { ... on User { orders(first: 1) { nodes { id } } } }
            entities: _entities(representations: $o) { ... on Order { id history { user { id } } } } }";
        let variables = json!({ "id": order, "n": row.number.to_string(), "u": [{ "__typename": "User", "id": grace }], "o": [{ "__typename": "Order", "id": order }] });
        let check = async |viewer: Viewer, sees: bool, codes: &[&str]| {
            let (answer, _) = world.ask(viewer.clone(), query, variables.clone()).await;
            let data = &answer["data"];
            for field in ["order", "old", "numbered"] {
                assert_eq!(data[field].is_object(), sees, "{viewer:?}: {answer}");
            }
            assert_eq!(data["entities"][0].is_object(), sees, "{viewer:?}: {answer}");
            assert_eq!(data["users"][0]["orders"].is_object(), sees, "{viewer:?}: {answer}");
            if sees {
                let by = &data["entities"][0]["history"][0]["user"];
                assert_eq!(by.is_object(), viewer.is_admin(), "{answer}");
            }
            let mut got: Vec<&str> = answer["errors"].as_array().into_iter().flatten().map(|e| e["extensions"]["code"].as_str().unwrap()).collect();
            got.sort_unstable();
            assert_eq!(got, codes, "{viewer:?}");
        };
        check(user("grace"), true, &[]).await;
        check(admin(), true, &[]).await;
        check(user("alan"), false, &["FORBIDDEN"]).await;
        check(Viewer::Anonymous, false, &["UNAUTHENTICATED", "UNAUTHENTICATED"]).await;
        check(Viewer::Service, false, &["FORBIDDEN", "FORBIDDEN"]).await;

        let lookup = "query($id: ID, $by: OrderBy) { order(id: $id, by: $by) { id } }";
        for (variables, wrong) in [
            (json!({}), true),
            (json!({ "id": order, "by": { "id": order } }), true),
            (json!({ "id": "Order_\u{1F3E0}" }), false),
            (json!({ "by": { "number": "-1" } }), false),
            (json!({ "by": { "number": "99999999999999999999" } }), false),
            (json!({ "by": { "number": "1 OR 1=1" } }), false),
        ] {
            let (answer, _) = world.ask(admin(), lookup, variables.clone()).await;
            assert_eq!(answer["data"]["order"], Value::Null, "{answer}");
            assert_eq!(answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", wrong, "{variables} {answer}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipping_estimate_takes_the_weight_that_the_router_brings() {
    on_each_empty(async |world| {
        let query = "query($r: [_Any!]!, $c: String!) { _entities(representations: $r) { ... on Product { shippingEstimate(countryCode: $c) { amount currency } } } }";
        let id = global("Product", service::sample::products()[0].id);
        let product = |weight: Value| json!({ "__typename": "Product", "id": id, "weightGrams": weight });
        let none = json!({ "__typename": "Product", "id": id });
        let representations = [product(json!(700)), product(json!(2001)), product(json!(null)), product(json!("odd")), product(json!(-1)), none];
        let (answer, _) = world.ask(Viewer::Anonymous, query, json!({ "r": representations, "c": "DE" })).await;
        let got: Vec<&Value> = answer["data"]["_entities"].as_array().unwrap().iter().map(|product| &product["shippingEstimate"]["amount"]).collect();
        assert_eq!(got, [&json!("4.90"), &json!("5.80"), &Value::Null, &Value::Null, &Value::Null, &Value::Null], "{answer}");
        assert_eq!(answer["errors"].as_array().unwrap().len(), 4);
        for (country, code) in [("AQ", "BAD_USER_INPUT"), ("", "BAD_USER_INPUT"), ("🏠", "BAD_USER_INPUT")] {
            let (answer, _) = world.ask(Viewer::Anonymous, query, json!({ "r": [product(json!(700))], "c": country })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        }
    })
    .await;
}

/// A tampered cursor or id is a mistake of the caller, never ours.
#[tokio::test(flavor = "multi_thread")]
async fn tampered_cursors_are_refused() {
    on_each_empty(async |world| {
        let query =
            "query($c: String) { orders(after: $c) { nodes { id } } stuckOrders(after: $c) { nodes { failure } } }";
        for cursor in ["", "x", "\u{202e}", "W10", "WzEsMl0", "WyIxIiwiMiJd", "WzksIjAwMDAiXQ", &"A".repeat(100_000)] {
            let (answer, _) = world.ask(admin(), query, json!({ "c": cursor })).await;
            let codes: Vec<_> =
                answer["errors"].as_array().into_iter().flatten().map(|e| e["extensions"]["code"].clone()).collect();
            assert_eq!(codes, ["BAD_USER_INPUT", "BAD_USER_INPUT"], "{cursor:.20} {answer}");
        }
    })
    .await;
}
