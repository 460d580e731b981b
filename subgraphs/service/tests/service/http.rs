//! GraphQL over HTTP, health, the playground, and stopping.

use std::time::Duration;

use serde_json::json;

use super::world::{World, answer, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_post_and_get() {
    let world = World::start(None, |_| {}).await;
    assert_eq!(answer(world.query("{ hello }")).await, (200, json!({ "data": { "hello": "world" } })));
    let get = |parameters: &[(&str, &str)]| world.get(parameters);
    assert_eq!(answer(get(&[("query", "{ hello }")])).await, (200, json!({ "data": { "hello": "world" } })));
    let two = "query A { hello } query B($t: String) { echo(text: $t) }";
    let chosen = get(&[("query", two), ("operationName", "B"), ("variables", r#"{"t":"hi"}"#)]);
    assert_eq!(answer(chosen).await, (200, json!({ "data": { "echo": "hi" } })));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_it_must() {
    let world = World::start(None, |config| config.limits.body_bytes = 400_000).await;
    let refused = async |request, status: u16, code: &str| {
        assert_eq!(refusal(request).await, (status, code.to_owned()));
    };
    refused(world.query("{ nothing }"), 400, "GRAPHQL_VALIDATION_FAILED").await;
    refused(world.query("{ echo(text: 3) }"), 400, "GRAPHQL_VALIDATION_FAILED").await;
    refused(world.query("{ hello"), 400, "GRAPHQL_PARSE_FAILED").await;
    refused(world.query("query A { hello } query B { hello }"), 400, "GRAPHQL_VALIDATION_FAILED").await;
    refused(world.post("{"), 400, "BAD_REQUEST").await;
    refused(world.post("[]"), 400, "BAD_REQUEST").await;
    refused(world.post("{}"), 400, "BAD_REQUEST").await;
    refused(world.post(r#"{"query": 3}"#), 400, "BAD_REQUEST").await;
    refused(world.post(r#"{"query": "{ hello }", "variables": 3}"#), 400, "BAD_REQUEST").await;
    refused(world.post("[".repeat(390_000)), 400, "BAD_REQUEST").await;
    refused(world.post("x".repeat(400_001)), 413, "PAYLOAD_TOO_LARGE").await;
    let untyped = || world.client.post(format!("{}/graphql", world.url)).body(r#"{"query": "{ hello }"}"#);
    refused(untyped(), 415, "BAD_REQUEST").await;
    refused(untyped().header("content-type", "text/plain"), 415, "BAD_REQUEST").await;
    refused(untyped().header("content-type", "multipart/form-data; boundary=x"), 415, "BAD_REQUEST").await;
    assert_eq!(answer(untyped().header("content-type", "application/json; charset=utf-8")).await.0, 200);
    let get = |parameters: &[(&str, &str)]| world.get(parameters);
    refused(get(&[]), 400, "BAD_REQUEST").await;
    refused(get(&[("query", "{ hello }"), ("variables", "nonsense")]), 400, "BAD_REQUEST").await;
    refused(get(&[("query", "mutation { change }")]), 405, "BAD_REQUEST").await;
    let two = "query A { hello } mutation B { change }";
    refused(get(&[("query", two), ("operationName", "B")]), 405, "BAD_REQUEST").await;
    assert_eq!(answer(get(&[("query", two), ("operationName", "A")])).await.0, 200);
    // It is well still.
    assert_eq!(answer(world.query("{ hello }")).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_costs_too_much() {
    let world = World::start(None, |config| config.limits.complexity = 500).await;
    for query in [
        "{ deep ".repeat(21) + "{ hello }" + &"}".repeat(21),
        format!("{{ {} }}", (0..501).map(|n| format!("h{n}: hello ")).collect::<String>()),
        "{ deep ".repeat(60_000),
        format!("{{ echo(text: {}) }}", "[".repeat(300_000)),
        format!("{{ hello(a: {}) }}", "{a:".repeat(200_000)),
    ] {
        let (status, code) = refusal(world.query(&query)).await;
        assert!(status == 400 && code.starts_with("GRAPHQL_"), "{status} {code}");
    }
    assert_eq!(answer(world.query("{ hello }")).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_get_is_refused() {
    let world = World::start(None, |_| {}).await;
    let get = world.get(&[("query", &"{a".repeat(8_000))]);
    let (status, code) = refusal(get).await;
    assert!(status == 400 && code.starts_with("GRAPHQL_"), "{status} {code}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_old_gets_200_and_json() {
    let world = World::start(None, |_| {}).await;
    let response = world.query("{ nothing }").header("accept", "application/json");
    // The harness's own header comes first; a client that names both is modern.
    assert_eq!(refusal(response).await.0, 400);
    let body = json!({ "query": "{ nothing }" }).to_string();
    let old = world.client.post(format!("{}/graphql", world.url)).header("content-type", "application/json").body(body);
    let response = old.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body.get("data"), None, "nothing ran, so there is no data");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn internals_stay_inside() {
    let world = World::start(None, |_| {}).await;
    let (status, body) = answer(world.query("{ hello ours internal foreign }")).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"], json!({ "hello": "world", "ours": null, "internal": null, "foreign": null }));
    let mut codes: Vec<_> =
        body["errors"].as_array().unwrap().iter().map(|e| e["extensions"]["code"].to_string()).collect();
    codes.sort();
    assert_eq!(codes, [r#""INTERNAL""#, r#""INTERNAL""#, r#""NOT_FOUND""#]);
    assert!(!body.to_string().contains("secrets"));
    assert!(!body.to_string().contains("invalid digit"));
    assert_eq!(world.query("{ explode }").send().await.unwrap().status(), 500);
    assert_eq!(answer(world.query("{ hello }")).await.0, 200);
    world.stop().await;
}

/// Every client may leave out a nullable variable, also where it counts for the complexity.
#[tokio::test(flavor = "multi_thread")]
async fn page_sizes_may_be_left_out() {
    let world = World::start(None, |_| {}).await;
    let query = "query($first: Int, $last: Int) { page(first: $first, last: $last) }";
    for (variables, expected) in [(json!({}), -1), (json!({ "first": 3 }), 3), (json!({ "last": 4 }), 4)] {
        let body = json!({ "query": query, "variables": variables }).to_string();
        assert_eq!(answer(world.post(body)).await, (200, json!({ "data": { "page": expected } })));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_database() {
    let world = World::start(None, |_| {}).await;
    let health = |path: &str| world.client.get(format!("{}{path}", world.url));
    for path in ["/health", "/health/ready", "/health/live"] {
        assert_eq!(answer(health(path)).await, (200, json!({ "status": "ok" })), "{path}");
    }
    world.database.close().await.unwrap();
    assert_eq!(answer(health("/health")).await.0, 503);
    assert_eq!(answer(health("/health/ready")).await.0, 503);
    assert_eq!(answer(health("/health/live")).await.0, 200, "a restart would not help");
    world.stop().await;
}

/// Told to stop, it says so while it goes on, so that nobody sends it more.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_leaving_still_answers() {
    let world = World::start(None, |config| config.shutdown_delay = 1).await;
    let (client, url) = (world.client.clone(), world.url.clone());
    let asked = world.query("{ hello }");
    let stopped = tokio::spawn(world.stop());
    let leaving = async {
        while answer(client.get(format!("{url}/health/ready"))).await.0 == 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_millis(800), leaving).await.expect("it says so at once");
    let said = answer(client.get(format!("{url}/health/ready"))).await;
    assert_eq!(said, (503, json!({ "status": "the service is stopping" })));
    assert_eq!(answer(asked).await.0, 200);
    stopped.await.unwrap();
    assert!(client.get(format!("{url}/health/ready")).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_counted() {
    let world = World::start(None, |_| {}).await;
    answer(world.query("query Greet { hello }")).await;
    refusal(world.query("{ nothing }")).await;
    let slow = tokio::spawn(world.query("{ slow }").send());
    let metrics = async || answer(world.client.get(format!("{}/metrics", world.url))).await.1;
    let in_flight = async {
        while !metrics().await.as_str().unwrap().contains("_requests_in_flight 1\n") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), in_flight).await.unwrap();
    slow.await.unwrap().unwrap();
    let client_gone = world.query("{ slow }").timeout(Duration::from_millis(50)).send().await;
    assert!(client_gone.is_err());
    let expected = [
        "_requests_total{status=\"200\"} 2\n",
        "_requests_total{status=\"400\"} 1\n",
        "_requests_total{status=\"499\"} 1\n",
        "_requests_in_flight 0\n",
        "_request_seconds_count 4\n",
        "_sql_connections ",
        "_sql_statement_seconds_count ",
    ];
    let all_there = async {
        let mut text = metrics().await.as_str().unwrap().to_owned();
        while !expected.iter().all(|line| text.contains(line)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            text = metrics().await.as_str().unwrap().to_owned();
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(5), all_there).await;
    found.unwrap_or_else(|_| panic!("a line is missing of {expected:?}"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_playground_needs_nobody_else() {
    let world = World::start(None, |_| {}).await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/playground.js", "text/javascript; charset=utf-8"),
        ("/playground.css", "text/css; charset=utf-8"),
    ] {
        let response = world.client.get(format!("{}{path}", world.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], content_type);
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = response.text().await.unwrap();
        assert!(!text.contains("http://") && !text.contains("https://"), "{path} reaches out");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_finish() {
    let world = World::start(None, |_| {}).await;
    let slow = tokio::spawn(answer(world.query("{ slow }")));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let database = world.database.clone();
    world.stop().await;
    assert_eq!(slow.await.unwrap(), (200, json!({ "data": { "slow": true } })));
    assert!(database.ping().await.is_err(), "the database is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_though_a_request_does_not() {
    let world = World::start(None, |config| config.shutdown_seconds = 0).await;
    let slow = tokio::spawn(world.query("{ slow }").send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_millis(300), world.stop()).await.unwrap();
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let listener = service::http::bind("127.0.0.1:0".parse().unwrap(), "").await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = service::http::bind(address, "--listen or LISTEN").await.unwrap_err().to_string();
    assert!(error.contains(&format!("port {}", address.port())) && error.contains("--listen"), "{error}");
}
