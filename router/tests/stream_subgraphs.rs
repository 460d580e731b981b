//! Subscriptions at subgraphs that others made, each over its protocols: graphql-yoga, Apollo Server with graphql-ws, Apollo Server that
//! calls the router (`npm ci` in `tests/stream-subgraphs`), and async-graphql with axum.
//!
//! With `STREAM_SUBGRAPHS=required`, the test fails when those of npm are not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;

#[path = "stream-subgraphs/async_graphql.rs"]
mod async_graphql;
mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid::assemble::{self, Front, Subgraphs, Version};
use braid::config::Config;
use braid_composition::{SubgraphSdl, compose};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::{EndCause, Event, EventStream};
use braid_gateway::{Accepts, Answer, Gateway, Subscriptions, answer};
use braid_settings::from_yaml;
use braid_telemetry::metrics::Metrics;
use futures_util::StreamExt;
use http::HeaderMap;
use support::tls;
use tokio::net::TcpListener;

const SDL: &str = "
    type Query { open: Int! }
    type Subscription { counted(to: Int!): Int! ticks: Int! seen: String refused: Int }
";

/// A subgraph of npm, until it is dropped.
struct Peer {
    kind: &'static str,
    port: u16,
    node: Child,
}

impl Peer {
    fn start(kind: &'static str, port: u16) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stream-subgraphs");
        let mut node = Command::new("node")
            .args(["subgraph.mjs", kind, &port.to_string()])
            .current_dir(folder)
            // graphql-yoga sends heartbeats more often.
            .env("NODE_ENV", "test")
            .stdout(Stdio::piped())
            .spawn()
            .expect("node can be run");
        let mut line = String::new();
        BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{kind} says: {line}"));
        Self { kind, port, node }
    }

    /// Ends it at once, and starts it again at the same port.
    fn restart(mut self) -> Self {
        self.end();
        Self::start(self.kind, self.port)
    }

    fn end(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.node.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
    }
}

/// A router of one subgraph, whose subscriptions are opened without a client's protocol.
struct Router {
    gateway: Arc<Gateway<Subgraphs>>,
    subscriptions: Subscriptions<Subgraphs>,
    front: Arc<Front>,
    config: Config,
    supergraph: String,
    metrics: Arc<Metrics>,
}

impl Router {
    /// `protocol`: that of subscriptions at the subgraph.
    async fn start(port: u16, protocol: &str) -> Self {
        Self::with_traffic(&format!("http://127.0.0.1:{port}/graphql"), protocol, "").await
    }

