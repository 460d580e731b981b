//! Attempts to get what is not one's own: each is refused with a code that says why, none is an internal error, and afterwards nothing has changed.

use std::fmt::Write;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use futures_util::future::join_all;
use serde_json::{Value, json};
use service::graphql::id;

use super::running::Running;

/// Somebody who tries something.
struct Attempt {
    what: String,
    at: SocketAddr,
    headers: Vec<(String, String)>,
    query: String,
    variables: Value,
}

/// What all attempts have in common.
struct Scene {
    running: Running,
    grace: String,
    ada: String,
    /// Of the shop's staff.
    alan: String,
    attempts: Vec<Attempt>,
}

impl Scene {
    fn add(
        &mut self,
        what: impl Into<String>,
        at: SocketAddr,
        headers: &[(&str, &str)],
        query: &str,
        variables: Value,
    ) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.attempts.push(Attempt { what: what.into(), at, headers, query: query.to_owned(), variables });
    }

    /// As a customer, through the router.
    fn customer(&mut self, what: &str, query: &str, variables: Value) {
        let (router, bearer) = (self.running.federation.ports.router, format!("Bearer {}", self.grace));
        self.add(format!("a customer {what}"), router, &[("authorization", &bearer)], query, variables);
    }

    /// As an administrator, through the router.
    fn admin(&mut self, what: &str, query: &str, variables: Value) {
        let (router, bearer) = (self.running.federation.ports.router, format!("Bearer {}", self.ada));
        self.add(format!("an administrator {what}"), router, &[("authorization", &bearer)], query, variables);
    }

    /// As one of the staff, through the router.
    fn staff(&mut self, what: &str, query: &str, variables: Value) {
        let (router, bearer) = (self.running.federation.ports.router, format!("Bearer {}", self.alan));
        self.add(format!("one of the staff {what}"), router, &[("authorization", &bearer)], query, variables);
    }

    /// How an attempt ended: the codes of its errors, or what went through.
    async fn run(&self, attempt: &Attempt) -> Result<Vec<String>, String> {
        let request = self.running.http.post(format!("http://{}/graphql", attempt.at));
        let request = request.json(&json!({ "query": attempt.query, "variables": attempt.variables }));
        let request = attempt.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        // A head that is too large ends the connection.
        let Ok(response) = request.send().await else { return Ok(vec!["CONNECTION_CLOSED".to_owned()]) };
        let status = response.status().as_u16();
        let Ok(answer) = response.json::<Value>().await else { return Ok(vec![status.to_string()]) };
        let errors = answer["errors"].as_array().into_iter().flatten();
        let mut codes: Vec<String> =
            errors.map(|error| error["extensions"]["code"].as_str().unwrap_or("WITHOUT_A_CODE").to_owned()).collect();
        user_errors(&answer["data"], &mut codes);
        if codes.is_empty() { Err(answer.to_string()) } else { Ok(codes) }
    }
}

/// The codes of `userErrors` anywhere in a response.
fn user_errors(data: &Value, codes: &mut Vec<String>) {
    match data {
        Value::Object(fields) => {
            for error in fields.get("userErrors").and_then(Value::as_array).into_iter().flatten() {
                codes.push(error["code"].as_str().unwrap_or("WITHOUT_A_CODE").to_owned());
            }
            fields.values().for_each(|value| user_errors(value, codes));
        }
        Value::Array(items) => items.iter().for_each(|item| user_errors(item, codes)),
        _ => {}
    }
}

