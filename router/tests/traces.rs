//! Traces over OTLP: the spans that a collector gets, the trace context that subgraphs get, and that no request waits for a collector.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[cfg(feature = "wasm")]
#[path = "../crates/wasm/tests/guest/mod.rs"]
mod guest;
mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use braid::config::Config;
use braid_settings::Duration as Time;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use support::{Seen, TestRouter, good_subgraphs, http, ok, post, router, supergraph};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const QUERY: &str = r#"{"query":"query Mine { me { name orders { id total } } }"}"#;
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT_SPAN: &str = "b7ad6b7169203331";

fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{CLIENT_SPAN}-{flags}\r\n")
}

/// A collector that records spans.
struct Collector {
    url: String,
    got: Arc<Mutex<Vec<(String, ExportTraceServiceRequest)>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let batches = got.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let batches = batches.clone();
                tokio::spawn(async move {
                    let (head, body) = read(&mut stream).await;
                    batches.lock().unwrap().push((head, ExportTraceServiceRequest::decode(&body[..]).unwrap()));
                    let taken = ExportTraceServiceResponse::default().encode_to_vec();
                    let _ = stream.write_all(&http("200 OK", "application/x-protobuf", &taken, "")).await;
                });
            }
        });
        Self { url, got }
    }

    /// All spans by name.
    fn spans(&self) -> HashMap<String, Span> {
        self.all().into_iter().map(|span| (span.name.clone(), span)).collect()
    }

    fn all(&self) -> Vec<Span> {
        let got = self.got.lock().unwrap();
        let spans = got.iter().flat_map(|(_, batch)| &batch.resource_spans);
        let spans = spans.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
        spans.cloned().collect()
    }

    fn head(&self) -> String {
        self.got.lock().unwrap()[0].0.clone()
    }

    fn service(&self) -> String {
        let got = self.got.lock().unwrap();
        let resource = got[0].1.resource_spans[0].resource.clone().unwrap();
        let name = resource.attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
        text(name.value.unwrap().value.unwrap())
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut received = Vec::new();
    loop {
        assert!(stream.read_buf(&mut received).await.unwrap() > 0, "the request broke off");
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
        if received.len() - end - 4 == length.trim().parse::<usize>().unwrap() {
            return (head, received.split_off(end + 4));
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    found.map_or_else(String::new, |attribute| text(attribute.value.clone().unwrap().value.unwrap()))
}

fn to(collector: &str) -> impl FnOnce(&mut Config) {
    move |config| {
        config.telemetry.trace.otlp.endpoint = Some(collector.to_owned());
        config.telemetry.trace.otlp.headers.insert("x-token".to_owned(), "t0k".to_owned());
        config.telemetry.trace.otlp.service_name = "shop".to_owned();
        config.telemetry.trace.otlp.timeout = Time::millis(500);
    }
}

fn sent_along(seen: &Seen) -> String {
    let line = seen.head.lines().find_map(|line| line.strip_prefix("traceparent: "));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_request_is_one_tree_of_spans() {
    let collector = Collector::start().await;
    let (router, users, orders) = router(to(&collector.url)).await;
    assert_eq!(router.send(&post(QUERY, &traceparent("01"))).await.status, 200);
    for step in ["compile", "plan"] {
        assert_eq!(router.metric(&format!("braid_operation_{step}_duration_seconds_count")).await, 1.0, "{step}");
    }
    // Stopping sends the spans in the queue.
    router.stop().await;

    let spans = collector.spans();
    let mut names: Vec<_> = spans.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["POST /graphql", "fetch orders", "fetch users", "parse", "plan"]);
    assert!(spans.values().all(|span| hex(&span.trace_id) == TRACE));
    assert!(spans.values().all(|span| span.start_time_unix_nano <= span.end_time_unix_nano));
    let request = &spans["POST /graphql"];
    assert_eq!(hex(&request.parent_span_id), CLIENT_SPAN);
    assert_eq!(attribute(request, "graphql.operation.name"), "Mine");
    assert_eq!(attribute(request, "graphql.operation.type"), "query");
    assert_eq!(attribute(request, "http.response.status_code"), "200");
    for below in ["parse", "plan", "fetch orders", "fetch users"] {
        let span = &spans[below];
        assert_eq!(span.parent_span_id, request.span_id, "{below}");
        assert!(span.start_time_unix_nano + 1_000_000 >= request.start_time_unix_nano, "{below}");
        assert!(span.end_time_unix_nano <= request.end_time_unix_nano, "{below}");
    }
    for (subgraph, name) in [(&users, "users"), (&orders, "orders")] {
        let fetch = &spans[&format!("fetch {name}")];
        assert_eq!(attribute(fetch, "subgraph.name"), name);
        assert_eq!(attribute(fetch, "http.response.status_code"), "200");
        let told = sent_along(&subgraph.seen.lock().unwrap()[0]);
        assert_eq!(told, format!("00-{TRACE}-{}-01", hex(&fetch.span_id)), "{name}");
    }
    assert_eq!(collector.service(), "shop");
    assert!(collector.head().contains("x-token: t0k") && collector.head().contains("x-protobuf"));
}

#[tokio::test]
async fn calls_to_the_coprocessor_have_spans() {
    let collector = Collector::start().await;
    let refuses = support::Subgraph::json(|_| r#"{"control":{"break":403}}"#.to_owned()).await;
    let garbage = support::Subgraph::json(|_| "<html>".to_owned()).await;
    for service in [&refuses, &garbage] {
        let (router, _users, _orders) = router(|config| {
            to(&collector.url)(config);
            config.coprocessor.url = Some(service.url());
            config.coprocessor.router.request.path = true;
        })
        .await;
        router.send(&post(QUERY, &traceparent("01"))).await;
        router.stop().await;
    }
    let all = collector.all();
    let request = all.iter().find(|span| span.name == "POST /graphql").unwrap();
    let calls: Vec<_> = all.iter().filter(|span| span.name == "coprocessor").collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].parent_span_id, request.span_id);
    assert!(calls.iter().all(|call| attribute(call, "coprocessor.stage") == "RouterRequest"));
    let refused = calls.iter().find(|call| attribute(call, "coprocessor.refused") == "403").unwrap();
    let failed = calls.iter().find(|call| call.status.as_ref().is_some_and(|status| status.code == 2)).unwrap();
    for (call, service) in [(refused, &refuses), (failed, &garbage)] {
        let told = sent_along(&service.seen.lock().unwrap()[0]);
        assert_eq!(told, format!("00-{TRACE}-{}-01", hex(&call.span_id)));
    }
}

#[cfg(feature = "wasm")]
#[tokio::test]
async fn calls_to_hooks_have_spans() {
    let collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hook.wasm");
    let refuse = r#"(call $refuse (str "NO"))"#;
    for stages in [&[(guest::REQUEST, ""), (guest::OPERATION, refuse)][..], &[(guest::EXECUTED, "(unreachable)")]] {
        std::fs::write(&file, guest::hook(stages)).unwrap();
        let (router, _users, _orders) = router(|config| {
            to(&collector.url)(config);
            config.wasm = serde_json::from_value(serde_json::json!({ "hooks": [{ "file": file }] })).unwrap();
        })
        .await;
        router.send(&post(QUERY, &traceparent("01"))).await;
        router.stop().await;
    }
    let all = collector.all();
    let requests: Vec<_> = all.iter().filter(|span| span.name == "POST /graphql").collect();
    let calls: Vec<_> = all.iter().filter(|span| span.name == "hook hook").collect();
    let told = |span: &Span| {
        let failed = span.status.as_ref().filter(|status| status.code == 2).map(|status| status.message.clone());
        (attribute(span, "wasm.stage"), attribute(span, "wasm.refused"), failed)
    };
    let mut found: Vec<_> = calls.iter().map(|call| told(call)).collect();
    found.sort();
    let expected =
        [("on-executed", "", Some("WASM_HOOK_FAILED")), ("on-operation", "403", None), ("on-request", "", None)];
    assert_eq!(
        found,
        expected.map(|(stage, refused, failed)| (stage.to_owned(), refused.to_owned(), failed.map(str::to_owned)))
    );
    for call in calls {
        assert_eq!(attribute(call, "wasm.hook"), "hook");
        let request = requests.iter().find(|request| request.span_id == call.parent_span_id).unwrap();
        assert!(request.start_time_unix_nano <= call.start_time_unix_nano);
        assert!(call.end_time_unix_nano <= request.end_time_unix_nano);
    }
}

#[tokio::test]
async fn a_stream_and_its_events_have_spans() {
    let collector = Collector::start().await;
    let orders = support::Subgraph::raw(|_| async {
        let event = |state: &str| {
            format!("event: next\ndata: {{\"data\":{{\"orderChanged\":{{\"__typename\":\"Order\",\"id\":\"1\",\"state\":\"{state}\"}}}}}}\n\n")
        };
        let body = format!("{}{}event: complete\ndata:\n\n", event("PAID"), event("SENT"));
        http("200 OK", "text/event-stream", body.as_bytes(), "")
    })
    .await;
    let users = r#"{"data":{"_entities":[{"__typename":"Order","buyer":"Ada"}]}}"#;
    let users = support::Subgraph::json(|_| users.to_owned()).await;
    let key = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\"])";
    let sdl = |name: &str, url: String, types: &str| braid_composition::SubgraphSdl {
        name: name.to_owned(),
        url,
        sdl: format!("{key} {types}"),
        ..braid_composition::SubgraphSdl::default()
    };
    let orders_types = "type Query { ready: String } type Subscription { orderChanged: Order } type Order @key(fields: \"id\") { id: ID! state: String }";
    let users_types = "type Query { me: String } type Order @key(fields: \"id\") { id: ID! buyer: String }";
    let subgraphs = [sdl("orders", orders.url(), orders_types), sdl("users", users.url(), users_types)];
    let supergraph = braid_composition::compose(&subgraphs).result.unwrap().supergraph_sdl;
    let config = to(&collector.url);
    let router = TestRouter::start(supergraph, |settings| {
        config(settings);
        settings.traffic.all.subscriptions = Some(braid_transport::config::SubscriptionTrafficConfig {
            protocol: braid_transport::config::SubscriptionProtocol::Sse,
            ..Default::default()
        });
    })
    .await;
    let body = r#"{"query":"subscription Watch { orderChanged { state buyer } }"}"#;
    let headers = format!("accept: text/event-stream\r\n{}", traceparent("01"));
    let answer = router.send(&post(body, &headers)).await;
    assert_eq!(answer.text().matches("event: next").count(), 2, "{}", answer.text());
    router.stop().await;

    let spans = collector.all();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let [stream] = named("POST /graphql")[..] else { panic!("{spans:?}") };
    assert_eq!(attribute(stream, "graphql.operation.name"), "Watch");
    assert_eq!(attribute(stream, "braid.stream.protocol"), "sse");
    assert_eq!(attribute(stream, "braid.stream.cause"), "completed");
    assert_eq!(attribute(stream, "braid.stream.events"), "2");
    let events = named("event");
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.parent_span_id == stream.span_id));
    // What completes an event belongs to it.
    for (event, fetch) in events.iter().zip(named("fetch users")) {
        assert_eq!(fetch.parent_span_id, event.span_id);
    }
    assert_eq!(named("fetch users").len(), 2);
}

