//! Where clients must say who they are, anonymous ones may ask for the exceptions, and for nothing beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is its report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::config::AnonymousConfig;
use braid_gateway::refusal::{Refusal, RefusalStatus};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, GatewayConfig, GatewayError, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::{CredentialKind, Identity, Principal};
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::StatusCode;

const SHOP: &str = "type Query { health: String  orders: [String] }  type Mutation { login: String  pay: String }";

/// Answers with null, and counts.
#[derive(Debug, Default)]
struct Shop(AtomicUsize);

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        _: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let body = Bytes::from_static(br#"{"data":{"health":"ok","login":"ok"}}"#);
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }
}

fn gateway(introspection: bool, fields: &[&str]) -> Result<Arc<Gateway<Shop>>, GatewayError> {
    let shop = SubgraphSdl { name: "shop".to_owned(), sdl: SHOP.to_owned(), ..SubgraphSdl::default() };
    let composed = compose(&[shop]).result.expect("the subgraph composes");
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    let mut config =
        GatewayConfig { anonymous: Some(AnonymousConfig { introspection, fields }), ..GatewayConfig::default() };
    config.exposure.introspection = true;
    Gateway::new(supergraph, Shop::default(), &config, &Arc::new(Metrics::default())).map(Arc::new)
}

async fn ask(gateway: &Arc<Gateway<Shop>>, query: &str, identity: Identity) -> Result<Executed, Refusal> {
    let (head, ()) = http::Request::new(()).into_parts();
    let mut context = gateway.context(head, None, Duration::from_secs(60));
    context.identity = identity;
    let query = Some(serde_json::to_string(query).unwrap().into());
    let request = GraphQLRequest { query, ..GraphQLRequest::default() };
    answer(gateway, &request, &Arc::new(context), Accepts::WHOLE).await?.executed()
}

fn somebody() -> Identity {
    let claims = serde_json::Map::new();
    Identity::Known(Arc::new(Principal { claims, source: "test".into(), kind: CredentialKind::Jwt, expires: None }))
}

async fn refuses(gateway: &Arc<Gateway<Shop>>, query: &str) {
    let asked = gateway.subgraphs.0.load(Ordering::Relaxed);
    let refusal = ask(gateway, query, Identity::Anonymous).await.unwrap_err();
    assert_eq!(refusal.errors[0].code(), Some("UNAUTHENTICATED"), "{query}");
    assert_eq!(refusal.status, RefusalStatus::Fixed(StatusCode::UNAUTHORIZED));
    assert_eq!(refusal.challenge.unwrap(), "Bearer");
    assert_eq!(gateway.subgraphs.0.load(Ordering::Relaxed), asked, "{query}");
}

#[tokio::test]
async fn anonymous_clients_may_ask_for_exceptions_alone() {
    let gateway = gateway(false, &["Query.health", "Mutation.login"]).unwrap();
    for query in [
        "{ health }",
        "{ __typename h: health }",
        "mutation { login }",
        "{ ... on Query { ...f } } fragment f on Query { health }",
    ] {
        assert!(ask(&gateway, query, Identity::Anonymous).await.is_ok(), "{query}");
    }
    for query in [
        "{ orders }",
        "{ health orders }",
        "{ health: orders }",
        "{ ...f } fragment f on Query { orders health }",
        "query($no: Boolean = false) { health orders @include(if: $no) }",
        "mutation { pay }",
        "{ __schema { types { name } } }",
        "query health { orders }",
    ] {
        refuses(&gateway, query).await;
        // Whoever says who they are may, and what they have compiled opens nothing.
        assert!(ask(&gateway, query, somebody()).await.is_ok(), "{query}");
        assert!(ask(&gateway, query, somebody()).await.unwrap().cached, "{query}");
        refuses(&gateway, query).await;
    }
    // What is wrong is said to everybody alike.
    let refusal = ask(&gateway, "{ none }", Identity::Anonymous).await.unwrap_err();
    assert_eq!(refusal.errors[0].code(), Some("GRAPHQL_VALIDATION_FAILED"));
}

#[tokio::test]
async fn introspection_can_be_an_exception() {
    let gateway = gateway(true, &[]).unwrap();
    assert!(ask(&gateway, "{ __schema { types { name } } }", Identity::Anonymous).await.is_ok());
    refuses(&gateway, "{ __schema { types { name } } orders }").await;
}

#[test]
fn exceptions_are_root_fields() {
    for field in ["Query.none", "health", "String.length", "Query."] {
        let error = gateway(false, &[field]).unwrap_err().to_string();
        assert!(error.contains(&format!("\"{field}\" is not a field of a root type")), "{error}");
    }
}
