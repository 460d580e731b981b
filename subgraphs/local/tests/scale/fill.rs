//! The rows of a shop that has been open for years, beside the sample data: made by the server itself, the same each time.
//!
//! Ids follow from numbers, so that the databases agree. Those of products are spread, those of users and orders begin with a time, as ids of
//! version 7 do.

use std::fmt;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::databases::Databases;

/// How many rows there are.
pub(crate) struct Rows {
    pub(crate) users: u32,
    pub(crate) products: u32,
    pub(crate) orders: u32,
}

impl Rows {
    /// Few, unless `SHOP_ROWS` is `full`. So many that PostgreSQL reads none of the tables as a whole if it need not.
    pub(crate) fn configured() -> Self {
        match std::env::var("SHOP_ROWS").as_deref() {
            Ok("full") => Self { users: 100_000, products: 200_000, orders: 1_000_000 },
            Ok(other) => panic!("SHOP_ROWS is {other}: only `full` is known"),
            Err(_) => Self { users: 10_000, products: 20_000, orders: 20_000 },
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders, {} products and {} users", self.orders, self.products, self.users)
    }
}

/// The username of a user.
pub(crate) fn username(number: u32) -> String {
    format!("buyer-{number}")
}

/// The SKU of a product.
pub(crate) fn sku(number: u32) -> String {
    format!("GEN-{number}")
}

/// The id of a product: spread as random ones are.
pub(crate) fn product(number: u32) -> Uuid {
    let spread = u64::from(number) * 2_654_435_761 % (1 << 32);
    Uuid::from_u128(u128::from(spread) << 96 | 0x4000 << 64 | 0x8000 << 48 | u128::from(number))
}

/// Makes all rows; the databases are filled at the same time.
pub(crate) async fn fill(databases: &Databases, rows: &Rows) {
    let fill = async |service: &str, statements: &[&str]| {
        let database = databases.of(service).await;
        let run = async |sql: &str| database.execute_unprepared(sql).await.map_err(|error| format!("{sql}: {error}"));
        // Foreign keys hold by construction; to check each of them takes most of the time. Only a superuser may leave that out.
        let _ = run("SET session_replication_role = replica").await;
        run("SET synchronous_commit = off").await.unwrap();
        for statement in statements {
            let sql = statement
                .replace("{lines}", LINES)
                .replace("{user}", USER)
                .replace("{product}", PRODUCT)
                .replace("{order}", ORDER)
                .replace("{grace}", &service::sample::id("user", "grace").to_string())
                .replace("{users}", &rows.users.to_string())
                .replace("{products}", &rows.products.to_string())
                .replace("{orders}", &rows.orders.to_string());
            run(&sql).await.unwrap();
        }
        run("VACUUM ANALYZE").await.unwrap();
        database.close().await.unwrap();
    };
    tokio::join!(fill("users", USERS), fill("orders", ORDERS), fill("inventory", INVENTORY));
}

/// When something was done for the nth time: 20 seconds later each.
const ORDER: &str =
    "CAST(lpad(to_hex(1750000000000 + n * 20000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0') AS uuid)";
const USER: &str = "CAST(lpad(to_hex(1600000000000 + u), 12, '0') || '70008000' || lpad(to_hex(u), 12, '0') AS uuid)";
const PRODUCT: &str =
    "CAST(lpad(to_hex(p * 2654435761 % 4294967296), 8, '0') || '000040008000' || lpad(to_hex(p), 12, '0') AS uuid)";

/// The lines of all orders: one to three, each of another product. Some products are sold much more often than others.
const LINES: &str = "(SELECT n, position, 1 + n % 2 AS quantity,
     1 + (CASE WHEN n % 3 = 0 THEN n % 500 ELSE n * 13 % {products} END + position * 7919) % {products} AS p
   FROM generate_series(CAST(1 AS bigint), {orders}) n, LATERAL generate_series(0, n % 3) position)";

const USERS: &[&str] = &[
    "INSERT INTO users (id, username, name, email, password_hash, one_time_until, created_at)
     SELECT {user}, 'buyer-' || u, 'Buyer ' || u, 'buyer-' || u || '@example.com',
       (SELECT password_hash FROM users WHERE username = 'grace'), NULL, 1600000000000 + u
     FROM generate_series(CAST(1 AS bigint), {users}) u",
    "INSERT INTO user_roles (user_id, role) SELECT {user}, 'customer' FROM generate_series(CAST(1 AS bigint), {users}) u",
    "INSERT INTO sessions (id, user_id, family_hash, current_hash, previous_hash, salt, rotated_at, expires_at)
     SELECT CAST(md5('session ' || u) AS uuid), {user}, sha256(CAST('f' || u AS bytea)), sha256(CAST('c' || u AS bytea)), NULL,
       sha256(CAST('s' || u AS bytea)), 1790000000000 + u, 1900000000000 + u
     FROM generate_series(CAST(1 AS bigint), {users}) u",
    "INSERT INTO devices (token_hash, user_id, by_mail, expires_at)
     SELECT sha256(CAST('d' || u AS bytea)), {user}, FALSE, 1900000000000 + u FROM generate_series(CAST(1 AS bigint), {users}) u",
    "INSERT INTO attempts (name, count, resets_at) SELECT encode(sha256(CAST('a' || u AS bytea)), 'hex'), 1, 1900000000000
     FROM generate_series(CAST(1 AS bigint), {users} / 10) u",
];

