//! Changes of schema and configuration while requests run.
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

use braid::reload::{Blueprint, keep_current};
use braid::router::Router;
use braid::telemetry::metrics::Metrics;
use support::{exchange, good_subgraphs, post, supergraph};
use tokio::net::TcpListener;

const OLD: &str = r#"{"query":"{ me { name } }"}"#;
const NEW: &str = r#"{"query":"{ me { nick } }"}"#;

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never happened: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_schema_is_taken_up_and_a_bad_one_is_not() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("supergraph.graphql");
    let sdl = supergraph(&users.url(), &orders.url());
    std::fs::write(&file, &sdl).unwrap();

    let config = folder.path().join("router.yaml");
    std::fs::write(
        &config,
        "{ schema: { supergraph: supergraph.graphql }, telemetry: { access_log: { enabled: false } } }",
    )
    .unwrap();
    let blueprint = Blueprint { config_file: Some(config), ..Blueprint::default() };
    let metrics = Arc::new(Metrics::default());
    let (version, origins) = blueprint.first(&metrics).await.unwrap();
    let router = Arc::new(Router::new(version));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(braid::server::serve(listener, router.clone(), std::future::pending()));
    tokio::spawn(keep_current(router.clone(), blueprint, origins));
    let ask = async |body: &str| exchange(address, &post(body, "")).await;

    assert_eq!(ask(OLD).await.json()["data"]["me"]["name"], "Ada");
    assert_eq!(ask(NEW).await.code(), "GRAPHQL_VALIDATION_FAILED");
    let kept = router.current();

    // Requests go on all the while; not one fails.
    let asking = tokio::spawn(async move {
        let mut asked = 0;
        loop {
            let answer = exchange(address, &post(OLD, "")).await;
            assert_eq!(answer.json()["data"]["me"]["name"], "Ada");
            asked += 1;
            if asked > 60 {
                return;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let field = "name: String @join__field(graph: USERS)";
    std::fs::write(&file, sdl.replace(field, &format!("{field} nick: String @join__field(graph: USERS)"))).unwrap();
    until("the new field is known", async || ask(NEW).await.json()["errors"].is_null()).await;
    asking.await.unwrap();

    let newer = router.current();
    assert!(!Arc::ptr_eq(&kept, &newer));
    let request = braid::request::GraphQLRequest::from_json(OLD.as_bytes()).unwrap();
    assert!(newer.operations.hit(&request).is_some(), "the cache was warmed");

    std::fs::write(&file, "type Query { broken").unwrap();
    until("the failure is counted", async || {
        metrics.encode().contains("braid_schema_reloads_total{outcome=\"Failed\"} 1")
    })
    .await;
    assert!(Arc::ptr_eq(&newer, &router.current()), "the last good version stays");
    assert!(ask(NEW).await.json()["errors"].is_null());
}

#[tokio::test]
async fn settings_that_name_no_subgraph_are_refused() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.graphql"), supergraph(&users.url(), &orders.url())).unwrap();
    let config = folder.path().join("router.yaml");
    std::fs::write(&config, "schema: { supergraph: s.graphql }\ntraffic: { subgraphs: { usres: { timeout: 1s } } }\n")
        .unwrap();
    let blueprint = Blueprint { config_file: Some(config), ..Blueprint::default() };
    let error = blueprint.first(&Arc::new(Metrics::default())).await.unwrap_err();
    assert!(error.to_string().contains("\"usres\""), "{error}");
}
