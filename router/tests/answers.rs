//! What clients are told about keeping answers, and executions that they share: from router.yaml to the head of the response.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use braid::assemble;
use braid::config::Config;
use braid_telemetry::metrics::Metrics;
use support::{ME, ORDERS, Seen, Subgraph, TestRouter, http, supergraph};

const BOTH: &str = "/graphql?query={me{name%20orders{id%20total}}}";
const NAME: &str = "/graphql?query={me{name}}";

fn config(yaml: &str) -> Config {
    Config::parse(yaml, &braid_settings::expand::Process(".".as_ref())).unwrap()
}

async fn subgraph(body: &'static str, control: &'static str) -> Subgraph {
    Subgraph::raw(move |_: Seen| async move {
        http("200 OK", "application/json", body.as_bytes(), &format!("cache-control: {control}\r\n"))
    })
    .await
}

async fn router(users: &Subgraph, orders: &Subgraph, yaml: &str) -> TestRouter {
    TestRouter::start(supergraph(&users.url(), &orders.url()), |own| {
        let given = config(yaml);
        (own.cache, own.headers, own.server) = (given.cache, given.headers, given.server);
    })
    .await
}

#[tokio::test]
async fn the_strictest_part_decides() {
    let users = subgraph(ME, "max-age=60, public").await;
    for (control, expected) in [
        ("max-age=20, public", "max-age=20, public"),
        ("max-age=20, private", "max-age=20, private"),
        ("no-store", "no-store"),
        ("max-age=1e99, public", "no-store"),
    ] {
        let orders = subgraph(ORDERS, control).await;
        let router = router(&users, &orders, "cache: { enabled: true }").await;
        for _ in 0..2 {
            let answer = router.get(BOTH, "").await;
            let found = answer.header("cache-control").unwrap();
            assert_eq!(found, expected, "{control}");
            assert_eq!(answer.header("etag").is_some(), expected != "no-store");
            assert!(answer.head.to_lowercase().contains("vary: accept"), "{}", answer.head);
        }
    }
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let (users, orders) = (subgraph(ME, "max-age=60, public").await, subgraph(ORDERS, "no-store").await);
    let router = router(&users, &orders, "cache: { enabled: true, answers: { keep: true } }").await;
    let first = router.get(NAME, "").await;
    let tag = first.header("etag").unwrap();
    let second = router.get(NAME, &format!("if-none-match: {tag}\r\n")).await;
    assert_eq!((second.status, second.text()), (304, ""));
    assert_eq!(second.header("etag"), Some(tag));
    assert_eq!(users.seen.lock().unwrap().len(), 1);
    assert!(router.metric("braid_kept_answers_hits_total").await >= 1.0);
    // A refusal is kept by nobody.
    let refused = router.get("/graphql?query={nothing}", "").await;
    assert_eq!(refused.header("cache-control").as_deref(), Some("no-store"));
}

#[tokio::test]
async fn without_a_cache_nothing_is_told() {
    let (users, orders) = (subgraph(ME, "max-age=60, public").await, subgraph(ORDERS, "no-store").await);
    let router = router(&users, &orders, "{}").await;
    let answer = router.get(NAME, "").await;
    assert_eq!((answer.header("cache-control"), answer.header("etag"), answer.header("vary")), (None, None, None));
}

#[tokio::test]
async fn rules_and_the_cache_do_not_both_say_it() {
    let rules = "headers: { all: { response: [{ propagate: { name: cache-control } }] } }";
    let build = |yaml: &str| {
        let sdl = supergraph("http://127.0.0.1:1/", "http://127.0.0.1:1/");
        assemble::version(&config(yaml), &sdl, None, &Arc::new(Metrics::default()), None)
    };
    let error = build(&format!("{{ cache: {{ enabled: true }}, {rules} }}")).unwrap_err().to_string();
    assert!(error.contains("\"cache-control\"") && error.contains("cache.answers.headers: false"), "{error}");
    build(&format!("{{ cache: {{ enabled: true, answers: {{ headers: false }} }}, {rules} }}")).unwrap();
    build(&format!("{{ {rules} }}")).unwrap();
}

#[tokio::test]
async fn equal_queries_share_an_execution_if_subgraphs_see_the_same() {
    let users = Subgraph::raw(|_: Seen| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        support::ok(ME)
    })
    .await;
    let orders = subgraph(ORDERS, "no-store").await;
    let rules = "headers: { all: { request: [{ propagate: { name: x-user } }] } }";
    // Requests of subgraphs are not shared, so that only executions can be.
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |own| {
        let given = config(&format!(
            "{{ server: {{ deduplicate: true }}, traffic: {{ all: {{ deduplicate: false }} }}, {rules} }}"
        ));
        (own.headers, own.server, own.traffic) = (given.headers, given.server, given.traffic);
    })
    .await;
    let (ada, bob) = ("x-user: ada\r\nx-request-id: 1\r\n", "x-user: bob\r\n");
    let also_ada = "x-user: ada\r\nx-request-id: 2\r\n";
    let answers = tokio::join!(router.get(NAME, ada), router.get(NAME, also_ada), router.get(NAME, bob));
    assert_eq!([answers.0.status, answers.1.status, answers.2.status], [200; 3]);
    assert_eq!(users.seen.lock().unwrap().len(), 2);
    assert_eq!(router.metric("braid_shared_executions_joined_total").await, 1.0);
}