/// One in a hundred orders is grace's, one in twenty was cancelled. Most were sent.
const ORDERS: &[&str] = &[
    "CREATE TEMPORARY TABLE made AS SELECT n, {order} AS id, 1750000000000 + n * 20000 AS placed_at,
       CASE WHEN n % 100 = 0 THEN CAST('{grace}' AS uuid) ELSE (SELECT {user} FROM (SELECT 1 + n * 7 % {users} AS u) one) END AS buyer_id,
       CASE WHEN n % 20 = 7 THEN 'CANCELLED' ELSE 'PLACED' END AS status, 2000 + n % 3 * 1000 AS subtotal
     FROM generate_series(CAST(1 AS bigint), {orders}) n",
    "INSERT INTO orders (id, number, buyer_id, idempotency_key, fingerprint, status, step, currency, subtotal_minor, shipping_minor, tax_minor,
       total_minor, captured_minor, refunded_minor, address, payment_method, payment_id, rejection, placed_at, due_at, attempts, failure, stuck_since)
     SELECT id, 2000000 + n, buyer_id, 'made-' || n, md5('request ' || n)::uuid, status, 'DONE', 'EUR', subtotal, 490, 400,
       subtotal + 890, subtotal + 890, CASE WHEN status = 'CANCELLED' THEN subtotal + 890 ELSE 0 END,
       json_build_object('name', 'Buyer ' || n, 'line1', n % 200 || ' Main Street', 'line2', NULL, 'postal_code', lpad((n % 90000)::text, 5, '0'),
         'city', 'Berlin', 'region', NULL, 'country_code', 'DE', 'phone', NULL),
       'pm_card', 'sandbox-' || n, NULL, placed_at, placed_at, 0, NULL, NULL
     FROM made",
    "SELECT setval(pg_get_serial_sequence('order_numbers', 'counter'), 1000000 + {orders} + 1)",
    "INSERT INTO order_lines (order_id, product_id, position, sku, name, quantity, unit_price_minor, weight_grams, fulfilled, cancelled, returned)
     SELECT {order}, {product}, position, 'GEN-' || p, 'Product ' || p, quantity, 1000, 700, CASE WHEN n % 20 = 7 THEN 0 ELSE quantity END, 0, 0
     FROM {lines} lines",
    "INSERT INTO ledger (key, order_id, kind, amount_minor, currency, at)
     SELECT id || '-' || kind, id, kind, subtotal + 890, 'EUR', placed_at + 500 FROM made, (VALUES ('AUTHORIZE'), ('CAPTURE')) kinds (kind)",
    "INSERT INTO fulfillments (id, order_id, carrier, tracking_number, shipped_at, delivered_at)
     SELECT md5('parcel ' || n)::uuid, id, 'DHL', 'JD' || n, placed_at + 40000000, placed_at + 90000000 FROM made WHERE status = 'PLACED'",
    "INSERT INTO fulfillment_lines (fulfillment_id, product_id, quantity)
     SELECT md5('parcel ' || n)::uuid, {product}, quantity FROM {lines} lines WHERE n % 20 <> 7",
    "INSERT INTO order_events (id, order_id, kind, at, actor, actor_id, amount_minor, reason, fulfillment_id, return_id)
     SELECT CAST(lpad(to_hex(placed_at + later), 12, '0') || '7' || lpad(to_hex(later % 4096), 3, '0') || '8000' || lpad(to_hex(n), 12, '0') AS uuid),
       id, kind, placed_at + later, actor, CASE WHEN actor = 'BUYER' THEN buyer_id END,
       CASE WHEN kind IN ('PLACED', 'PAID', 'REFUNDED') THEN subtotal + 890 END, NULL,
       CASE WHEN kind IN ('SHIPPED', 'DELIVERED') THEN md5('parcel ' || n)::uuid END, NULL
     FROM made, (VALUES ('RECEIVED', 0, 'BUYER'), ('PLACED', 400, 'SYSTEM'), ('PAID', 500, 'SYSTEM'), ('SHIPPED', 40000001, 'STAFF'),
       ('DELIVERED', 90000002, 'STAFF'), ('CANCELLED', 60003, 'BUYER'), ('REFUNDED', 60004, 'BUYER')) kinds (kind, later, actor)
     WHERE kind IN ('RECEIVED', 'PLACED', 'PAID') OR (kind IN ('SHIPPED', 'DELIVERED')) = (status = 'PLACED')",
    "INSERT INTO refunds (id, order_id, status, amount_minor, lines, reason, actor, actor_id, created_at, due_at, attempts, failure)
     SELECT md5('refund ' || n)::uuid, id, 'SUCCEEDED', subtotal + 890, '[]', 'cancelled on request', 'BUYER', buyer_id, placed_at + 60003,
       placed_at + 60003, 0, NULL
     FROM made WHERE status = 'CANCELLED'",
    "INSERT INTO product_sales (product_id, units) SELECT {product}, SUM(quantity) FROM {lines} lines WHERE n % 20 <> 7 GROUP BY p",
    "DROP TABLE made",
];