    /// `traffic`: further options of the subgraph, each before a comma.
    async fn with_traffic(url: &str, protocol: &str, traffic: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}/callback", listener.local_addr().unwrap());
        let traffic = format!(
            "subgraphs: {{ streams: {{ {traffic} url: \"{url}\", subscriptions: {{ protocol: {protocol}, \
             ping_interval: 500ms, dead_after: 2s, reconnect: {{ min_delay: 100ms, max_delay: 300ms }}, \
             callback: {{ public_url: \"{public_url}\", heartbeat: 100ms }} }} }} }}"
        );
        let mut config = Config { traffic: from_yaml(&traffic).unwrap(), ..Config::default() };
        config.traffic.check().unwrap();
        config.headers = from_yaml("all: { request: [{ propagate: { name: x-user } }] }").unwrap();
        config.telemetry.access_log.enabled = false;
        config.subscriptions.reload_spread = braid_settings::Duration(Duration::ZERO);
        let subgraph = SubgraphSdl { name: "streams".to_owned(), sdl: SDL.to_owned(), ..SubgraphSdl::default() };
        let supergraph = compose(&[subgraph]).result.unwrap().supergraph_sdl;
        let metrics = Arc::new(Metrics::default());
        let version: Version = assemble::version(&config, &supergraph, None, &metrics, None).unwrap();
        let gateway = version.gateway.clone();
        let front = Arc::new(assemble::front(&config, version, metrics.clone()).unwrap());
        tokio::spawn(assemble::serve(listener, front.clone(), Box::pin(std::future::pending())));
        Self { subscriptions: Subscriptions::new(gateway.clone()), gateway, front, config, supergraph, metrics }
    }

    /// Takes a new version up, in which the subgraph is set up in this way.
    fn reload(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        let previous = self.front.current();
        let version = assemble::version(&self.config, &self.supergraph, None, &self.metrics, Some(&previous)).unwrap();
        self.gateway = version.gateway.clone();
        self.subscriptions.swap(self.gateway.clone());
        self.front.swap(version);
    }

    /// The number of connections for events that were opened.
    fn opened(&self) -> String {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with("braid_subgraph_stream_connections_opened_total"));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    }

    async fn answer(&self, query: &str) -> Answer {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.headers = HeaderMap::from_iter([("x-user".parse().unwrap(), "ada".parse().unwrap())]);
        let context = Arc::new(self.gateway.context(head, None, Duration::from_secs(60)));
        let query = Some(serde_json::to_string(query).unwrap().into());
        let request = GraphQLRequest { query, ..GraphQLRequest::default() };
        answer(&self.gateway, &request, &context, Accepts::ALL).await.unwrap()
    }

    async fn subscribe(&self, query: &str) -> EventStream {
        match self.answer(query).await {
            Answer::Subscription(subscription) => self.subscriptions.open(&self.gateway, *subscription).unwrap(),
            Answer::Incremental(_) => panic!("in parts"),
            Answer::Executed(executed) => panic!("{executed:?}"),
        }
    }

    async fn query(&self, query: &str) -> String {
        let executed = self.answer(query).await.executed().unwrap();
        String::from_utf8(executed.response.bytes.to_vec()).unwrap()
    }
}

