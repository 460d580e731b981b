//! The id of a request: the same in the response, in the requests to subgraphs, and in what they say of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid::config::Config;
use braid_settings::from_yaml;
use serde_json::{Value, json};
use support::{ME, ORDERS, Subgraph, TestRouter, http, post, supergraph};

const QUERY: &str = r#"{"query":"{ me { name orders { id total } } }"}"#;
const THEIRS: &str = "x-request-id: theirs\r\n";

fn id_of(head: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-request-id").then(|| value.trim().to_owned())
    })
}

/// Sends a query. Returns the id in the response, and those in the requests to both subgraphs.
async fn ids(configure: impl FnOnce(&mut Config), headers: &str) -> (Option<String>, [Option<String>; 2]) {
    let (users, orders) = (Subgraph::json(|_| ME.to_owned()).await, Subgraph::json(|_| ORDERS.to_owned()).await);
    let to_subgraphs = |config: &mut Config| {
        config.telemetry.request_id.to_subgraphs = true;
        configure(config);
    };
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), to_subgraphs).await;
    let answer = router.send(&post(QUERY, headers)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = |subgraph: &Subgraph| id_of(&subgraph.seen.lock().unwrap()[0].head);
    (answer.header("x-request-id"), [seen(&users), seen(&orders)])
}

#[tokio::test]
async fn a_request_has_one_id_everywhere() {
    let (first, sent) = ids(|_| {}, "").await;
    let id = first.clone().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(sent, [first.clone(), first.clone()]);
    let (second, _) = ids(|_| {}, "").await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn what_a_client_sends_reaches_nobody_unless_that_is_said() {
    let (told, sent) = ids(|_| {}, THEIRS).await;
    assert!(told.as_deref() != Some("theirs") && sent == [told.clone(), told], "{sent:?}");
    let theirs = Some("theirs".to_owned());
    let (told, sent) = ids(|config| config.telemetry.request_id.from_client = true, THEIRS).await;
    assert_eq!((told, sent), (theirs.clone(), [theirs.clone(), theirs.clone()]));
    // A rule goes first, where it applies.
    let rule = "{ subgraphs: { orders: { request: [{ propagate: { name: x-request-id } }] } } }";
    let (told, [users, orders]) = ids(|config| config.headers = from_yaml(rule).unwrap(), THEIRS).await;
    assert_eq!((users, orders), (told, theirs));
    let (told, [_, orders]) = ids(|config| config.headers = from_yaml(rule).unwrap(), "").await;
    assert_eq!(told, orders, "a rule that finds nothing says nothing");
}

#[tokio::test]
async fn it_can_be_kept_from_both_sides_and_have_another_name() {
    let (told, sent) = ids(|config| config.telemetry.request_id.to_clients = false, "").await;
    assert!(told.is_none() && sent[0].is_some() && sent[0] == sent[1]);
    let (told, sent) = ids(|config| config.telemetry.request_id.to_subgraphs = false, "").await;
    assert!(told.is_some() && sent == [None, None]);
    let (told, sent) = ids(|config| config.telemetry.request_id.header = "x-trace".to_owned(), "").await;
    assert_eq!((told, sent), (None, [None, None]));
}

#[tokio::test]
async fn an_error_of_a_subgraph_can_name_it_also_in_streams_and_refusals() {
    let users = Subgraph::raw(|seen| async move {
        let id = id_of(&seen.head);
        let body = json!({ "errors": [{ "message": "see the log", "extensions": { "requestId": id } }] });
        http("200 OK", "application/json", body.to_string().as_bytes(), "")
    })
    .await;
    let orders = Subgraph::json(|_| ORDERS.to_owned()).await;
    let for_development = |config: &mut Config| {
        config.telemetry.request_id.to_subgraphs = true;
        config.for_development();
    };
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), for_development).await;
    let answer = router.send(&post(QUERY, "")).await;
    let named = answer.json()["errors"][0]["extensions"]["requestId"].clone();
    assert_eq!(named, Value::from(answer.header("x-request-id").unwrap()), "{}", answer.text());
    let deferred = json!({ "query": "{ me { name ... @defer { orders { id } } } }" }).to_string();
    for (body, headers) in [(deferred.as_str(), "accept: text/event-stream\r\n"), ("{", ""), ("[{},{}]", "")] {
        let answer = router.send(&post(body, headers)).await;
        assert!(answer.header("x-request-id").is_some(), "{body}: {}", answer.head);
    }
}
