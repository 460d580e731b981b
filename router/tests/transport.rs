//! Traffic to subgraphs: what is forwarded, what is sent twice or once, and what comes of every kind of failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid::config::Config;
use braid::config::units::{ByteSize, Duration as Time};
use braid::subgraphs::headers::HeadersConfig;
use support::{ME, ORDERS, Seen, Subgraph, TestRouter, exchange, http, ok, post, router, supergraph};

const BOTH: &str = r#"{"query":"{ me { name orders { id total } } }"}"#;

fn headers(yaml: &str) -> HeadersConfig {
    Config::parse(&format!("headers: {yaml}"), &braid::config::expand::Process(".".as_ref())).unwrap().headers
}

#[tokio::test]
async fn one_query_joins_two_subgraphs_byte_for_byte() {
    let (router, _users, orders) = router(|_| {}).await;
    let answer = router.post(BOTH).await;
    assert_eq!(answer.text(), r#"{"data":{"me":{"name":"Ada","orders":[{"id":"o1","total":12.50}]}}}"#);
    assert!(orders.seen.lock().unwrap()[0].body.contains(r#"{"__typename":"User","id":"1"}"#));
}

#[tokio::test]
async fn nothing_is_forwarded_unless_a_rule_says_so() {
    const SENT: &str = "authorization: Bearer t\r\ncookie: a=b\r\nx-other: 1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let (router, users, _orders) = router(|_| {}).await;
    router.send(&post(BOTH, SENT)).await;
    let head = users.seen.lock().unwrap()[0].head.clone();
    assert!(!head.contains("Bearer") && !head.contains("cookie") && !head.contains("x-other"), "{head}");
    assert!(head.contains("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"), "{head}");
    assert!(!head.contains("b7ad6b7169203331"), "the span is a new one: {head}");

    let (router, users, orders) = support::router(|config| {
        config.headers = headers("{ all: { request: [{ insert: { name: x-all, value: v } }] }, subgraphs: { users: { request: [{ propagate: { name: authorization } }] } } }");
    })
    .await;
    router.send(&post(BOTH, SENT)).await;
    let (users, orders) = (users.seen.lock().unwrap()[0].head.clone(), orders.seen.lock().unwrap()[0].head.clone());
    assert!(users.contains("authorization: Bearer t") && users.contains("x-all: v"), "{users}");
    assert!(!orders.contains("Bearer") && orders.contains("x-all: v"), "{orders}");
}

#[tokio::test]
async fn headers_of_answers_pass_by_rule() {
    let users = Subgraph::raw(|_| async {
        http(
            "200 OK",
            "application/json",
            ME.as_bytes(),
            "set-cookie: s=1\r\ncache-control: max-age=60\r\nx-secret: 1\r\n",
        )
    })
    .await;
    let orders = Subgraph::raw(|_| async {
        http("200 OK", "application/json", ORDERS.as_bytes(), "cache-control: max-age=5, private\r\n")
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
        config.headers = headers("{ all: { response: [{ propagate: { name: set-cookie, merge: append } }, { propagate: { name: cache-control } }] } }");
    })
    .await;
    let answer = router.post(BOTH).await;
    assert_eq!(answer.header("set-cookie").as_deref(), Some("s=1"));
    assert_eq!(answer.header("cache-control").as_deref(), Some("max-age=5, private"));
    assert_eq!(answer.header("x-secret"), None);
}

#[tokio::test]
async fn equal_queries_under_way_are_sent_once_unless_they_differ() {
    let slow = |_: Seen| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ok(ME)
    };
    let users = Subgraph::raw(slow).await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
        config.headers = headers("{ all: { request: [{ propagate: { name: authorization } }] } }");
    })
    .await;
    let ask = |headers: &'static str, query: &'static str| {
        let address = router.address;
        tokio::spawn(async move { exchange(address, &post(query, headers)).await })
    };
    const QUERY: &str = r#"{"query":"{ me { name } }"}"#;
    let same = [ask("", QUERY), ask("", QUERY), ask("", QUERY), ask("authorization: other\r\n", QUERY)];
    for asked in same {
        assert_eq!(asked.await.unwrap().json()["data"]["me"]["name"], "Ada");
    }
    assert_eq!(users.count(), 2);
    const MUTATION: &str = r#"{"query":"mutation { rename(name: \"x\") { name } }"}"#;
    for asked in [ask("", MUTATION), ask("", MUTATION)] {
        asked.await.unwrap();
    }
    assert_eq!(users.count(), 4);
}

