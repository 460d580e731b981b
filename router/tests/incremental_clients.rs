//! Clients of the field that take answers in parts (`npm ci` in `tests/stream-clients`): Apollo Client in both formats, urql, and those that hand on
//! what comes over server-sent events and WebSockets. All must have the whole answer in the end, and hear of a part before.
//!
//! With `STREAM_CLIENTS=required`, the test fails when they are not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::{Gateway, GatewayConfig};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_server::config::ServerConfig;
use braid_server::{Front, Observers, Version};
use braid_supergraph::Supergraph;
use braid_telemetry::config::TelemetryConfig;
use pretty_assertions::assert_eq;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PRODUCTS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { product: Product products: [Product!] slow: String }
    type Product @key(fields: "id") { id: ID! name: String }
"#;

const REVIEWS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Product @key(fields: "id") { id: ID! reviews: [Review!] stars: Int! }
    type Review { text: String! }
"#;

/// Answers what is deferred after a while.
struct Shop;

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        let lookups = text.matches("{\"__typename\":\"Product\"").count();
        let entities = |entity: Value| json!({ "data": { "_entities": vec![entity; lookups] } });
        let (millis, answer) = match text.as_str() {
            text if text.contains("stars") => (40, entities(json!({ "stars": null }))),
            text if text.contains("reviews") => (60, entities(json!({ "reviews": [{ "text": "good" }] }))),
            text if text.contains("_entities") => (30, entities(json!({ "name": "Lamp" }))),
            text if text.contains("slow") => (80, json!({ "data": { "slow": "so slow" } })),
            text if text.contains("products") => (
                0,
                json!({ "data": { "products": [{ "__typename": "Product", "id": "1" }, { "__typename": "Product", "id": "2" }] } }),
            ),
            _ => (0, json!({ "data": { "product": { "__typename": "Product", "id": "1", "name": "Lamp" } } })),
        };
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(SubgraphResponse::new(200, answer.to_string().into(), SubgraphHeaders::default()))
    }
}

async fn router() -> String {
    let subgraphs = [("products", PRODUCTS), ("reviews", REVIEWS)].map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        sdl: sdl.to_owned(),
        ..SubgraphSdl::default()
    });
    let supergraph = Supergraph::read(&compose(&subgraphs).result.unwrap().supergraph_sdl).unwrap();
    let observers = Observers::default();
    let gateway = Gateway::new(Arc::new(supergraph), Shop, &GatewayConfig::default(), &observers.metrics).unwrap();
    let version = Version::new(gateway, ServerConfig::default(), TelemetryConfig::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(braid_server::serve(listener, Arc::new(Front::new(version, observers)), std::future::pending()));
    address
}

/// The response to a query, head included, as it is on the wire.
async fn post(address: &str, accept: &str, query: &str) -> String {
    let body = json!({ "query": query }).to_string();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: {accept}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_negotiated() {
    let address = router().await;
    let query = "{ product { id ... @defer(label: \"late\") { reviews { text } } } }";
    let newer = post(&address, "multipart/mixed;incrementalSpec=v0.2, application/json", query).await;
    assert!(newer.contains("content-type: multipart/mixed;boundary=\"graphql\";incrementalSpec=v0.2"), "{newer}");
    let parts = [
        r#"{"data":{"product":{"id":"1"}},"pending":[{"id":"0","path":["product"],"label":"late"}],"hasNext":true}"#,
        r#"{"incremental":[{"id":"0","data":{"reviews":[{"text":"good"}]}}],"completed":[{"id":"0"}],"hasNext":false}"#,
    ];
    assert!(parts.iter().all(|part| newer.contains(part)), "{newer}");
    // The last chunk ends the last boundary.
    assert!(newer.ends_with("\r\n4\r\n--\r\n\r\n0\r\n\r\n"), "{newer}");
    let older = post(&address, "multipart/mixed;deferSpec=20220824, application/json", query).await;
    assert!(older.contains("content-type: multipart/mixed;boundary=\"graphql\";deferSpec=20220824"), "{older}");
    let part =
        r#"{"incremental":[{"path":["product"],"label":"late","data":{"reviews":[{"text":"good"}]}}],"hasNext":false}"#;
    assert!(older.contains(r#"{"data":{"product":{"id":"1"}},"hasNext":true}"#) && older.contains(part), "{older}");
    let whole = post(&address, "application/json", query).await;
    assert!(whole.contains("content-type: application/json"), "{whole}");
    assert!(whole.ends_with(r#"{"data":{"product":{"id":"1","reviews":[{"text":"good"}]}}}"#), "{whole}");
    let events = post(&address, "text/event-stream", query).await;
    assert!(parts.iter().all(|part| events.contains(&format!("event: next\ndata: {part}\n\n"))), "{events}");
    // Nothing to put off is an answer like any other.
    let nothing = post(&address, "multipart/mixed;incrementalSpec=v0.2, application/json", "{ product { id } }").await;
    assert!(nothing.contains("content-type: application/json"), "{nothing}");
    let nothing = post(&address, "multipart/mixed;incrementalSpec=v0.2", "{ product { id } }").await;
    assert!(
        nothing.contains("incrementalSpec=v0.2") && nothing.contains(r#"{"data":{"product":{"id":"1"}}}"#),
        "{nothing}"
    );
    let introspected = post(&address, "application/json", "{ __schema { directives { name } } }").await;
    assert!(introspected.contains("\"defer\"") && introspected.contains("\"stream\""), "{introspected}");
}

#[derive(Debug, Deserialize)]
struct Ran {
    client: String,
    operation: String,
    heard: usize,
    data: Value,
    error: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_field_put_parts_together() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stream-clients");
    let question = json!({ "url": format!("http://{}/graphql", router().await) });
    let asked = || node::ask::<Vec<Ran>>(&folder, "STREAM_CLIENTS", "incremental.mjs", &question);
    let Some(all) = tokio::task::block_in_place(asked) else { return };
    assert_eq!(all.len(), 30);
    for ran in &all {
        let reviews = json!([{ "text": "good" }]);
        let expected = match ran.operation.as_str() {
            "deferred" => json!({ "product": { "id": "1", "name": "Lamp", "reviews": reviews }, "slow": "so slow" }),
            "nested" => json!({ "product": { "id": "1", "name": "Lamp", "reviews": reviews } }),
            "lists" => json!({ "products": [{ "id": "1", "name": "Lamp" }, { "id": "2", "name": "Lamp" }] }),
            "streamed" => json!({ "products": [{ "id": "1" }, { "id": "2" }] }),
            "failing" => json!({ "product": { "id": "1", "reviews": reviews } }),
            _ => json!({ "product": { "id": "1", "name": "Lamp" } }),
        };
        // It knows items by their path only, which is the older format.
        if (ran.client.as_str(), ran.operation.as_str()) == ("urql", "streamed") {
            continue;
        }
        let is_raw = ran.data.is_null();
        assert_eq!(is_raw, ran.client.starts_with("graphql-"), "{ran:?}");
        assert!(is_raw || without_typenames(ran.data.clone()) == expected, "{ran:?}");
        assert!(ran.heard > 1 || ran.operation == "whole", "{ran:?}");
        // Those that fail with a part show it; urql does not read the errors of a part that has ended.
        let fails = ran.operation == "failing" && ran.client.starts_with("Apollo");
        assert_eq!(ran.error.is_some(), fails, "{ran:?}");
    }
}

fn without_typenames(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.remove("__typename");
            fields.values_mut().for_each(|value| *value = without_typenames(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_typenames(item.take())),
        _ => {}
    }
    value
}
