//! Certificates that are renewed while the router runs, on both sides: for clients, subgraphs, schema polling and the collector.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use braid_telemetry::metrics::Metrics;
use support::tls::{Authority, before, chain};
use support::{Following, ME, Subgraph, exchange, follow, good_subgraphs, post, reloads, supergraph, until};

const QUERY: &str = r#"{"query":"{ me { name } }"}"#;
const SDL: &str = "type Query { me: User } type User @key(fields: \"id\") { id: ID! name: String }";

/// A router that reloads its configuration.
struct Current {
    folder: tempfile::TempDir,
    address: SocketAddr,
    metrics: Arc<Metrics>,
}

impl Current {
    /// `files` are written into the folder of `router.yaml`, whose content is `config`.
    async fn start(files: &[(&str, &str)], config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let file = folder.path().join("router.yaml");
        std::fs::write(&file, config).unwrap();
        let Following { address, metrics, .. } = follow(file).await.unwrap();
        Self { folder, address, metrics }
    }

    fn failures(&self) -> usize {
        self.reloads("Failed")
    }

    fn reloads(&self, outcome: &str) -> usize {
        reloads(&self.metrics, outcome)
    }

    async fn gets_the_name(&self) -> bool {
        let answer = exchange(self.address, &post(QUERY, "")).await;
        answer.json()["data"]["me"]["name"] == "Ada"
    }
}