/// A token with other contents, and the signature of the good one.
fn altered(token: &str, change: impl Fn(&mut Value, &mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice::<Value>(&BASE64.decode(part).unwrap()).unwrap();
    let (mut head, mut claims) = (read(parts[0]), read(parts[1]));
    change(&mut head, &mut claims);
    let write = |part: &Value| BASE64.encode(part.to_string());
    format!("{}.{}.{}", write(&head), write(&claims), parts[2])
}

fn tokens(scene: &mut Scene) {
    let ports = scene.running.federation.ports;
    let good = scene.grace.clone();
    let unsigned = altered(&good, |head, _| head["alg"] = json!("none"));
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    let with_hmac = altered(&good, |head, _| head["alg"] = json!("HS256"));
    let as_admin = altered(&good, |_, claims| claims["roles"] = json!(["admin"]));
    let as_another = altered(&good, |_, claims| claims["sub"] = json!(service::sample::id("user", "ada")));
    let for_ever = altered(&good, |_, claims| claims["exp"] = json!(u64::MAX));
    let unknown_key = altered(&good, |head, _| head["kid"] = json!("../../../etc/passwd"));
    let own_keys = altered(&good, |head, _| head["jku"] = json!("http://127.0.0.1:9/jwks"));
    let refresh = "a refresh token instead of an access token";
    for (what, authorization) in [
        ("no signature", format!("Bearer {unsigned}")),
        ("a shared secret for a signature", format!("Bearer {with_hmac}")),
        ("the role of an administrator", format!("Bearer {as_admin}")),
        ("another's id", format!("Bearer {as_another}")),
        ("no end", format!("Bearer {for_ever}")),
        ("a key that nobody knows", format!("Bearer {unknown_key}")),
        ("keys of its own", format!("Bearer {own_keys}")),
        ("half a token", format!("Bearer {}", &good[..good.len() / 2])),
        ("a password", "Basic Z3JhY2U6YnJhaWQtc2FtcGxl".to_owned()),
        (refresh, format!("Bearer {}", BASE64.encode([7; 64]))),
        ("nothing", "Bearer ".to_owned()),
        ("a megabyte", format!("Bearer {}", "A".repeat(1 << 20))),
    ] {
        for (name, at) in [("the router", ports.router), ("orders", ports.orders)] {
            let query = "{ orders(first: 1) { nodes { id } } }";
            scene.add(
                format!("a token with {what}, at {name}"),
                at,
                &[("authorization", &authorization)],
                query,
                json!({}),
            );
        }
    }
    let ada = service::sample::id("user", "ada").to_string();
    for (what, at, headers) in [
        ("who they are by headers, at the router", ports.router, vec![("x-user-id", &*ada), ("x-user-roles", "admin")]),
        ("who they are by headers, at orders", ports.orders, vec![("x-user-id", &*ada), ("x-user-roles", "admin")]),
        ("to be the router", ports.orders, vec![("x-router-token", "guessed"), ("x-user-id", &*ada)]),
        ("to be a service", ports.orders, vec![("x-internal-token", "guessed")]),
    ] {
        scene.add(format!("somebody says {what}"), at, &headers, "{ orders(first: 1) { nodes { id } } }", json!({}));
    }
}

fn roles(scene: &mut Scene, product: &str, warehouse: &str, order: &str) {
    let grace = id::global("User", service::sample::id("user", "grace")).to_string();
    let ada = id::global("User", service::sample::id("user", "ada")).to_string();
    let stock = json!({ "idempotencyKey": "k", "productId": product, "warehouseId": warehouse });
    let with = |more: Value| {
        let mut input = stock.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "input": input })
    };
    for (what, mutation, input, variables) in [
        (
            "makes themself an administrator",
            "grantRole",
            "RoleInput",
            json!({ "input": { "userId": grace, "role": "ADMIN" } }),
        ),
        ("takes a role away", "revokeRole", "RoleInput", json!({ "input": { "userId": ada, "role": "ADMIN" } })),
        (
            "changes a price",
            "updateProduct",
            "UpdateProductInput",
            json!({ "input": { "id": product, "price": { "amount": "0.01", "currency": "EUR" } } }),
        ),
        (
            "takes a product off the shop",
            "discontinueProduct",
            "DiscontinueProductInput",
            json!({ "input": { "id": product } }),
        ),
        ("receives stock", "receiveStock", "ReceiveStockInput", with(json!({ "quantity": 1 }))),
        ("adjusts stock", "adjustStock", "AdjustStockInput", with(json!({ "delta": 1, "reason": "found" }))),
        ("counts stock", "countStock", "CountStockInput", with(json!({ "quantity": 1 }))),
        (
            "closes a warehouse",
            "deactivateWarehouse",
            "DeactivateWarehouseInput",
            json!({ "input": { "id": warehouse } }),
        ),
        (
            "sends an order",
            "fulfillOrder",
            "FulfillOrderInput",
            json!({ "input": { "orderId": order, "idempotencyKey": "k" } }),
        ),
        (
            "refunds their order",
            "refundOrder",
            "RefundOrderInput",
            json!({ "input": { "orderId": order, "idempotencyKey": "k", "shipping": true, "reason": "r" } }),
        ),
        ("retries an order", "retryOrder", "RetryOrderInput", json!({ "input": { "id": order } })),
    ] {
        let query =
            format!("mutation($input: {input}!) {{ done: {mutation}(input: $input) {{ userErrors {{ message }} }} }}");
        // Not by `userErrors`: whoever may not do it learns nothing of what they named.
        scene.customer(what, &query, variables);
    }
    scene.customer("lists all users", "{ users(first: 1) { nodes { email } } }", json!({}));
    scene.customer("lists stuck orders", "{ stuckOrders(first: 1) { nodes { order { id } } } }", json!({}));
    scene.customer(
        "asks what a product costs the shop",
        "{ products(first: 1) { nodes { cost { amount } } } }",
        json!({}),
    );
    scene.customer(
        "reserves stock",
        "mutation { reserveStock(input: { idempotencyKey: \"x\", lines: [] }) { __typename } }",
        json!({}),
    );
    let (inventory, bearer) = (scene.running.federation.ports.inventory, format!("Bearer {}", scene.ada));
    let line = json!({ "productId": product, "quantity": 1 });
    let reserve = "mutation($lines: [ReserveStockLineInput!]!) { reserveStock(input: { idempotencyKey: \"x\", lines: $lines }) { __typename } }";
    scene.add("somebody reserves stock at inventory", inventory, &[], reserve, json!({ "lines": [line.clone()] }));
    scene.add(
        "an administrator reserves stock at inventory",
        inventory,
        &[("authorization", &bearer)],
        reserve,
        json!({ "lines": [line] }),
    );
    for verb in ["commitStock", "releaseStock"] {
        let query = format!("mutation {{ {verb}(idempotencyKey: \"x\") {{ __typename }} }}");
        scene.add(format!("somebody calls {verb} at inventory"), inventory, &[], &query, json!({}));
    }
    let cost = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { cost { amount } } } }";
    scene.add(
        "somebody asks inventory what a product costs the shop",
        inventory,
        &[],
        cost,
        json!({ "r": [{ "__typename": "Product", "id": product }] }),
    );
}

