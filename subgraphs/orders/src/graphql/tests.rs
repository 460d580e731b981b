//! The schema on both databases with the sample orders: what is returned, to whom, and with how many statements.

use async_graphql::{Request, Schema, Variables};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde_json::{Value, json};
use service::auth::User;
use service::database::Filled;
use service::testing::TestDatabase;
use service::{Database, Viewer};
use uuid::Uuid;

use super::{Mutation, Query, Subscription, schema, with_resources};
use crate::saga::Saga;
use crate::{Config, migration, sample};

struct World {
    database: Database,
    schema: Schema<Query, Mutation, Subscription>,
}

/// Runs the test on every available database.
async fn on_each(test: impl AsyncFn(&World)) {
    for place in TestDatabase::each().await.unwrap() {
        let database = Database::connect(&place.config).await.unwrap();
        database.migrate(migration::steps).await.unwrap();
        assert_eq!(database.fill(sample::insert).await.unwrap(), Filled::Now);
        assert_eq!(database.fill(sample::insert).await.unwrap(), Filled::Before);
        let config = Config::new();
        let saga: Saga = crate::saga(&config, &database).unwrap();
        let schema = with_resources(schema(&config.service.limits), &database, service::EventBus::in_process(), saga);
        test(&World { database: database.clone(), schema }).await;
        database.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}

impl World {
    /// The response, and how many statements it took.
    async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> (Value, u64) {
        let before = self.database.statements();
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        let response = serde_json::to_value(self.schema.execute(request).await).unwrap();
        (response, self.database.statements() - before)
    }

    /// The rows of a statement.
    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let backend = self.database.reader().get_database_backend();
        let rows = self.database.reader().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        let cell = |row: &sea_orm::QueryResult, column: &str| {
            row.try_get::<String>("", column)
                .or_else(|_| row.try_get::<i64>("", column).map(|number| number.to_string()))
                .unwrap()
        };
        rows.iter().map(|row| row.column_names().iter().map(|column| cell(row, column)).collect()).collect()
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
}

fn user(username: &str) -> Viewer {
    let id = service::sample::id("user", username).to_string();
    Viewer::User(User { id, roles: vec!["customer".to_owned()] })
}

fn admin() -> Viewer {
    let id = service::sample::id("user", "ada").to_string();
    Viewer::User(User { id, roles: vec![service::auth::ADMIN.to_owned()] })
}

fn entities(typename: &str, ids: impl IntoIterator<Item = Uuid>) -> Value {
    let of = |id: Uuid| json!({ "__typename": typename, "id": id });
    json!({ "r": ids.into_iter().map(of).collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_what_the_saga_would_leave() {
    on_each(async |world| {
        assert_eq!(world.count("FROM orders").await, 4_000);
        assert_eq!(world.count("FROM orders WHERE step <> 'DONE'").await, 0);
        for violation in [
            "FROM orders o WHERE total_minor <> (SELECT SUM(quantity * unit_price_minor) FROM order_lines l WHERE l.order_id = o.id)",
            "FROM orders o WHERE (status IN ('PLACED', 'CANCELLED')) <> EXISTS (SELECT 1 FROM ledger g WHERE g.order_id = o.id AND kind = 'CHARGE' AND amount_minor = total_minor)",
            "FROM orders o WHERE (status = 'CANCELLED') <> EXISTS (SELECT 1 FROM ledger g WHERE g.order_id = o.id AND kind = 'REFUND' AND amount_minor = total_minor)",
            "FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = 'RECEIVED' AND at = placed_at)",
            "FROM orders o WHERE status <> 'PENDING' AND NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = o.status)",
        ] {
            assert_eq!(world.count(violation).await, 0, "{violation}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entities_cost_one_statement_per_field() {
    on_each(async |world| {
        let users = service::sample::users();
        let products = service::sample::products();

        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id unitsSold } } }";
        let (answer, statements) =
            world.ask(Viewer::Anonymous, query, entities("Product", products.iter().map(|p| p.id))).await;
        assert_eq!(statements, 1, "{answer}");
        let sold: Vec<Vec<String>> = world
            .rows("SELECT product_id, CAST(SUM(quantity) AS bigint) AS units FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE status = 'PLACED' GROUP BY product_id")
            .await;
        assert!(sold.len() > 100);
        for product in answer["data"]["_entities"].as_array().unwrap() {
            let expected = sold.iter().find(|row| row[0] == product["id"]).map_or("0", |row| &row[1]);
            assert_eq!(product["unitsSold"].to_string(), expected);
        }

        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id
            orders(first: 3) { pageInfo { hasNextPage } nodes { id total lines { quantity unitPrice total product { id sku } } history { __typename at } } } } } }";
        let (answer, statements) = world.ask(admin(), query, entities("User", users.iter().map(|user| user.id))).await;
        assert_eq!(statements, 3, "orders, lines, events: {answer}");
        assert!(answer.get("errors").is_none(), "{answer}");
        for user in answer["data"]["_entities"].as_array().unwrap() {
            let id = user["id"].as_str().unwrap();
            let expected = world
                .rows(&format!("SELECT id FROM orders WHERE buyer_id = '{id}' ORDER BY placed_at DESC, id DESC LIMIT 4"))
                .await;
            let got: Vec<&str> = user["orders"]["nodes"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect();
            let first: Vec<&str> = expected.iter().take(3).map(|row| row[0].as_str()).collect();
            assert_eq!(got, first);
            assert_eq!(user["orders"]["pageInfo"]["hasNextPage"], expected.len() > 3);
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
        let expected: Vec<String> = world
            .rows(&format!("SELECT id FROM orders WHERE buyer_id = '{id}' ORDER BY placed_at DESC, id DESC"))
            .await
            .into_iter()
            .flatten()
            .collect();
        assert!(expected.len() > 20);
        for (viewer, root) in [(user("grace"), "orders"), (user("grace"), "user")] {
            for backward in [false, true] {
                let mut got: Vec<String> = Vec::new();
                let mut cursor = Value::Null;
                loop {
                    let page = if backward { "last: 7, before: $c" } else { "first: 7, after: $c" };
                    let list = format!("orders({page}) {{ nodes {{ id }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }}");
                    let query = match root {
                        "orders" => format!("query($c: String) {{ {list} }}"),
                        _ => format!("query($c: String, $r: [_Any!]!) {{ _entities(representations: $r) {{ ... on User {{ {list} }} }} }}"),
                    };
                    let (answer, _) = world
                        .ask(viewer.clone(), &query, json!({ "c": cursor, "r": [{ "__typename": "User", "id": id }] }))
                        .await;
                    let orders = match root {
                        "orders" => &answer["data"]["orders"],
                        _ => &answer["data"]["_entities"][0]["orders"],
                    };
                    let ids = orders["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(|o| o["id"].as_str().unwrap().to_owned());
                    let info = &orders["pageInfo"];
                    if backward {
                        got.splice(0..0, ids);
                        cursor = info["startCursor"].clone();
                        assert_eq!(info["hasNextPage"], got.len() > 7);
                    } else {
                        got.extend(ids);
                        cursor = info["endCursor"].clone();
                    }
                    if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] != true {
                        break;
                    }
                }
                assert_eq!(got, expected, "{root}, backward: {backward}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_their_buyers_and_administrators_only() {
    on_each(async |world| {
        let grace = service::sample::id("user", "grace");
        let order = &world.rows(&format!("SELECT id FROM orders WHERE buyer_id = '{grace}' LIMIT 1")).await[0][0];
        let query = "query($id: ID!, $u: [_Any!]!, $o: [_Any!]!) { order(id: $id) { id } all: orders(first: 1) { nodes { id } }
            users: _entities(representations: $u) { ... on User { orders(first: 1) { nodes { id } } } }
            entities: _entities(representations: $o) { ... on Order { id } } }";
        let variables = json!({ "id": order, "u": [{ "__typename": "User", "id": grace }], "o": [{ "__typename": "Order", "id": order }] });
        let check = async |viewer: Viewer, sees: bool, codes: &[&str]| {
            let (answer, _) = world.ask(viewer.clone(), query, variables.clone()).await;
            let data = &answer["data"];
            assert_eq!(data["order"].is_object(), sees, "{viewer:?}: {answer}");
            assert_eq!(data["entities"][0].is_object(), sees, "{viewer:?}: {answer}");
            assert_eq!(data["users"][0]["orders"].is_object(), sees, "{viewer:?}: {answer}");
            let mut got: Vec<&str> = answer["errors"].as_array().into_iter().flatten().map(|e| e["extensions"]["code"].as_str().unwrap()).collect();
            got.sort_unstable();
            assert_eq!(got, codes, "{viewer:?}");
        };
        check(user("grace"), true, &[]).await;
        check(admin(), true, &[]).await;
        check(user("alan"), false, &["FORBIDDEN"]).await;
        check(Viewer::Anonymous, false, &["UNAUTHENTICATED", "UNAUTHENTICATED"]).await;
        check(Viewer::Service, false, &["FORBIDDEN", "FORBIDDEN"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_cost_takes_the_weights_that_the_router_brings() {
    on_each(async |world| {
        let weights: std::collections::HashMap<String, i64> =
            service::sample::products().into_iter().map(|product| (product.sku, i64::from(product.weight_grams))).collect();
        let id = service::sample::id("order", "1");
        let lines = world.rows(&format!("SELECT sku, CAST(quantity AS bigint) AS quantity FROM order_lines WHERE order_id = '{id}' ORDER BY position DESC")).await;
        let grams: i64 = lines.iter().map(|line| weights[&line[0]] * line[1].parse::<i64>().unwrap()).sum();
        let further = (grams - 2000).max(0).div_euclid(1000) + i64::from((grams - 2000).max(0) % 1000 > 0);
        let cents = 490 + 90 * further;
        let expected = format!("{}.{:02} EUR", cents / 100, cents % 100);

        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Order { id shippingCost } } }";
        let products: Vec<Value> = lines.iter().map(|line| json!({ "product": { "sku": line[0], "weightGrams": weights[&line[0]] } })).collect();
        let full = json!({ "__typename": "Order", "id": id, "lines": products });
        let part = json!({ "__typename": "Order", "id": id, "lines": [null, { "product": null }] });
        let none = json!({ "__typename": "Order", "id": id });
        let odd = json!({ "__typename": "Order", "id": id, "lines": "nonsense" });
        let (answer, _) = world.ask(admin(), query, json!({ "r": [full, part, none, odd] })).await;
        let got: Vec<&Value> = answer["data"]["_entities"].as_array().unwrap().iter().map(|order| &order["shippingCost"]).collect();
        assert_eq!(got, [&json!(expected), &Value::Null, &Value::Null, &Value::Null], "{answer}");
        assert_eq!(answer["errors"].as_array().unwrap().len(), 3);
    })
    .await;
}
