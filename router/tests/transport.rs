//! Traffic to subgraphs: forwarded headers, deduplication, retries, and what clients see of subgraphs' errors. Faults of subgraphs are in
//! `faults.rs`, connections in `connections.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid::config::Config;
use braid_request_context::header_rules::HeadersConfig;
use support::{ME, ORDERS, Seen, Subgraph, TestRouter, exchange, http, ok, post, router, supergraph};

const BOTH: &str = r#"{"query":"{ me { name orders { id total } } }"}"#;

fn headers(yaml: &str) -> HeadersConfig {
    Config::parse(&format!("headers: {yaml}"), &braid_settings::expand::Process(".".as_ref())).unwrap().headers
}

#[tokio::test]
async fn one_query_joins_two_subgraphs_byte_for_byte() {
    let (router, _users, orders) = router(|_| {}).await;
    let answer = router.post(BOTH).await;
    assert_eq!(answer.text(), r#"{"data":{"me":{"name":"Ada","orders":[{"id":"o1","total":12.50}]}}}"#);
    assert!(orders.seen.lock().unwrap()[0].body.contains(r#"{"__typename":"User","id":"1"}"#));
}

#[tokio::test]
async fn headers_are_forwarded_by_rules_only() {
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
async fn response_headers_are_forwarded_by_rules_only() {
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
async fn an_incomplete_response_can_not_be_cached() {
    let cached = |body: &'static str| {
        move |_: Seen| async move {
            http("200 OK", "application/json", body.as_bytes(), "cache-control: max-age=60\r\nexpires: 1\r\n")
        }
    };
    let users = Subgraph::raw(cached(ME)).await;
    // One marks its failure as cacheable, the other responds after the request timeout.
    let failing = Subgraph::raw(cached(r#"{"data":null,"errors":[{"message":"no"}]}"#)).await;
    let slow = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        ok(ORDERS)
    })
    .await;
    let rules = "{ all: { response: [{ propagate: { name: cache-control } }, { propagate: { name: expires } }] } }";
    for (orders, status) in [(failing.url(), 200), (slow.url(), 504)] {
        let router = TestRouter::start(supergraph(&users.url(), &orders), |config| {
            config.headers = headers(rules);
            config.server.request_timeout = braid_settings::Duration(Duration::from_millis(700));
        })
        .await;
        let answer = router.post(BOTH).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"), "{}", answer.text());
        assert_eq!(answer.header("expires"), None);
        let whole = router.post(r#"{"query":"{ me { name } }"}"#).await;
        assert_eq!(whole.header("cache-control").as_deref(), Some("max-age=60"));
    }
}

#[tokio::test]
async fn equal_queries_in_flight_share_one_request() {
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
async fn queries_are_retried_and_mutations_are_not() {
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
async fn requests_are_cancelled_when_the_client_leaves() {
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

#[tokio::test]
async fn messages_of_subgraphs_are_hidden_by_default() {
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