/// The next event as text, or why there is none.
async fn next(events: &mut EventStream) -> String {
    match tokio::time::timeout(Duration::from_secs(20), events.next()).await.expect("an event in time") {
        Some(Event::Next(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
        Some(Event::Ended(ended)) if ended.cause == EndCause::Completed => "END".to_owned(),
        Some(Event::Ended(ended)) => panic!("{ended:?}"),
        None => panic!("nothing comes after the end"),
    }
}

/// The next event is a tick, after a gap or not.
async fn tick(events: &mut EventStream, has_gap: bool) {
    let text = next(events).await;
    assert!(text.starts_with(r#"{"data":{"ticks":"#), "{text}");
    assert_eq!(text.contains(r#""gap":true"#), has_gap, "{text}");
}

/// What a subgraph does while all is well.
async fn all_is_well(router: &Router, what: &str) {
    let mut events = router.subscribe("subscription { counted(to: 3) }").await;
    for expected in [1, 2, 3] {
        assert_eq!(next(&mut events).await, format!(r#"{{"data":{{"counted":{expected}}}}}"#), "{what}");
    }
    assert_eq!(next(&mut events).await, "END", "{what}");
    let mut events = router.subscribe("subscription { seen }").await;
    assert_eq!(next(&mut events).await, r#"{"data":{"seen":"ada"}}"#, "{what}");
    // A refusal is told, in whichever form it comes.
    let mut events = router.subscribe("subscription { refused }").await;
    let refusal = next(&mut events).await;
    assert!(refusal.contains("errors"), "{what}: {refusal}");
    assert_eq!(next(&mut events).await, "END", "{what}");
    // One that is dropped ends at the subgraph.
    let mut events = router.subscribe("subscription { ticks }").await;
    tick(&mut events, false).await;
    are_open(router, 1, what).await;
    drop(events);
    are_open(router, 0, what).await;
}

/// So many subscriptions are open at the subgraph, soon.
async fn are_open(router: &Router, expected: usize, what: &str) {
    let expected = format!(r#"{{"data":{{"open":{expected}}}}}"#);
    for _ in 0..500 {
        if router.query("{ open }").await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: never {expected}");
}

/// A subgraph is frozen, and later killed: the subscription goes on after a gap.
async fn trouble(router: &Router, peer: Peer) -> Peer {
    let mut events = router.subscribe("subscription { ticks }").await;
    tick(&mut events, false).await;
    // Long enough for heartbeats to be known.
    let until = Instant::now() + Duration::from_millis(1_000);
    while Instant::now() < until {
        tick(&mut events, false).await;
    }
    peer.signal("-STOP");
    let frozen = Instant::now();
    // What was on its way still comes.
    while let Ok(event) = tokio::time::timeout(Duration::from_millis(300), events.next()).await {
        assert!(matches!(event, Some(Event::Next(_))), "{event:?}");
    }
    tokio::time::sleep(Duration::from_millis(3_500).saturating_sub(frozen.elapsed())).await;
    peer.signal("-CONT");
    tick(&mut events, true).await;
    tick(&mut events, false).await;
    let peer = peer.restart();
    loop {
        let text = next(&mut events).await;
        if text.contains(r#""gap":true"#) {
            break;
        }
    }
    tick(&mut events, false).await;
    peer
}

fn is_installed() -> bool {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stream-subgraphs");
    node::is_installed(&folder, "STREAM_SUBGRAPHS")
}

async fn try_all(kind: &'static str, protocols: &[&str]) {
    if !is_installed() {
        return;
    }
    let mut peer = Peer::start(kind, 0);
    for protocol in protocols {
        let router = Router::start(peer.port, protocol).await;
        all_is_well(&router, &format!("{kind} {protocol}")).await;
        peer = trouble(&router, peer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_yoga() {
    try_all("yoga", &["sse", "auto"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_server_with_graphql_ws() {
    try_all("apollo-ws", &["websocket", "auto"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_server_that_calls() {
    try_all("apollo-callback", &["callback"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn async_graphql_with_axum() {
    let port = async_graphql::start().await;
    for protocol in ["websocket", "websocket_legacy", "multipart", "auto"] {
        let router = Router::start(port, protocol).await;
        all_is_well(&router, &format!("async-graphql {protocol}")).await;
    }
    // The same over HTTP/2; WebSockets are opened by HTTP/1.1 all the same.
    for protocol in ["websocket", "multipart"] {
        let router =
            Router::with_traffic(&format!("http://127.0.0.1:{port}/graphql"), protocol, "protocol: http2,").await;
        all_is_well(&router, &format!("async-graphql {protocol} over HTTP/2")).await;
    }
    // And over TLS, for clients with a certificate.
    let authority = tls::Authority::new();
    let (certificate, key) = authority.sign("router");
    let proxy = tls::before(([127, 0, 0, 1], port).into(), authority.server(true)).await;
    let authorities = authority.file("ca.pem");
    let tls = format!("tls: {{ authorities: {authorities:?}, certificate: {certificate:?}, key: {key:?} }},");
    for protocol in ["websocket", "multipart"] {
        let router = Router::with_traffic(&format!("https://{proxy}/graphql"), protocol, &tls).await;
        all_is_well(&router, &format!("async-graphql {protocol} over TLS")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_loses_no_event() {
    let port = async_graphql::start().await;
    for protocol in ["websocket", "multipart"] {
        let mut router = Router::start(port, protocol).await;
        let mut events = router.subscribe("subscription { ticks }").await;
        tick(&mut events, false).await;
        // The subgraph is set up in the same way: its connection is kept.
        router.reload(|config| config.limits.max_depth = 20);
        for _ in 0..10 {
            tick(&mut events, false).await;
        }
        assert_eq!(router.opened(), "1", "{protocol}");
        // In another way: it is asked anew before the old connection is let go.
        router.reload(|config| {
            config.traffic.subgraphs[0].subscriptions.as_mut().unwrap().buffer = 7;
        });
        for _ in 0..10 {
            tick(&mut events, false).await;
        }
        assert_eq!(router.opened(), "2", "{protocol}");
        drop(events);
        are_open(&router, 0, protocol).await;
    }
}