/// What staff leave to administrators.
fn staff(scene: &mut Scene, product: &str, warehouse: &str, order: &str) {
    let alan = id::global("User", service::sample::id("user", "alan")).to_string();
    for (what, mutation, kind, input) in [
        ("becomes an administrator", "grantRole", "RoleInput", json!({ "userId": alan, "role": "ADMIN" })),
        ("takes a second factor from a user", "clearTotp", "ClearTotpInput", json!({ "userId": alan })),
        (
            "changes a price",
            "updateProduct",
            "UpdateProductInput",
            json!({ "id": product, "price": { "amount": "0.01", "currency": "EUR" } }),
        ),
        ("takes a product off the shop", "discontinueProduct", "DiscontinueProductInput", json!({ "id": product })),
        ("makes a category", "createCategory", "CreateCategoryInput", json!({ "name": "N", "slug": "n" })),
        ("closes a warehouse", "deactivateWarehouse", "DeactivateWarehouseInput", json!({ "id": warehouse })),
        (
            "pays an order back",
            "refundOrder",
            "RefundOrderInput",
            json!({ "orderId": order, "idempotencyKey": "k", "shipping": true, "reason": "r" }),
        ),
    ] {
        let query =
            format!("mutation($input: {kind}!) {{ done: {mutation}(input: $input) {{ userErrors {{ message }} }} }}");
        scene.staff(what, &query, json!({ "input": input }));
    }
    scene.staff("lists all users", "{ users(first: 1) { nodes { email } } }", json!({}));
}

