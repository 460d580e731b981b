//! Routers that share over Redis which operations are used most. The server is that of `REDIS_URL`; without it, what needs it is skipped,
//! unless `CI` is set.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid::reload::{Blueprint, keep_current};
use braid::{assemble, invalidation};
use braid_telemetry::metrics::Metrics;
use serde_json::json;
use support::{Subgraph, exchange, post};
use tokio::net::TcpListener;

const PRODUCTS: &str = "type Query { products: [Product] } type Product { sku: ID! name: String }";

/// A router with a configuration file, as `braid serve` starts it.
struct Router {
    address: std::net::SocketAddr,
    metrics: Arc<Metrics>,
    folder: tempfile::TempDir,
    took: Duration,
    reloading: tokio::task::JoinHandle<()>,
}

impl Router {
    async fn start(subgraph: &Subgraph, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("products.graphql", PRODUCTS);
        write(
            "supergraph.yaml",
            &format!(
                "federation_version: =2.9\nsubgraphs:\n  products:\n    routing_url: http://{}/graphql\n    schema: {{ file: products.graphql }}\n",
                subgraph.address
            ),
        );
        write(
            "router.yaml",
            &format!("schema: {{ subgraphs: supergraph.yaml }}\nreload:\n  shared_operations: {{ {options} }}\n"),
        );
        let blueprint = Blueprint { config_file: Some(folder.path().join("router.yaml")), ..Blueprint::default() };
        let metrics = Arc::new(Metrics::default());
        let began = Instant::now();
        let (version, origins) = blueprint.first(&metrics).await.unwrap();
        let took = began.elapsed();
        let front = Arc::new(assemble::front(&origins.config, version, metrics.clone()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(braid_server::serve(listener, front.clone(), std::future::pending()));
        let ways = invalidation::ways(&front);
        let reloading = tokio::spawn(keep_current(front, ways, blueprint, origins));
        Self { address, metrics, folder, took, reloading }
    }

    async fn ask(&self, query: &str, name: Option<&str>) {
        let body = json!({ "query": query, "operationName": name }).to_string();
        let answer = exchange(self.address, &post(&body, "")).await;
        assert_eq!(answer.json()["data"]["products"].as_array().map(Vec::len), Some(1), "{}", answer.text());
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.encode();
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {name}"))
    }

    fn hits_and_misses(&self) -> (f64, f64) {
        (self.metric("braid_operation_cache_hits_total "), self.metric("braid_operation_cache_misses_total "))
    }
}

fn redis_url() -> Option<String> {
    let url = std::env::var("REDIS_URL").ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "set REDIS_URL to the address of a Redis server");
    if url.is_none() {
        eprintln!("skipped: REDIS_URL is not set");
    }
    url
}

fn prefix(test: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("braid-test:{test}:{}:", now.as_nanos())
}

async fn subgraph() -> Subgraph {
    Subgraph::json(|_| json!({ "data": { "products": [{ "sku": "1", "name": "Lamp" }] } }).to_string()).await
}

async fn texts(connection: &mut redis::aio::MultiplexedConnection, prefix: &str) -> Vec<String> {
    redis::cmd("KEYS").arg(format!("{prefix}text:*")).query_async(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_router_has_what_another_one_was_asked() {
    let Some(url) = redis_url() else { return };
    let (prefix, subgraph) = (prefix("popular"), subgraph().await);
    let options = format!("url: \"{url}\", prefix: \"{prefix}\", every: 100ms, most: 3");
    let first = Router::start(&subgraph, &options).await;
    let (all, named) =
        ("{ products { sku name } }", "query Names { products { name } } query Skus { products { sku } }");
    for _ in 0..5 {
        first.ask(all, None).await;
        first.ask(named, Some("Names")).await;
    }
    // What can't be executed is not shared.
    let refused = json!({ "query": "{ nothing }" }).to_string();
    exchange(first.address, &post(&refused, "")).await;
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let began = Instant::now();
    while texts(&mut connection, &prefix).await.len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(10), "nothing is shared");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(texts(&mut connection, &prefix).await.len(), 2);

    let second = Router::start(&subgraph, &options).await;
    let (hits, misses) = second.hits_and_misses();
    assert_eq!((hits, misses), (0.0, 2.0));
    second.ask(all, None).await;
    second.ask(named, Some("Names")).await;
    assert_eq!(second.hits_and_misses(), (2.0, 2.0));
    second.ask(named, Some("Skus")).await;
    assert_eq!(second.hits_and_misses(), (2.0, 3.0));

    // What nobody can understand does no harm, and another schema compiles what it can.
    let today: Vec<String> =
        redis::cmd("KEYS").arg(format!("{prefix}uses:*")).query_async(&mut connection).await.unwrap();
    for (id, text) in [("a", "nonsense"), ("b", "[\"{ gone }\",null]")] {
        let set = redis::cmd("SET").arg(format!("{prefix}text:{id}")).arg(text).clone();
        set.query_async::<()>(&mut connection).await.unwrap();
        let add = redis::cmd("ZADD").arg(&today[0]).arg(1_000_000).arg(id).clone();
        add.query_async::<()>(&mut connection).await.unwrap();
    }
    let third = Router::start(&subgraph, &options.replace("most: 3", "most: 10")).await;
    third.ask(all, None).await;
    assert_eq!(third.hits_and_misses().0, 1.0);
    for router in [&first, &second, &third] {
        router.reloading.abort();
        assert!(router.folder.path().exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_router_starts_cold_and_in_time() {
    let subgraph = subgraph().await;
    let router = Router::start(&subgraph, "url: \"redis://127.0.0.1:1\", every: 100ms, timeout: 200ms").await;
    assert!(router.took < Duration::from_secs(10), "{:?}", router.took);
    router.ask("{ products { sku } }", None).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    router.ask("{ products { sku } }", None).await;
    assert_eq!(router.hits_and_misses(), (1.0, 1.0));
    assert!(Path::new(router.folder.path()).exists());
}
