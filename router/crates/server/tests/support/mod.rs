//! A router over subgraphs in this process whose events a test sends, and clients that see every byte.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{
    SubgraphError, SubgraphEvent, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService,
};
use braid_gateway::{Gateway, GatewayConfig};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_server::config::ServerConfig;
use braid_server::{Front, Observers, Version};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::access_log::AccessLog;
use braid_telemetry::config::TelemetryConfig;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const SDL: &str = "
    type Query { product: Product slow: String user: String broken: String }
    type Mutation { rename: String }
    type Subscription { changed(id: ID): Product }
    type Product { name: String }
";

type Events = mpsc::UnboundedSender<SubgraphEvent>;

/// A subgraph in this process.
#[derive(Debug, Default)]
pub struct Shop {
    open: Mutex<Vec<Events>>,
    pub subscribed: AtomicUsize,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let seen = context.headers(request.subgraph).and_then(|headers| headers.get("x-user"));
        let body = match body {
            body if body.contains("slow") => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                r#"{"data":{"slow":"done"}}"#.to_owned()
            }
            body if body.contains("broken") => panic!("a defect, as a test wants it"),
            body if body.contains("rename") => r#"{"data":{"rename":"done"}}"#.to_owned(),
            body if body.contains("user") => {
                format!(r#"{{"data":{{"user":{:?}}}}}"#, seen.map_or("", |value| value.to_str().unwrap()))
            }
            _ => r#"{"data":{"product":{"name":"Chair"}}}"#.to_owned(),
        };
        Ok(SubgraphResponse::new(200, body.into(), SubgraphHeaders::default()))
    }

    async fn subscribe(&self, _: SubgraphRequest, _: &SubgraphContext) -> Result<SubgraphEvents, SubgraphError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.open.lock().unwrap().push(sender);
        self.subscribed.fetch_add(1, Ordering::Relaxed);
        Ok(Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })))
    }

    fn seen_of(&self, _: SubgraphId, _: &SubgraphContext) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn is_same(&self, _: SubgraphId, _: &Self, _: SubgraphId) -> bool {
        true
    }
}

/// What a test changes about a router.
#[derive(Default)]
pub struct Setup {
    pub server: ServerConfig,
    pub gateway: GatewayConfig,
    pub authentication: Option<Value>,
    pub rate_limits: Option<Value>,
}