/// Second factors of others, and sign-ins without one.
fn second_factors(scene: &mut Scene) {
    let ada = id::global("User", service::sample::id("user", "ada")).to_string();
    let clear = "mutation($id: ID!) { clearTotp(input: { userId: $id }) { user { id } userErrors { code } } }";
    scene.customer("takes the second factor from an administrator", clear, json!({ "id": ada }));
    scene.admin("takes their own second factor without a code", clear, json!({ "id": ada }));
    let disable = "mutation($p: String!, $c: String!) { disableTotp(input: { password: $p, code: $c }) { session { accessToken } userErrors { code } } }";
    for code in ["", "000000", "0000-0000-0000-0000"] {
        let variables = json!({ "p": service::sample::PASSWORD, "c": code });
        scene.customer(&format!("turns a second factor off with {code:?}"), disable, variables);
    }
    let complete = "mutation($t: String!) { completeLogin(input: { challenge: $t, code: \"000000\" }) { session { accessToken } userErrors { code } } }";
    let router = scene.running.federation.ports.router;
    for challenge in ["", "made up", &"A".repeat(43), &scene.grace.clone()] {
        let what = format!("somebody completes a sign-in with {challenge:.10?}");
        scene.add(what, router, &[], complete, json!({ "t": challenge }));
    }
}

fn anothers(scene: &mut Scene, order: &str) {
    let cancel = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { order { id } userErrors { code message } } }";
    scene.customer("cancels another's order", cancel, json!({ "input": { "id": order } }));
    let of_ada = "query($id: ID!) { user(by: { id: $id }) { orders(first: 1) { nodes { id } } } node(id: $id) { ... on User { orders(first: 1) { nodes { id } } } } }";
    let ada = id::global("User", service::sample::id("user", "ada")).to_string();
    scene.customer("asks for another's orders", of_ada, json!({ "id": ada }));
    let entities =
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { orders(first: 1) { nodes { id } } } } }";
    let (orders, bearer) = (scene.running.federation.ports.orders, format!("Bearer {}", scene.grace));
    let representation = json!({ "r": [{ "__typename": "User", "id": ada }] });
    scene.add(
        "a customer asks orders for another's orders",
        orders,
        &[("authorization", &bearer)],
        entities,
        representation,
    );
}

fn numbers(scene: &mut Scene, product: &str, warehouse: &str) {
    let place =
        "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code message } } }";
    let address = json!({ "name": "G", "line1": "1", "postalCode": "10115", "city": "Berlin", "countryCode": "DE" });
    for quantity in [0, -1, i32::MIN, i32::MAX] {
        for total in ["-1.00", "0.00", "92233720368547758.07"] {
            let input = json!({
                "idempotencyKey": format!("{quantity} {total}"), "paymentMethod": "pm_card_visa", "shippingAddress": address,
                "expectedTotal": { "amount": total, "currency": "EUR" }, "lines": [{ "productId": product, "quantity": quantity }],
            });
            scene.customer(&format!("orders {quantity} units for {total}"), place, json!({ "input": input }));
        }
    }
    let adjust = "mutation($input: AdjustStockInput!) { adjustStock(input: $input) { userErrors { code message } } }";
    for delta in [i32::MIN, -1_000_000] {
        let input = json!({ "idempotencyKey": "n", "productId": product, "warehouseId": warehouse, "delta": delta, "reason": "r" });
        scene.admin(&format!("adjusts stock by {delta}"), adjust, json!({ "input": input }));
    }
    let price =
        "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { code message } } }";
    for amount in ["-0.01", "1e9", "0.001", "NaN", "99999999999999999999"] {
        let input = json!({ "id": product, "price": { "amount": amount, "currency": "EUR" } });
        scene.admin(&format!("sets the price to {amount}"), price, json!({ "input": input }));
    }
    for first in [-1, 101, i32::MAX] {
        scene.customer(
            &format!("asks for {first} products"),
            "query($first: Int) { products(first: $first) { nodes { id } } }",
            json!({ "first": first }),
        );
    }
}