#[tokio::test]
async fn errors_are_recorded_in_their_spans() {
    let collector = Collector::start().await;
    let users = support::Subgraph::raw(|_| async { http("500 Oops", "text/plain", b"oops", "") }).await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), to(&collector.url)).await;
    router.query("{ me { name } }").await;
    router.query("{ nope }").await;
    router.stop().await;
    let spans = collector.spans();
    assert_eq!(spans["fetch users"].status.clone().unwrap().message, "SUBREQUEST_HTTP_ERROR");
    assert_eq!(spans["parse"].status.clone().unwrap().message, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn the_client_decides_what_is_sampled_or_else_the_ratio() {
    let collector = Collector::start().await;
    let (router, users, _orders) = router(|config| {
        to(&collector.url)(config);
        config.telemetry.trace.otlp.sampling = 0.0;
    })
    .await;
    assert_eq!(router.query("{ me { name } }").await.status, 200);
    let told = sent_along(&users.seen.lock().unwrap()[0]);
    assert!(told.len() == 55 && told.ends_with("-00"), "subgraphs are told that nothing is recorded: {told}");
    router.send(&post(QUERY, &traceparent("00"))).await;
    assert!(sent_along(&users.seen.lock().unwrap()[1]).ends_with("-00"));
    router.send(&post(QUERY, &traceparent("01"))).await;
    router.stop().await;
    let spans = collector.spans();
    assert!(spans.values().all(|span| hex(&span.trace_id) == TRACE));
    // The operation was compiled for the request that is not recorded.
    assert_eq!(spans.len(), 3, "{:?}", spans.keys());
}

#[tokio::test]
async fn a_collector_that_is_down_or_silent_affects_no_request() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/", silent.local_addr().unwrap());
    for url in ["http://127.0.0.1:1/v1/traces", &silent_url] {
        let (users, orders) = good_subgraphs().await;
        let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
            to(url)(config);
            config.telemetry.trace.otlp.max_queue = 4;
            config.telemetry.trace.otlp.delay = Time::millis(10);
        })
        .await;
        let began = Instant::now();
        for _ in 0..50 {
            assert_eq!(router.post(QUERY).await.json()["data"]["me"]["name"], "Ada");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{url}: {:?}", began.elapsed());
        let began = Instant::now();
        router.stop().await;
        assert!(began.elapsed() < Duration::from_secs(5), "{url}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn spans_end_when_the_client_leaves() {
    let collector = Collector::start().await;
    let users = support::Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        ok("{}")
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), to(&collector.url)).await;
    let mut stream = tokio::net::TcpStream::connect(router.address).await.unwrap();
    stream.write_all(&post(r#"{"query":"{ me { name } }"}"#, "")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    router.stop().await;
    let spans = collector.spans();
    assert_eq!(attribute(&spans["POST /graphql"], "http.response.status_code"), "499");
    assert!(spans.contains_key("fetch users"));
}

#[tokio::test]
async fn nothing_is_recorded_without_a_collector() {
    let (router, users, _orders) = router(|_| {}).await;
    assert_eq!(router.query("{ me { name } }").await.status, 200);
    assert_eq!(sent_along(&users.seen.lock().unwrap()[0]), "");
}
