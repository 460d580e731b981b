//! A router in this process on a free port, subgraphs that respond with what a test wants, and a client that sees every byte.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod page;
pub mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid::assemble::{self, Front};
use braid::config::Config;
use braid::invalidation;
use braid::load_error::LoadError;
use braid::reload::{Blueprint, keep_current};
use braid_persisted_operations::OperationStore;
use braid_telemetry::metrics::Metrics;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const SUPERGRAPH: &str = include_str!("../fixtures/supergraph.graphql");

/// A router that runs until it is dropped.
pub struct TestRouter {
    pub address: SocketAddr,
    pub front: Arc<Front>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl TestRouter {
    pub async fn start(supergraph: String, configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.telemetry.access_log.enabled = false;
        configure(&mut config);
        let metrics = Arc::new(Metrics::default());
        let operations = OperationStore::open(&config.persisted_operations, None).await.unwrap();
        let version = assemble::version(&config, &supergraph, operations, &metrics, None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let front = Arc::new(assemble::front(&config, version, metrics).unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(braid_server::serve(listener, front.clone(), async {
            let _ = stopped.await;
        }));
        Self { address, front, stop: Some(stop), served: Some(served) }
    }

    pub async fn post(&self, body: &str) -> Answer {
        self.send(&post(body, "")).await
    }

    pub async fn query(&self, query: &str) -> Answer {
        self.post(&serde_json::json!({ "query": query }).to_string()).await
    }

    pub async fn get(&self, target: &str, headers: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").as_bytes()).await
    }

    pub async fn send(&self, bytes: &[u8]) -> Answer {
        exchange(self.address, bytes).await
    }

    pub async fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.get("/metrics", "").await.body).unwrap();
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} is not in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Stops as on SIGTERM, and waits until it has stopped.
    pub async fn stop(mut self) {
        self.begin_stop();
        self.served.take().unwrap().await.unwrap();
    }

    pub fn begin_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }
}

/// A POST with a JSON body.
/// A router that follows its configuration, and the files that this names, as long as the runtime lasts.
pub struct Following {
    pub address: SocketAddr,
    pub front: Arc<Front>,
    pub metrics: Arc<Metrics>,
}

/// Starts a router that follows this `router.yaml`.
pub async fn follow(config_file: PathBuf) -> Result<Following, LoadError> {
    let blueprint = Blueprint { config_file: Some(config_file), ..Blueprint::default() };
    let metrics = Arc::new(Metrics::default());
    let (version, origins) = blueprint.first(&metrics).await?;
    let front = Arc::new(assemble::front(&origins.config, version, metrics.clone()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(braid_server::serve(listener, front.clone(), std::future::pending()));
    tokio::spawn(keep_current(front.clone(), invalidation::ways(&front), blueprint, origins));
    Ok(Following { address, front, metrics })
}

/// How many versions there were with this outcome.
pub fn reloads(metrics: &Metrics, outcome: &str) -> usize {
    let start = format!("braid_schema_reloads_total{{outcome=\"{outcome}\"}} ");
    metrics.encode().lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or(0)
}

/// Waits until something holds, for 8 s.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_seen(400, what, holds).await;
}

/// Waits until something holds, and looks so many times, every 20 ms.
pub async fn until_seen(looks: u32, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..looks {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}

pub fn post(body: &str, headers: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// The resident memory of this process, in bytes.
pub fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    exchange_over(TcpStream::connect(address).await.unwrap(), bytes).await
}

/// Sends one request over a connection and reads to its end.
pub async fn exchange_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Answer {
    // A router that refuses the request early may have closed its side: the response counts.
    let _ = stream.write_all(bytes).await;
    let mut received = Vec::new();
    let reading = stream.read_to_end(&mut received);
    let _ = tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the router went on for too long");
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP head");
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = &received[end + 4..];
    Answer { status, head, body: if chunked { unchunked(body) } else { body.to_vec() } }
}

/// The content of a chunked body (RFC 9112 §7.1).
fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
    body
}

type Handler = Arc<dyn Fn(Seen) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> + Send + Sync>;

/// A request that a subgraph got.
#[derive(Debug, Clone)]
pub struct Seen {
    pub head: String,
    pub body: String,
}

/// A subgraph that writes raw bytes, so that it can do everything wrong.
pub struct Subgraph {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Subgraph {
    /// Answers each request with a JSON body.
    pub async fn json(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        Self::raw(move |seen| {
            let body = answer(&seen);
            async move { ok(&body) }
        })
        .await
    }

    /// Answers each request with bytes, then closes the connection.
    pub async fn raw<F: Future<Output = Vec<u8>> + Send + 'static>(
        answer: impl Fn(Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Handler = Arc::new(move |seen| Box::pin(answer(seen)));
        let log = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(one(stream, handler.clone(), log.clone()));
            }
        });
        Self { address, seen, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Drop for Subgraph {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn one(mut stream: TcpStream, handler: Handler, log: Arc<Mutex<Vec<Seen>>>) {
    let mut received = Vec::new();
    let (end, length) = loop {
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        break (end, length.unwrap_or(0));
    };
    while received.len() < end + 4 + length {
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let seen = Seen { head, body: String::from_utf8_lossy(&received[end + 4..]).into_owned() };
    log.lock().unwrap().push(seen.clone());
    let answer = handler(seen).await;
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

/// A complete HTTP response with a JSON body.
pub fn ok(body: &str) -> Vec<u8> {
    http("200 OK", "application/json", body.as_bytes(), "")
}

pub fn http(status: &str, content_type: &str, body: &[u8], headers: &str) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub const ME: &str = r#"{"data":{"me":{"__typename":"User","id":"1","name":"Ada"}}}"#;
pub const ORDERS: &str = r#"{"data":{"_entities":[{"orders":[{"id":"o1","total":12.50}]}]}}"#;

/// Both subgraphs, well behaved.
pub async fn good_subgraphs() -> (Subgraph, Subgraph) {
    (Subgraph::json(|_| ME.to_owned()).await, Subgraph::json(|_| ORDERS.to_owned()).await)
}

pub fn supergraph(users: &str, orders: &str) -> String {
    SUPERGRAPH.replace("USERS_URL", users).replace("ORDERS_URL", orders)
}

/// A router over two well-behaved subgraphs.
pub async fn router(configure: impl FnOnce(&mut Config)) -> (TestRouter, Subgraph, Subgraph) {
    let (users, orders) = good_subgraphs().await;
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), configure).await;
    (router, users, orders)
}