fn texts(scene: &mut Scene) {
    let login = "mutation($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code message } } }";
    for name in ["grace' OR '1'='1", "grace'; DROP TABLE users; --", "grace\u{0}", "\u{202e}ecarg", "%", "*"] {
        let input = json!({ "username": name, "password": service::sample::PASSWORD });
        scene.add(
            format!("somebody signs in as {name:?}"),
            scene.running.federation.ports.router,
            &[],
            login,
            json!({ "input": input }),
        );
    }
    for cursor in ["' OR 1=1 --", "AAAA", "[1]", &BASE64.encode("[\"' OR 1=1 --\",\"x\",1,2,3]"), &"A".repeat(1 << 16)]
    {
        scene.customer(
            &format!("goes on after the cursor {cursor:.20}"),
            "query($after: String) { products(after: $after) { nodes { id } } }",
            json!({ "after": cursor }),
        );
    }
    let profile =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code message } } }";
    for name in ["", "\u{0}", "line\nline", &"x".repeat(1 << 19)] {
        scene.customer(&format!("takes the name {name:.10?}"), profile, json!({ "input": { "name": name } }));
    }
}

fn floods(scene: &mut Scene) {
    let router = scene.running.federation.ports.router;
    let many = |field: &str, count: usize| {
        (0..count).fold(String::new(), |mut all, number| {
            let _ = write!(all, "a{number}: {field} ");
            all
        })
    };
    let login = "login(input: { username: \"ada\", password: \"guess\" }) { session { accessToken } userErrors { code message } }";
    scene.add("200 passwords in a request", router, &[], &format!("mutation {{ {} }}", many(login, 200)), json!({}));
    let list = "products(first: 100) { nodes { name } }";
    scene.add("1,000 lists in a request", router, &[], &format!("{{ {} }}", many(list, 1_000)), json!({}));
    let deep = format!("{}{}", "{ warehouses ".repeat(300), "}".repeat(300));
    scene.add("300 levels", router, &[], &deep, json!({}));
    scene.add("an endless fragment", router, &[], "{ ...F } fragment F on Query { ...F }", json!({}));
    scene.add(
        "three megabytes",
        router,
        &[],
        &format!("{{ products {{ nodes {{ id }} }} }} #{}", "x".repeat(3 << 20)),
        json!({}),
    );
}

/// What clients can't even ask for.
const NOT_IN_THE_SCHEMA: [&str; 3] =
    ["a customer asks what a product costs the shop", "a customer reserves stock", "an endless fragment"];

