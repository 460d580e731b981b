//! How PostgreSQL finds products among many: never by reading all of a large table. `PLAN_PRODUCTS=200000` makes so many.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::Viewer::Anonymous;
use service::testing::TestDatabase;
use service::{Config, EventBus};

use super::shop::{RESERVE, Shop, admin, reserve_variables};

/// Products, each with stock in two of the warehouses: one in forty sold out, one in a thousand discontinued.
const FILL: &[&str] = &[
    "INSERT INTO products SELECT md5('p' || n)::uuid, 'GEN-' || n, 'Gadget ' || md5(n::text), 'gadget ' || md5(n::text),
       'Number ' || n || ' of many.', (ARRAY(SELECT id FROM categories ORDER BY id))[1 + n % (SELECT COUNT(*)::int FROM categories)],
       100 + n % 50000, 'EUR', 50, 'EUR', 100, n % 1000 = 0, 1600000000000 + n, 1600000000000 + n
     FROM generate_series(1, {n}) n",
    "INSERT INTO product_terms (product_id, name, category, description)
       SELECT id, 'gadget gen ' || substr(sku, 5) || ' ' || substr(name_key, 8), 'things', 'many number of ' || substr(sku, 5)
       FROM products WHERE sku LIKE 'GEN-%'",
    "INSERT INTO stock_movements (id, product_id, warehouse_id, position, previous, quantity_before, delta, quantity_after, kind, actor, created_at)
       SELECT md5('m' || p.sku || w.code)::uuid, p.id, w.id, 1, NULL, 0, q, q, 'RECEIPT', 'system', 1600000000000 + length(p.sku)
       FROM products p CROSS JOIN (SELECT * FROM warehouses ORDER BY code LIMIT 2) w
       CROSS JOIN LATERAL (SELECT CASE WHEN p.price_minor % 40 = 0 THEN 0 ELSE 7 END AS q) quantities
       WHERE p.sku LIKE 'GEN-%'",
    "INSERT INTO stock SELECT product_id, warehouse_id, quantity_after, 0, 1 FROM stock_movements m
       WHERE NOT EXISTS (SELECT 1 FROM stock s WHERE s.product_id = m.product_id AND s.warehouse_id = m.warehouse_id)",
    "INSERT INTO reservations SELECT 'gen ' || n, md5('r' || n)::uuid, CASE WHEN n % 10 = 0 THEN 'HELD' ELSE 'RELEASED' END,
       1600000000000 + n, 1600000000000, 1600000000000 FROM generate_series(1, {n} / 4) n",
    "ANALYZE",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_list_reads_a_large_table() {
    let count: usize = std::env::var("PLAN_PRODUCTS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let Some(database) = TestDatabase::postgres().await.unwrap() else { return };
    let mut config = Config::new(&inventory::INFO);
    config.database = database.config.clone();
    // The server counts by connection what was read, and adds it up when the connection asks it to.
    config.database.connections = 1;
    config.sample_data = Some(true);
    let opened = inventory::open(&config).await.unwrap();
    let events = EventBus::in_process();
    let shop = Shop { schema: inventory::schema(&config, &opened, events.clone()), database: opened.clone(), events };
    check(&shop, count).await;
    opened.close().await.unwrap();
    database.drop_it().await.unwrap();
}

async fn check(shop: &Shop, count: usize) {
    for statement in FILL {
        let statement = statement.replace("{n}", &count.to_string());
        shop.database.reader().execute_unprepared(&statement).await.unwrap();
    }
    // Statements are planned and run as the service sends them; the server says how.
    let lists = [
        json!({}),
        json!({ "sort": "NAME", "after": true }),
        json!({ "sort": "PRICE_ASC" }),
        json!({ "sort": "PRICE_DESC", "after": true }),
        json!({ "sort": "NEWEST" }),
        json!({ "filter": { "category": "kitchen" } }),
        json!({ "filter": { "category": "home" }, "sort": "PRICE_ASC" }),
        json!({ "filter": { "inStock": true }, "sort": "PRICE_ASC" }),
        json!({ "filter": { "inStock": false } }),
        json!({ "filter": { "discontinued": true } }),
        json!({ "filter": { "discontinued": true }, "sort": "PRICE_ASC" }),
        json!({ "filter": { "discontinued": null }, "sort": "NEWEST" }),
        json!({ "filter": { "minPrice": { "amount": "10", "currency": "EUR" }, "maxPrice": { "amount": "11", "currency": "EUR" } }, "sort": "PRICE_ASC" }),
        json!({ "filter": { "search": "gen 4711" } }),
        json!({ "filter": { "search": "number 47" } }),
        json!({ "filter": { "search": "4711" }, "sort": "PRICE_ASC" }),
    ];
    for variables in lists {
        let scans = shop.scans().await;
        shop.list(variables.clone()).await;
        shop.check_scans(&scans, &variables.to_string()).await;
    }
    let scans = shop.scans().await;
    let id =
        shop.data(Anonymous, "{ product(by: { sku: \"GEN-4711\" }) { id } }", json!({})).await["product"]["id"].take();
    let entity = "query($id: ID!) { product(by: { id: $id }) { stockLevels { quantity } stockMovements(first: 5) { nodes { id } } options { name } images { url } category { name } } }";
    shop.data(admin(), entity, json!({ "id": id })).await;
    shop.data(service::Viewer::Service, RESERVE, reserve_variables("plan", &[(id.as_str().unwrap(), 3)])).await;
    shop.commit("plan").await;
    shop.check_scans(&scans, "one product").await;
}

impl Shop {
    /// Reads the list, or its second page if it is to be after something.
    async fn list(&self, mut variables: Value) {
        let query = "query($filter: ProductFilter, $sort: ProductSort, $after: String) {
          products(filter: $filter, sort: $sort, after: $after) { nodes { sku stock } pageInfo { endCursor } }
        }";
        if variables["after"] == json!(true) {
            variables.as_object_mut().unwrap().remove("after");
            let first = self.data(Anonymous, query, variables.clone()).await;
            variables["after"] = first["products"]["pageInfo"]["endCursor"].clone();
        }
        self.data(Anonymous, query, variables).await;
    }

    /// How often each large table was read as a whole so far.
    async fn scans(&self) -> Vec<(String, i64)> {
        let sql = "SELECT relname, seq_scan FROM pg_stat_user_tables
             WHERE relname IN ('products', 'product_terms', 'stock', 'stock_movements', 'reservations') ORDER BY relname";
        let reader = self.database.reader();
        reader.execute_unprepared("SELECT pg_stat_force_next_flush()").await.unwrap();
        let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await.unwrap();
        let row =
            |row: &sea_orm::QueryResult| (row.try_get("", "relname").unwrap(), row.try_get("", "seq_scan").unwrap());
        rows.iter().map(row).collect()
    }

    async fn check_scans(&self, before: &[(String, i64)], what: &str) {
        assert_eq!(self.scans().await, before, "{what} reads a whole table");
    }
}
