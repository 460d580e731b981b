//! Each limit: exceeding it gives an error with its code, and is counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid::config::Config;
use braid_gateway::limits::LimitsConfig;
use braid_gateway::request::GraphQLRequest;
use braid_settings::ByteSize;
use support::{Subgraph, TestRouter, router, supergraph};

async fn check(configure: impl FnOnce(&mut LimitsConfig), query: &str, code: &str) {
    let (router, users, _orders) = router(|config| configure(&mut config.limits)).await;
    assert_eq!(router.query("{ __typename }").await.status, 200);
    let answer = router.query(query).await;
    assert_eq!(answer.code(), code, "{}", answer.text());
    assert_eq!(users.count(), 0, "nothing is sent to subgraphs");
    assert_eq!(router.metric(&format!("braid_limits_hit_total{{code=\"{code}\"}}")).await, 1.0);
}

#[tokio::test]
async fn limits_of_operations() {
    check(|limits| limits.max_tokens = 8, "{ me { name id name id name id } }", "MAX_TOKENS_LIMIT").await;
    check(
        |limits| limits.max_recursion = 10,
        &format!("{{ me {{ {} id {} }} }}", "...{".repeat(20), "}".repeat(20)),
        "MAX_RECURSION_LIMIT",
    )
    .await;
    check(|limits| limits.max_depth = 2, "{ me { orders { id } } }", "MAX_DEPTH_LIMIT").await;
    check(|limits| limits.max_depth = 2, "{ me { ...F } } fragment F on User { orders { id } }", "MAX_DEPTH_LIMIT")
        .await;
    check(|limits| limits.max_aliases = 1, "{ me { a: id ...F } } fragment F on User { b: id }", "MAX_ALIASES_LIMIT")
        .await;
    check(|limits| limits.max_root_fields = 2, "{ a: me { id } b: me { id } c: me { id } }", "MAX_ROOT_FIELDS_LIMIT")
        .await;
    check(
        |limits| limits.max_directives = 1,
        "{ me { id @skip(if: false) name @skip(if: false) } }",
        "MAX_DIRECTIVES_LIMIT",
    )
    .await;
    check(|limits| limits.max_fields = 3, "{ me { id name orders { id total } } }", "MAX_FIELDS_LIMIT").await;
    check(
        |_| {},
        "{ __schema { types { fields { args { type { fields { args { name } } } } } } } }",
        "MAX_INTROSPECTION_DEPTH_LIMIT",
    )
    .await;
    check(|limits| limits.planning_budget = 1, "{ me { orders { id } } }", "QUERY_PLANNING_TOO_COMPLEX").await;
}

/// Sends a query that well-behaved subgraphs answer.
async fn check_answer(configure: impl FnOnce(&mut Config), code: &str) {
    let (router, _users, _orders) = router(configure).await;
    let answer = router.query("{ me { name } }").await;
    assert_eq!((answer.status, answer.code().as_str()), (200, code), "{}", answer.text());
    assert_eq!(router.metric(&format!("braid_limits_hit_total{{code=\"{code}\"}}")).await, 1.0);
}

#[tokio::test]
async fn limits_of_responses() {
    check_answer(|config| config.limits.max_request_memory = ByteSize(16), "REQUEST_MEMORY_LIMIT_EXCEEDED").await;
    check_answer(|config| config.limits.max_response_bytes = ByteSize(16), "RESPONSE_TOO_LARGE").await;
    check_answer(|config| config.traffic.all.max_response_bytes = Some(ByteSize(16)), "SUBREQUEST_RESPONSE_TOO_LARGE")
        .await;
    check_answer(|config| config.traffic.all.max_concurrent_requests = Some(0), "SUBREQUEST_OVERLOADED").await;
}