/// What must be the same afterwards.
async fn books(running: &Running) -> Vec<String> {
    let mut all = Vec::new();
    for (service, sql) in [
        (
            "users",
            "SELECT group_concat(hex(user_id) || role, ' ') AS text FROM (SELECT * FROM user_roles ORDER BY user_id, role)",
        ),
        ("users", "SELECT group_concat(name, ' ') AS text FROM (SELECT * FROM users ORDER BY id)"),
        ("inventory", "SELECT CAST(SUM(on_hand) AS TEXT) || ' ' || CAST(SUM(reserved) AS TEXT) AS text FROM stock"),
        ("inventory", "SELECT CAST(SUM(price_minor) AS TEXT) AS text FROM products"),
        ("orders", "SELECT CAST(COUNT(*) AS TEXT) AS text FROM orders"),
        ("orders", "SELECT group_concat(status, ' ') AS text FROM (SELECT * FROM orders ORDER BY id)"),
    ] {
        all.push(running.rows(service, sql).await[0].try_get::<String>("", "text").unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_gets_through() {
    let running = Running::start().await;
    let (grace, ada) = (running.sign_in("grace").await, running.sign_in("ada").await);
    let of_another = format!(
        "SELECT lower(hex(id)) AS id FROM orders WHERE status = 'PLACED' AND hex(buyer_id) <> '{}' LIMIT 1",
        service::sample::id("user", "grace").simple().to_string().to_uppercase()
    );
    let text =
        async |service: &str, sql: &str| running.rows(service, sql).await[0].try_get::<String>("", "id").unwrap();
    let order = format!("Order_{}", text("orders", &of_another).await);
    let product = id::global("Product", service::sample::products()[0].id).to_string();
    let warehouse =
        format!("Warehouse_{}", text("inventory", "SELECT lower(hex(id)) AS id FROM warehouses LIMIT 1").await);
    let alan = running.hire("alan").await;
    let before = books(&running).await;
    let mut scene = Scene { running, grace, ada, alan, attempts: Vec::new() };
    tokens(&mut scene);
    roles(&mut scene, &product, &warehouse, &order);
    anothers(&mut scene, &order);
    numbers(&mut scene, &product, &warehouse);
    texts(&mut scene);
    floods(&mut scene);
    staff(&mut scene, &product, &warehouse, &order);
    second_factors(&mut scene);
    assert!(scene.attempts.len() >= 60, "{}", scene.attempts.len());
    let mut problems = Vec::new();
    for attempt in &scene.attempts {
        match scene.run(attempt).await {
            Err(answer) => problems.push(format!("{} got through: {answer:.300}", attempt.what)),
            Ok(codes) if codes.iter().any(|code| code.contains("INTERNAL") || code == "WITHOUT_A_CODE") => {
                problems.push(format!("{}: {codes:?}", attempt.what));
            }
            // Otherwise a field that was renamed would look like a refusal.
            Ok(codes) if codes.iter().any(|code| code.contains("VALIDATION") || code.contains("PARSE")) => {
                if !NOT_IN_THE_SCHEMA.contains(&&*attempt.what) {
                    problems.push(format!("{}: {codes:?}", attempt.what));
                }
            }
            Ok(_) => {}
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(books(&scene.running).await, before);
    scene.running.federation.stop().await.unwrap();
}

/// Requests that are right, and must not both be.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_twice_however_fast_one_is() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let product = id::global("Product", service::sample::products()[0].id);
    let place = include_str!("../../../../schema/operations/place-order.graphql");
    let quote = running.quote(&token, product.as_str(), 1).await;
    let input = json!({ "idempotencyKey": "twice", "quoteId": quote, "paymentMethod": "pm_card_visa" });
    let body = json!({ "query": place, "variables": { "input": input } });
    let answers = join_all((0..20).map(|_| running.ask(Some(&token), body.clone()))).await;
    let orders: std::collections::BTreeSet<String> =
        answers.iter().map(|(_, answer)| answer["data"]["placeOrder"]["order"]["id"].to_string()).collect();
    assert_eq!(orders.len(), 1, "{answers:?}");

    let login = "mutation($input: LoginInput!) { login(input: $input) { session { refreshToken } } }";
    let input = json!({ "username": "grace", "password": service::sample::PASSWORD });
    let (_, answer) = running.ask(None, json!({ "query": login, "variables": { "input": input } })).await;
    let refresh = answer["data"]["login"]["session"]["refreshToken"].clone();
    let again = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { session { refreshToken } userErrors { code } } }";
    let body = json!({ "query": again, "variables": { "input": { "refreshToken": refresh } } });
    let answers = join_all((0..20).map(|_| running.ask(None, body.clone()))).await;
    let next: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|(_, answer)| answer["data"]["refreshSession"]["session"]["refreshToken"].to_string())
        .collect();
    assert_eq!(next.len(), 1, "a race of an honest client has one next token: {answers:?}");
    running.federation.stop().await.unwrap();
}