/// The certificate that a server presents in a new handshake.
async fn shown(address: SocketAddr, authority: &Authority) -> Vec<u8> {
    let stream = authority.connect(address, None, b"http/1.1").await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_handshake_has_the_new_certificate_and_an_invalid_one_is_not_used() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("server");
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let config = format!(
        "schema: {{ supergraph: s.graphql }}\nserver: {{ tls: {{ certificate: \"{certificate}\", key: \"{key}\" }} }}"
    );
    let current = Current::start(&[("s.graphql", &sdl)], &config).await;
    let first = shown(current.address, &authority).await;
    assert_eq!(first, chain(&certificate)[0].to_vec());
    tokio::time::sleep(Duration::from_millis(300)).await;

    authority.sign("server");
    let second = chain(&certificate)[0].to_vec();
    assert_ne!(first, second);
    until("the new certificate is shown", async || shown(current.address, &authority).await == second).await;

    let failures = current.failures();
    std::fs::write(&certificate, "no certificate").unwrap();
    until("the failure is counted", async || current.failures() > failures).await;
    assert_eq!(shown(current.address, &authority).await, second, "the last good one stays");
    authority.sign("server");
    let third = chain(&certificate)[0].to_vec();
    until("the next one is shown", async || shown(current.address, &authority).await == third).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subgraphs_are_called_with_renewed_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (users, orders) = good_subgraphs().await;
    let users_url = format!("https://{}/graphql", before(users.address, authority.server(true)).await);
    // Certificates of a stranger: neither side trusts the other.
    let (certificate, key) = stranger.sign("client");
    let config = format!(
        "schema: {{ supergraph: s.graphql }}\ntraffic: {{ all: {{ tls: {{ authorities: ca.pem, certificate: \"{certificate}\", key: \"{key}\" }} }} }}"
    );
    let files = [("s.graphql", supergraph(&users_url, &orders.url())), ("ca.pem", read(stranger.file("ca.pem")))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let current = Current::start(&files, &config).await;
    assert!(!current.gets_the_name().await);
    tokio::time::sleep(Duration::from_millis(300)).await;

    let (signed, signed_key) = authority.sign("client");
    std::fs::copy(signed, &certificate).unwrap();
    std::fs::copy(signed_key, &key).unwrap();
    std::fs::copy(authority.file("ca.pem"), current.folder.path().join("ca.pem")).unwrap();
    until("the subgraph is asked", async || current.gets_the_name().await).await;

    let failures = current.failures();
    std::fs::write(current.folder.path().join("ca.pem"), "no certificate").unwrap();
    until("the failure is counted", async || current.failures() > failures).await;
    assert!(current.gets_the_name().await, "the last good ones stay");
}

fn read(file: impl AsRef<Path>) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subgraph_is_asked_for_its_schema_with_its_own_certificates() {
    let authority = Authority::new();
    let users = Subgraph::json(|seen| match seen.body.contains("_service") {
        true => serde_json::json!({ "data": { "_service": { "sdl": SDL } } }).to_string(),
        false => ME.to_owned(),
    })
    .await;
    let url = format!("https://{}/graphql", before(users.address, authority.server(true)).await);
    let (certificate, key) = authority.sign("client");
    let yaml = format!("subgraphs: {{ users: {{ schema: {{ subgraph_url: \"{url}\" }} }} }}");
    let config = format!(
        "schema: {{ subgraphs: supergraph.yaml }}\ntraffic: {{ subgraphs: {{ users: {{ tls: {{ authorities: \"{}\", certificate: \"{certificate}\", key: \"{key}\" }} }} }} }}",
        authority.file("ca.pem"),
    );
    let current = Current::start(&[("supergraph.yaml", &yaml)], &config).await;
    assert!(current.gets_the_name().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subgraph_is_polled_with_renewed_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let users = Subgraph::json(|_| serde_json::json!({ "data": { "_service": { "sdl": SDL } } }).to_string()).await;
    let url = format!("https://{}/graphql", before(users.address, authority.server(true)).await);
    let (certificate, key) = authority.sign("client");
    let yaml = format!("subgraphs: {{ users: {{ schema: {{ subgraph_url: \"{url}\" }} }} }}");
    let config = format!(
        "schema: {{ subgraphs: supergraph.yaml }}\nreload: {{ watch: false, poll: 100ms }}\ntraffic: {{ all: {{ tls: {{ authorities: \"{}\", certificate: \"{certificate}\", key: \"{key}\" }} }} }}",
        authority.file("ca.pem"),
    );
    let current = Current::start(&[("supergraph.yaml", &yaml)], &config).await;
    until("it is polled", async || current.reloads("Unchanged") > 0).await;

    let (wrong, wrong_key) = stranger.sign("client");
    std::fs::copy(wrong, &certificate).unwrap();
    std::fs::copy(wrong_key, &key).unwrap();
    until("the wrong certificate is refused", async || current.failures() > 0).await;

    authority.sign("client");
    let polled = users.count();
    until("it is polled again", async || users.count() > polled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_with_renewed_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let collector = Subgraph::raw(|_| async { support::http("200 OK", "application/x-protobuf", b"", "") }).await;
    let address = before(collector.address, authority.server(true)).await;
    let (users, orders) = good_subgraphs().await;
    // Certificates of a stranger: neither side trusts the other.
    let (certificate, key) = stranger.sign("client");
    let config = format!(
        "schema: {{ supergraph: s.graphql }}\ntelemetry: {{ trace: {{ otlp: {{ endpoint: \"https://{address}/v1/traces\", delay: 50ms, tls: {{ authorities: ca.pem, certificate: \"{certificate}\", key: \"{key}\" }} }} }} }}"
    );
    let files = [("s.graphql", supergraph(&users.url(), &orders.url())), ("ca.pem", read(stranger.file("ca.pem")))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let current = Current::start(&files, &config).await;
    assert!(current.gets_the_name().await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(collector.count(), 0);

    let (signed, signed_key) = authority.sign("client");
    std::fs::copy(signed, &certificate).unwrap();
    std::fs::copy(signed_key, &key).unwrap();
    std::fs::copy(authority.file("ca.pem"), current.folder.path().join("ca.pem")).unwrap();
    until("spans come in", async || current.gets_the_name().await && collector.count() > 0).await;

    let failures = current.failures();
    std::fs::write(current.folder.path().join("ca.pem"), "no certificate").unwrap();
    until("the failure is counted", async || current.failures() > failures).await;
    let sent = collector.count();
    until("the last good ones stay in use", async || current.gets_the_name().await && collector.count() > sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_go_to_a_collector_with_certificates() {
    let authority = Authority::new();
    let collector = Subgraph::raw(|_| async { support::http("200 OK", "application/x-protobuf", b"", "") }).await;
    let address = before(collector.address, authority.server(true)).await;
    let (certificate, key) = authority.sign("client");
    let (users, orders) = good_subgraphs().await;
    let config = format!(
        "schema: {{ supergraph: s.graphql }}\ntelemetry: {{ trace: {{ otlp: {{ endpoint: \"https://{address}/v1/traces\", delay: 50ms, tls: {{ authorities: \"{}\", certificate: \"{certificate}\", key: \"{key}\" }} }} }} }}",
        authority.file("ca.pem"),
    );
    let current = Current::start(&[("s.graphql", &supergraph(&users.url(), &orders.url()))], &config).await;
    assert!(current.gets_the_name().await);
    until("spans come in", async || collector.count() > 0).await;
    assert!(collector.seen.lock().unwrap()[0].head.starts_with("POST /v1/traces"));
}