pub struct Server {
    pub address: SocketAddr,
    pub front: Arc<Front<Arc<Shop>>>,
    pub shop: Arc<Shop>,
    log: Lines,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Server {
    pub async fn start(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup::default();
        let headers = r#"{"all":{"request":[{"propagate":{"name":"x-user"}}]}}"#;
        setup.gateway.headers = serde_json::from_str(headers).unwrap();
        setup.server.shutdown_grace = braid_settings::Duration::seconds(4);
        change(&mut setup);
        let shop = Arc::new(Shop::default());
        let mut observers = Observers::default();
        let log = Lines::default();
        observers.access_log =
            Some(AccessLog::new(log.clone(), observers.metrics.access_lines_dropped.clone()).unwrap());
        let gateway = Gateway::new(supergraph(), shop.clone(), &setup.gateway, &observers.metrics).unwrap();
        let mut version = Version::new(gateway, setup.server, TelemetryConfig::default()).unwrap();
        if let Some(config) = setup.authentication {
            let config = serde_json::from_value(config).unwrap();
            version = version.with_authenticator(braid_authentication::Authenticator::new(&config, None).unwrap());
        }
        if let Some(config) = setup.rate_limits {
            let config = serde_json::from_value(config).unwrap();
            let limits = braid_rate_limit::LimitsByGraph::new(&config, [], &observers.metrics, None).unwrap();
            version = version.with_rate_limits(limits);
        }
        let front = Arc::new(Front::new(version, observers));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(braid_server::serve(listener, front.clone(), async {
            let _ = stopped.await;
        }));
        Self { address, front, shop, log, stop: Some(stop), served: Some(served) }
    }

    /// Takes up a new version, which is as the old one by default.
    pub fn swap(&self) {
        let mut config = GatewayConfig::default();
        config.subscriptions.reload_spread = braid_settings::Duration(Duration::ZERO);
        let gateway = Gateway::new(supergraph(), self.shop.clone(), &config, self.front.metrics()).unwrap();
        self.front.swap(Version::new(gateway, ServerConfig::default(), TelemetryConfig::default()).unwrap());
    }

    /// Sends an event on a subscription at the subgraph.
    pub async fn send(&self, number: usize, event: SubgraphEvent) {
        self.events(number).await.send(event).unwrap();
    }

    pub async fn changed(&self, number: usize, name: &str) {
        self.send(number, changed(name)).await;
    }

    /// The subgraph has no more events.
    pub async fn complete(&self, number: usize) {
        self.events(number).await;
        self.shop.open.lock().unwrap()[number] = mpsc::unbounded_channel().0;
    }

    pub async fn events(&self, number: usize) -> Events {
        for _ in 0..400 {
            if let Some(sender) = self.shop.open.lock().unwrap().get(number) {
                return sender.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody has subscribed");
    }

    pub fn begin_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub async fn stopped(&mut self) {
        let served = self.served.take().unwrap();
        tokio::time::timeout(Duration::from_secs(10), served).await.expect("the router stops").unwrap();
    }

    /// The lines of the access log so far that have this text.
    pub async fn lines(&self, text: &str, count: usize) -> Vec<Value> {
        for _ in 0..400 {
            let all = String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap();
            let lines: Vec<Value> = all
                .lines()
                .filter(|line| line.contains(text))
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            if lines.len() >= count {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let all = String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap();
        panic!("the log has fewer lines with {text}: {all}");
    }

    pub async fn metric(&self, name: &str) -> f64 {
        let text = get(self.address, "/metrics", "").await.text;
        let line = text.lines().find(|line| line.strip_prefix("braid_").is_some_and(|line| line.starts_with(name)));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Waits until a metric has a value.
    pub async fn metric_is(&self, name: &str, value: f64) {
        for _ in 0..400 {
            if self.metric(name).await == value {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} is {}, not {value}", self.metric(name).await);
    }

    pub async fn socket(&self) -> Socket {
        Socket::open(self.address, "graphql-transport-ws", &[]).await
    }

    /// A socket whose client has begun.
    pub async fn begun(&self) -> Socket {
        let mut socket = self.socket().await;
        socket.begin(json!({})).await;
        socket
    }
}

fn supergraph() -> Arc<Supergraph> {
    let subgraph = SubgraphSdl { name: "shop".to_owned(), sdl: SDL.to_owned(), ..SubgraphSdl::default() };
    let supergraph_sdl = compose(&[subgraph]).result.unwrap().supergraph_sdl;
    Arc::new(Supergraph::read(&supergraph_sdl).unwrap())
}

pub fn changed(name: &str) -> SubgraphEvent {
    SubgraphEvent::Next(json!({ "data": { "changed": { "name": name } } }).to_string().into())
}

/// A client of a WebSocket.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(address: SocketAddr, subprotocols: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(address, subprotocols, headers).await.unwrap()
    }

    /// The socket, or the status and the body of the refusal.
    pub async fn try_open(
        address: SocketAddr,
        subprotocols: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, (u16, String)> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        if !subprotocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", subprotocols.parse().unwrap());
        }
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
                assert!(chosen.is_none_or(|chosen| subprotocols.contains(chosen)));
                Ok(Self(socket))
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8_lossy(body).into_owned()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn begin(&mut self, payload: Value) {
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.next().await, json!({ "type": "connection_ack" }));
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// What is not a ping.
    pub async fn frame(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
            match next.expect("a message in time").expect("a message").unwrap() {
                Message::Ping(_) => {}
                other => return other,
            }
        }
    }

    /// The code and the reason that the router closes the socket with.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Text(text) => panic!("{text}"),
                _ => {}
            }
        }
    }
}

pub fn next(id: &str, name: &str) -> Value {
    json!({ "type": "next", "id": id, "payload": { "data": { "changed": { "name": name } } } })
}

pub fn code(message: &Value) -> String {
    message["payload"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
}

pub const CHANGED: &str = "subscription Watch { changed { name } }";

pub struct Response {
    pub status: u16,
    pub head: String,
    pub text: String,
}

pub async fn get(address: SocketAddr, target: &str, headers: &str) -> Response {
    let mut stream = Streaming::send(
        address,
        &format!("GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n"),
    )
    .await;
    let text = stream.rest().await;
    Response { status: stream.status(), head: stream.head, text }
}

/// A response over HTTP/1.1 as it comes.
pub struct Streaming {
    pub stream: TcpStream,
    pub head: String,
    received: Vec<u8>,
}

impl Streaming {
    pub async fn send(address: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        loop {
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(received.drain(..end + 4).collect()).unwrap();
                return Self { stream, head, received };
            }
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(&mut received)).await;
            assert!(read.expect("a head in time").unwrap() > 0, "{}", String::from_utf8_lossy(&received));
        }
    }

    /// POSTs a query, for an answer of these types.
    pub async fn post(address: SocketAddr, query: &str, accept: &str) -> Self {
        let body = json!({ "query": query }).to_string();
        let length = body.len();
        Self::send(
            address,
            &format!(
                "POST /graphql HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        )
        .await
    }

    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The content of the next chunk (RFC 9112 §7.1); empty at the end of the body.
    pub async fn chunk(&mut self) -> String {
        loop {
            if let Some(end) = self.received.windows(2).position(|window| window == b"\r\n") {
                let size = std::str::from_utf8(&self.received[..end]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                if self.received.len() >= end + 2 + size + 2 {
                    let chunk = self.received[end + 2..end + 2 + size].to_vec();
                    self.received.drain(..end + 2 + size + 2);
                    return String::from_utf8(chunk).unwrap();
                }
            }
            let read = tokio::time::timeout(Duration::from_secs(10), self.stream.read_buf(&mut self.received)).await;
            assert!(read.expect("a chunk in time").unwrap() > 0, "the connection has ended");
        }
    }

    /// All chunks up to the end.
    pub async fn chunks(&mut self) -> String {
        let mut all = String::new();
        loop {
            let chunk = self.chunk().await;
            if chunk.is_empty() {
                return all;
            }
            all += &chunk;
        }
    }

    /// The bytes up to the end of the connection.
    pub async fn bytes_to_end(&mut self) -> Vec<u8> {
        let reading = self.stream.read_to_end(&mut self.received);
        let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end in time");
        std::mem::take(&mut self.received)
    }

    /// What comes up to the end of the connection.
    pub async fn rest(&mut self) -> String {
        let reading = self.stream.read_to_end(&mut self.received);
        tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end in time").unwrap();
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }
}
