//! Clients of the field that subscribe (`npm ci` in `tests/stream-clients`): over WebSockets of both subprotocols, server-sent events and
//! parts. Each gets several events and the end of them, a failure after the first, a refusal, and the answer to a query.
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
use braid_executor::{
    SubgraphError, SubgraphErrorKind, SubgraphEvent, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService,
};
use braid_gateway::{Gateway, GatewayConfig};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_server::config::ServerConfig;
use braid_server::{Front, Observers, Version};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::config::TelemetryConfig;
use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

const SDL: &str = "
    type Query { product: Product }
    type Subscription { counted: Product failing: Product }
    type Product { name: String }
";

/// Counts to three, or fails after one.
struct Counter;

impl SubgraphService for Counter {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        _: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let body = json!({ "data": { "product": { "name": "0" } } }).to_string().into();
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }

    async fn subscribe(&self, request: SubgraphRequest, _: &SubgraphContext) -> Result<SubgraphEvents, SubgraphError> {
        let fails = request.body.windows(7).any(|word| word == b"failing");
        let field = if fails { "failing" } else { "counted" };
        let next = |number: u32| {
            SubgraphEvent::Next(json!({ "data": { (field): { "name": number.to_string() } } }).to_string().into())
        };
        let (kind, message) = (SubgraphErrorKind::Transport, "the subgraph broke".to_owned());
        let failed = SubgraphEvent::Failed(SubgraphError { kind, message, retryable: true });
        let events = if fails { vec![next(1), failed] } else { Vec::from([1, 2, 3].map(next)) };
        Ok(Box::pin(futures_util::stream::iter(events).then(|event| async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            event
        })))
    }

    fn seen_of(&self, _: SubgraphId, _: &SubgraphContext) -> Option<Vec<u8>> {
        None
    }
}

#[derive(Debug, Deserialize)]
struct Ran {
    client: String,
    operation: String,
    events: Vec<String>,
    end: String,
    error: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_field_get_events() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stream-clients");
    let subgraph = SubgraphSdl { name: "counter".to_owned(), sdl: SDL.to_owned(), ..SubgraphSdl::default() };
    let supergraph_sdl = compose(&[subgraph]).result.unwrap().supergraph_sdl;
    let supergraph = Arc::new(Supergraph::read(&supergraph_sdl).unwrap());
    let observers = Observers::default();
    let gateway = Gateway::new(supergraph, Counter, &GatewayConfig::default(), &observers.metrics).unwrap();
    let version = Version::new(gateway, ServerConfig::default(), TelemetryConfig::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(braid_server::serve(listener, Arc::new(Front::new(version, observers)), std::future::pending()));

    let question = json!({ "url": url, "token": "none" });
    let asked = || node::ask::<Vec<Ran>>(&folder, "STREAM_CLIENTS", "clients.mjs", &question);
    let Some(all) = tokio::task::block_in_place(asked) else { return };
    let clients = all.iter().map(|ran| ran.client.as_str()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(clients.len(), 7, "{clients:?}");
    for ran in &all {
        let Ran { client, operation, events, end, error } = ran;
        let (expected, code): (&[&str], _) = match operation.as_str() {
            "events" => (&["1", "2", "3"], None),
            "failing" => (&["1"], Some("SUBREQUEST_HTTP_ERROR")),
            "invalid" => (&[], Some("GRAPHQL_VALIDATION_FAILED")),
            _ => (&["0"], None),
        };
        assert_eq!(
            (events.as_slice(), error.as_deref()),
            (&expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..], code),
            "{client}: {operation}: {ran:?}"
        );
        let ends: &[&str] = if code.is_some() { &["complete", "error"] } else { &["complete"] };
        assert!(ends.contains(&end.as_str()), "{client}: {operation}: {ran:?}");
    }
}