#[tokio::test]
async fn the_number_of_errors_is_bounded() {
    const FAILS: &str = r#"{"data":null,"errors":[{"message":"a"},{"message":"b"},{"message":"c"}]}"#;
    let users = Subgraph::json(|_| FAILS.to_owned()).await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
        config.limits.max_errors = 2;
    })
    .await;
    let answer = router.query("{ me { name } }").await.json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(3), "{answer}");
    assert_eq!(answer["errors"][2]["extensions"]["code"], "TOO_MANY_ERRORS", "{answer}");
    assert_eq!(router.metric("braid_limits_hit_total{code=\"TOO_MANY_ERRORS\"}").await, 1.0);
}

#[tokio::test]
async fn the_nesting_of_answers_is_bounded() {
    let deep = format!("{{\"data\":{{\"me\":{{\"name\":{}1{}}}}}}}", "[".repeat(9), "]".repeat(9));
    let users = Subgraph::json(move |_| deep.clone()).await;
    for (max_nesting, code) in [(8, "SUBREQUEST_RESPONSE_TOO_DEEP"), (9, "SUBREQUEST_INVALID_VALUE")] {
        let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
            config.limits.max_nesting = max_nesting;
        })
        .await;
        assert_eq!(router.query("{ me { name } }").await.code(), code);
        if code.ends_with("TOO_DEEP") {
            assert_eq!(router.metric(&format!("braid_limits_hit_total{{code=\"{code}\"}}")).await, 1.0);
        }
    }
}

/// The time to compile several operations concurrently, and the sum of the time of each.
async fn compile_at_once(max_concurrent_planning: usize) -> (Duration, Duration) {
    let (router, _users, _orders) = router(|config| {
        config.limits.max_concurrent_planning = max_concurrent_planning;
    })
    .await;
    let version = router.front.current();
    let texts: Vec<String> = (0..8)
        .map(|at| {
            let fields: String =
                (0..150).map(|field| format!("a{at}_{field}: me {{ name orders {{ id }} }} ")).collect();
            format!("\"{{ {fields} }}\"")
        })
        .collect();
    let requests: Vec<_> =
        texts.iter().map(|text| GraphQLRequest { query: Some(text.into()), ..GraphQLRequest::default() }).collect();
    let began = Instant::now();
    let compiled =
        futures_util::future::join_all(requests.iter().map(|request| version.gateway.prepare(request))).await;
    let all = began.elapsed();
    let each = compiled.into_iter().map(|compiled| compiled.unwrap().0);
    let each = each.inspect(|operation| assert!(operation.result.is_ok())).map(|operation| operation.took);
    (all, each.sum())
}

#[tokio::test]
async fn the_number_of_operations_planned_at_once_is_limited() {
    let (all, each) = compile_at_once(1).await;
    assert!(all >= each, "one after the other: {all:?} for {each:?}");
    let (all, each) = compile_at_once(8).await;
    assert!(all < each, "at the same time: {all:?} for {each:?}");
}

#[tokio::test]
async fn the_time_of_a_request_is_bounded() {
    let users = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        Vec::new()
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
        config.server.request_timeout = braid_settings::Duration::millis(200);
    })
    .await;
    let answer = router.query("{ me { name } }").await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "GATEWAY_TIMEOUT"), "{}", answer.text());
    assert_eq!(answer.json().get("data"), None, "{}", answer.text());
    assert_eq!(router.metric("braid_limits_hit_total{code=\"GATEWAY_TIMEOUT\"}").await, 1.0);
}

#[tokio::test]
async fn introspection_can_be_switched_off() {
    let (router, _users, _orders) = router(|config| config.exposure.introspection = false).await;
    assert_eq!(router.query("{ __schema { queryType { name } } }").await.code(), "INTROSPECTION_DISABLED");
    assert_eq!(router.query("{ __typename }").await.json()["data"]["__typename"], "Query");
    assert!(!router.query("{ mee }").await.text().contains("Did you mean"));
}

#[tokio::test]
async fn errors_for_unknown_names_have_suggestions() {
    let (router, _users, _orders) = router(|config| config.exposure.introspection = true).await;
    let answer = router.query("{ mee }").await;
    let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with(" Did you mean \"me\"?"), "{message}");
}
