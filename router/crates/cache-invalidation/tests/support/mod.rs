//! A store and a supergraph to invalidate in, and a client.
#![allow(dead_code, reason = "each test uses its part")]

use std::net::SocketAddr;
use std::sync::Arc;

use braid_cache_invalidation::config::InvalidationConfig;
use braid_cache_invalidation::{Target, Targets, Ways};
use braid_cache_store::config::StoreConfig;
use braid_cache_store::{Invalidation, Position, Store};
use braid_composition::{SubgraphSdl, compose};
use braid_events::config::EventsConfig;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub struct Fixed(pub Target);

impl Targets for Fixed {
    fn current(&self) -> Option<Target> {
        Some(self.0.clone())
    }
}

const LINK: &str =
    "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\"])";

/// Two subgraphs, `a` and `b`.
pub fn target() -> Target {
    let subgraph = |name: &str, body: &str| SubgraphSdl {
        name: name.to_owned(),
        sdl: format!("{LINK} {body}"),
        ..SubgraphSdl::default()
    };
    let subgraphs = [
        subgraph(
            "a",
            "type Query { product(id: ID!): Product media: Media }
             type Product @key(fields: \"id\") @key(fields: \"sku maker { id }\") { id: ID! sku: ID! maker: Maker }
             type Maker { id: ID! }
             interface Media { title: String } type Book implements Media { title: String }
             type Film implements Media { title: String }",
        ),
        subgraph("b", "type Product @key(fields: \"id\") { id: ID! stock: Int }"),
    ];
    let composed = compose(&subgraphs).result.map_err(|errors| format!("{errors:?}")).unwrap();
    Target {
        store: Store::new(&StoreConfig::default(), &Arc::new(Metrics::default()), None).unwrap(),
        supergraph: Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap()),
    }
}

/// The last invalidation of what this one is about.
pub fn last_of(target: &Target, invalidation: &Invalidation) -> Position {
    target.store.invalidations.last_of(invalidation.tags().unwrap())
}

pub fn entity(subgraph: Option<&str>, ty: &str, key: serde_json::Value) -> Invalidation {
    let serde_json::Value::Object(key) = key else { unreachable!() };
    Invalidation::Entity { subgraph: subgraph.map(str::to_owned), ty: ty.to_owned(), key }
}

pub fn config(secret: Option<&str>) -> InvalidationConfig {
    InvalidationConfig {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        secret: secret.map(|secret| braid_settings::Secret(secret.to_owned())),
        ..InvalidationConfig::default()
    }
}

pub async fn ways(config: &InvalidationConfig, target: &Target) -> (Ways, SocketAddr) {
    let ways = Ways::new(Arc::new(Fixed(target.clone())), Arc::new(Metrics::default()));
    ways.follow(Some(config), &EventsConfig::default(), None).await.unwrap();
    let address = ways.address().await.unwrap();
    (ways, address)
}

/// Sends a request as it is written, and returns all of the response.
pub async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

/// Posts JSON. Returns the status and the body of the response.
pub async fn post(address: SocketAddr, headers: &str, body: &str) -> (u16, serde_json::Value) {
    let length = body.len();
    let response = raw(
        address,
        &format!(
            "POST /invalidation HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        ),
    )
    .await;
    let status = response.get(9..12).and_then(|status| status.parse().ok()).unwrap();
    let body = response.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap())
}