#[tokio::test]
async fn queries_are_tried_again_and_mutations_are_not() {
    let failures = AtomicUsize::new(0);
    let users = Subgraph::raw(move |_| {
        let fails = failures.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        async move { if fails { http("503 Busy", "text/plain", b"busy", "") } else { ok(ME) } }
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |_| {}).await;
    assert_eq!(router.query("{ me { name } }").await.json()["data"]["me"]["name"], "Ada");
    assert_eq!(users.count(), 2);
    let mutation = router.query("mutation { rename(name: \"x\") { name } }").await;
    assert_eq!(mutation.code(), "SUBREQUEST_HTTP_ERROR");
    assert_eq!(users.count(), 3);
    assert_eq!(router.metric("braid_subgraph_retries_total{subgraph=\"users\"}").await, 1.0);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_requests_along() {
    let users = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        ok(ME)
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |_| {}).await;
    let mut stream = tokio::net::TcpStream::connect(router.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &post(r#"{"query":"{ me { name } }"}"#, "")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(router.metric("braid_http_server_active_requests").await, 1.0);
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(router.metric("braid_http_server_active_requests").await, 0.0);
    let under_way = router.get("/health/ready?subgraphs", "").await.json()["subgraphs"][0]["underWay"].clone();
    assert_eq!(under_way, 0);
}

/// What a subgraph does wrong, and the code of the error that comes of it.
fn faults() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![b' '; 64 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let mut cut = ok(ME);
    cut.truncate(cut.len() - 10);
    let huge = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2147483648\r\n\r\n{".to_vec();
    vec![
        ("reset in the middle", cut, "SUBREQUEST_HTTP_ERROR"),
        ("nothing", Vec::new(), "SUBREQUEST_HTTP_ERROR"),
        ("not HTTP", b"hello\r\n\r\n".to_vec(), "SUBREQUEST_HTTP_ERROR"),
        ("wrong content type", http("200 OK", "text/html", b"<html>", ""), "SUBREQUEST_MALFORMED_RESPONSE"),
        ("500 without JSON", http("500 Oops", "text/plain", b"oops", ""), "SUBREQUEST_HTTP_ERROR"),
        (
            "redirect",
            http("302 Found", "text/plain", b"", "location: http://127.0.0.1:1/\r\n"),
            "SUBREQUEST_MALFORMED_RESPONSE",
        ),
        ("malformed JSON", ok("{\"data\":"), "SUBREQUEST_MALFORMED_RESPONSE"),
        ("100,000 levels", ok(&deep), "SUBREQUEST_MALFORMED_RESPONSE"),
        ("a huge answer", huge, "SUBREQUEST_RESPONSE_TOO_LARGE"),
        (
            "a bomb",
            http("200 OK", "application/json", &bomb, "content-encoding: gzip\r\n"),
            "SUBREQUEST_RESPONSE_TOO_LARGE",
        ),
        (
            "an unknown packing",
            http("200 OK", "application/json", b"x", "content-encoding: zip\r\n"),
            "SUBREQUEST_MALFORMED_RESPONSE",
        ),
    ]
}

fn short(config: &mut Config) {
    config.traffic.all.timeout = Some(Time::millis(700));
    config.traffic.all.max_response_bytes = Some(ByteSize(1 << 20));
    config.exposure.subgraph_errors = true;
}

#[tokio::test]
async fn faults_of_a_root_fetch() {
    for (name, bytes, code) in faults() {
        let users = Subgraph::raw(move |_| std::future::ready(bytes.clone())).await;
        let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), short).await;
        let answer = router.query("{ me { name } }").await;
        assert_eq!((answer.status, answer.code().as_str()), (200, code), "{name}: {}", answer.text());
        assert_eq!(answer.json()["data"]["me"], serde_json::Value::Null, "{name}");
        assert_eq!(router.query("{ __typename }").await.json()["data"]["__typename"], "Query", "{name}");
    }
}

#[tokio::test]
async fn faults_of_an_entity_fetch_leave_the_rest() {
    for (name, bytes, code) in faults() {
        let users = Subgraph::json(|_| ME.to_owned()).await;
        let orders = Subgraph::raw(move |_| std::future::ready(bytes.clone())).await;
        let router = TestRouter::start(supergraph(&users.url(), &orders.url()), short).await;
        let answer = router.post(BOTH).await;
        assert_eq!((answer.status, answer.code().as_str()), (200, code), "{name}: {}", answer.text());
        assert_eq!(answer.json()["data"], serde_json::json!({ "me": { "name": "Ada", "orders": null } }), "{name}");
        assert_eq!(answer.json()["errors"][0]["path"], serde_json::json!(["me"]), "{name}: {}", answer.text());
        assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn silence_and_drips_end_with_the_deadline() {
    let silent = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Vec::new()
    })
    .await;
    for url in [silent.url(), drip().await] {
        let router = TestRouter::start(supergraph(&url, "http://127.0.0.1:1/"), short).await;
        let began = Instant::now();
        let answer = router.query("{ me { name } }").await;
        assert_eq!(answer.code(), "SUBREQUEST_TIMEOUT", "{}", answer.text());
        assert!(began.elapsed() < Duration::from_secs(3));
    }
    let refused = TestRouter::start(supergraph("http://127.0.0.1:1/", "http://127.0.0.1:1/"), short).await;
    assert_eq!(refused.query("{ me { name } }").await.code(), "SUBREQUEST_HTTP_ERROR");
}

/// A server that goes on for ever, a byte at a time.
async fn drip() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                use tokio::io::AsyncWriteExt;
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
                let mut sent = stream.write_all(head).await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    sent = stream.write_all(b" ").await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn messages_of_subgraphs_are_hidden_unless_shown() {
    const FAILS: &str =
        r#"{"data":{"me":null},"errors":[{"message":"secret table","extensions":{"code":"DOWN"},"path":["me"]}]}"#;
    for (shown, expected) in [(false, false), (true, true)] {
        let users = Subgraph::json(|_| FAILS.to_owned()).await;
        let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
            config.exposure.subgraph_errors = shown;
        })
        .await;
        let answer = router.query("{ me { name } }").await;
        assert_eq!(answer.code(), "DOWN");
        assert_eq!(answer.text().contains("secret table"), expected, "{}", answer.text());
    }
}