/// A tree of 400 categories. One product in forty is sold out, one in a thousand discontinued.
const INVENTORY: &[&str] = &[
    "INSERT INTO categories (id, slug, name, parent_id, created_at)
     SELECT md5('category ' || c)::uuid, 'category-' || c, 'Category ' || c, CASE WHEN c > 20 THEN md5('category ' || 1 + c % 20)::uuid END, 1600000000000
     FROM generate_series(CAST(1 AS bigint), 400) c",
    "CREATE TEMPORARY TABLE made AS
     SELECT p, {product} AS id, (ARRAY['Brass', 'Folding', 'Small', 'Large', 'Oak', 'Linen', 'Travel'])[1 + p % 7] || ' '
       || (ARRAY['lamp', 'kettle', 'chair', 'shelf', 'blanket', 'tent', 'pump', 'spade', 'saw', 'notebook', 'puzzle', 'teapot', 'jacket', 'basket',
         'mirror', 'clock', 'stool', 'rug', 'vase', 'bench', 'hook', 'tray', 'candle', 'bowl', 'knife', 'board', 'brush', 'ladder', 'bucket', 'hose',
         'glove', 'scarf', 'belt', 'purse', 'wallet', 'bottle', 'cup', 'plate', 'fork', 'spoon'])[1 + p / 7 % 40] || ' ' || p AS name
     FROM generate_series(CAST(1 AS bigint), {products}) p",
    "INSERT INTO products (id, sku, name, name_key, description, category_id, price_minor, price_currency, cost_minor, cost_currency, weight_grams,
       discontinued, created_at, updated_at)
     SELECT id, 'GEN-' || p, name, lower(name), 'Number ' || p || ' of many, made to last.', md5('category ' || 21 + p % 380)::uuid,
       100 + p * 37 % 50000, 'EUR', 50, 'EUR', 100 + p % 3000, p % 1000 = 0, 1600000000000 + p * 60000, 1600000000000 + p * 60000
     FROM made",
    "INSERT INTO product_terms (product_id, name, category, description)
     SELECT id, lower(name) || ' gen', 'category ' || 21 + p % 380, 'number ' || p || ' of many made to last' FROM made",
    "INSERT INTO product_options (product_id, position, name, value)
     SELECT id, position, label, value FROM made CROSS JOIN (VALUES (0, 'Colour', 'sand'), (1, 'Size', 'medium')) options (position, label, value)",
    "INSERT INTO product_images (product_id, position, url, alt) SELECT id, 0, 'https://images.example.com/' || p || '.jpg', '' FROM made",
    "INSERT INTO stock_movements (id, product_id, warehouse_id, position, previous, quantity_before, delta, quantity_after, kind, reason, actor,
       request_key, reservation_key, created_at)
     SELECT md5('movement ' || p || w.code)::uuid, made.id, w.id, 1, NULL, 0, quantity, quantity, 'RECEIPT', NULL, 'system', NULL, NULL,
       1600000000000 + p * 60000
     FROM made CROSS JOIN (SELECT id, code FROM warehouses ORDER BY code LIMIT 2) w
       CROSS JOIN LATERAL (SELECT CASE WHEN p % 40 = 3 THEN 0 ELSE 100000 END AS quantity) quantities",
    "INSERT INTO stock (product_id, warehouse_id, on_hand, reserved, position)
     SELECT product_id, warehouse_id, quantity_after, 0, 1 FROM stock_movements m JOIN made ON made.id = m.product_id",
    "INSERT INTO reservations (idempotency_key, id, status, expires_at, created_at, updated_at)
     SELECT {order}, md5('reservation ' || n)::uuid, CASE WHEN n % 20 = 7 THEN 'RELEASED' ELSE 'COMMITTED' END, 1750000900000 + n * 20000,
       1750000000000 + n * 20000, 1750000000000 + n * 20000
     FROM generate_series(CAST(1 AS bigint), {orders}) n",
    "INSERT INTO reservation_lines (idempotency_key, product_id, quantity, unit_price_minor, unit_price_currency)
     SELECT {order}, {product}, quantity, 1000, 'EUR' FROM {lines} lines",
    "INSERT INTO allocations (idempotency_key, product_id, warehouse_id, quantity, returned)
     SELECT {order}, {product}, (SELECT id FROM warehouses ORDER BY code LIMIT 1), quantity, 0 FROM {lines} lines WHERE n % 20 <> 7",
    "DROP TABLE made",
];
