//! Traces: what a collector gets, what goes on with calls, and that no request waits for a collector.

use std::time::{Duration, Instant};

use serde_json::json;
use service::testing::{TestCollector, TestSpan};
use tokio::net::TcpListener;

use super::world::{World, answer};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT_SPAN: &str = "b7ad6b7169203331";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn world(url: &str) -> World {
    World::start(None, |config| config.traces.otlp.endpoint = Some(url.to_owned())).await
}

fn named<'a>(spans: &'a [TestSpan], name: &str) -> &'a TestSpan {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_in_the_trace_of_its_client() {
    let collector = TestCollector::start().await.unwrap();
    let world = world(&collector.url).await;
    let body = json!({ "query": "query Greet { hello stored }" }).to_string();
    assert_eq!(answer(world.post(body).header("traceparent", TRACEPARENT)).await.0, 200);
    assert_eq!(answer(world.query("{ hello }")).await.0, 200);
    assert_eq!(world.client.get(format!("{}/nowhere/42", world.url)).send().await.unwrap().status(), 404);
    assert!(world.client.get(format!("{}/health", world.url)).send().await.unwrap().status().is_success());
    // The spans in the queue are sent when the service stops.
    world.stop().await;

    let spans = collector.spans();
    let request = named(&spans, "query Greet");
    assert_eq!((request.trace.as_str(), request.parent.as_str()), (TRACE, CLIENT_SPAN));
    assert_eq!((request.service.as_str(), request.version.as_str()), ("probe", env!("CARGO_PKG_VERSION")));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/graphql"),
        ("http.response.status_code", "200"),
        ("graphql.operation.type", "query"),
        ("graphql.operation.name", "Greet"),
    ] {
        assert_eq!(request.attribute(key), value, "{key}");
    }
    let statement = named(&spans, "SELECT");
    assert_eq!((statement.trace.as_str(), &statement.parent), (TRACE, &request.id));
    assert_eq!(statement.attribute("db.system.name"), "sqlite");
    assert_eq!(statement.attribute("db.query.text"), "SELECT ? AS text", "without the value");
    // A request without a trace begins one.
    let other = named(&spans, "query");
    assert!(other.parent.is_empty() && other.trace != TRACE);
    assert_eq!(named(&spans, "GET").attribute("http.response.status_code"), "404");
    assert_eq!(spans.len(), 4, "health is not worth a span: {spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_found_by_the_id_of_its_request() {
    let collector = TestCollector::start().await.unwrap();
    let world = world(&collector.url).await;
    let (_, body) = answer(world.query("{ internal ours }").header("x-request-id", "from-the-client")).await;
    let id = |code: &str| {
        let errors = body["errors"].as_array().unwrap();
        errors.iter().find(|error| error["extensions"]["code"] == code).unwrap()["extensions"]["requestId"].clone()
    };
    assert_eq!(id("INTERNAL"), "from-the-client");
    assert_eq!(id("NOT_FOUND"), json!(null), "nothing of it is in the log");
    let response = world.query("{ internal }").send().await.unwrap();
    let made = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["requestId"], made);
    world.stop().await;
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.failure == "INTERNAL"), "{spans:?}");
    assert_eq!(spans[0].attribute("graphql.error.codes").split(',').count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_in_the_trace_even_without_a_collector() {
    let keys = TestKeys::start().await;
    for collector in [None, Some(TestCollector::start().await.unwrap())] {
        let world = World::start(None, |config| {
            config.auth.jwks_url = keys.url.clone();
            config.traces.otlp.endpoint = collector.as_ref().map(|collector| collector.url.clone());
        })
        .await;
        let request = world.query("{ hello }").bearer_auth(TOKEN).header("traceparent", TRACEPARENT);
        assert_eq!(answer(request.header("x-request-id", "seven")).await.0, 401, "there are no keys");
        world.stop().await;
        let (traceparent, id) = keys.seen.lock().unwrap().pop().unwrap();
        assert_eq!((&traceparent[..35], id.as_str()), (&TRACEPARENT[..35], "seven"));
        let Some(collector) = collector else { continue };
        let spans = collector.spans();
        let (call, request) = (named(&spans, "call keys"), named(&spans, "POST /graphql"));
        assert_eq!(call.parent, request.id);
        assert_eq!(traceparent, format!("00-{TRACE}-{}-01", call.id));
        assert_eq!(call.attribute("server.address"), "127.0.0.1");
        assert_eq!(call.attribute("http.response.status_code"), "200");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_or_silent_affects_no_request() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/", silent.local_addr().unwrap());
    for url in ["http://127.0.0.1:1/v1/traces", &silent_url] {
        let world = World::start(None, |config| {
            config.traces.otlp.endpoint = Some(url.to_owned());
            config.traces.otlp.max_queue = 4;
            config.traces.otlp.delay = braid_settings::Duration::millis(10);
        })
        .await;
        let began = Instant::now();
        for _ in 0..50 {
            assert_eq!(answer(world.query("{ hello }")).await.0, 200);
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{url}: {:?}", began.elapsed());
        let mut dropped = 0;
        for _ in 0..100 {
            dropped = world.dropped().await;
            if dropped > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(dropped > 0, "{url}");
        let began = Instant::now();
        world.stop().await;
        assert!(began.elapsed() < Duration::from_secs(5), "{url}: {:?}", began.elapsed());
    }
}

impl World {
    /// How many spans were lost, as `/metrics` says.
    async fn dropped(&self) -> u64 {
        let text = self.client.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("probe_spans_dropped_total "));
        line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    }
}

/// A token that names a key, whoever signed it.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9uZSJ9.e30.c2ln";

/// An endpoint without keys, which remembers `traceparent` and `x-request-id` of its requests.
struct TestKeys {
    url: String,
    seen: std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>>,
}

impl TestKeys {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let seen = std::sync::Arc::default();
        let keys = Self { url, seen };
        let seen = keys.seen.clone();
        let give = axum::routing::get(move |headers: axum::http::HeaderMap| {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            seen.lock().unwrap().push((header("traceparent"), header("x-request-id")));
            async { axum::Json(json!({ "keys": [] })) }
        });
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", give)).await });
        keys
    }
}
