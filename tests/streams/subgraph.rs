//! A subgraph with one subscription, whose events this process sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub(crate) const SDL: &str = "
    type Query { VERSION: Int }
    type Subscription { ticks(of: Int!): Tick }
    type Tick { number: Int text: String }
";

pub(crate) struct Subgraph {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
    sent: AtomicU64,
}

struct Shared {
    subscribed: AtomicUsize,
    ticks: broadcast::Sender<u64>,
    /// The end of all sockets.
    end: broadcast::Sender<()>,
}

impl Subgraph {
    pub(crate) async fn start() -> Self {
        let (ticks, end) = (broadcast::Sender::new(64), broadcast::Sender::new(1));
        let shared = Arc::new(Shared { subscribed: AtomicUsize::new(0), ticks, end });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(listener, shared.clone());
        Self { shared, address, serving, sent: AtomicU64::new(0) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends an event to all subscriptions.
    pub(crate) fn emit(&self) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        self.shared.ticks.send(number).unwrap();
    }

    pub(crate) async fn until_subscribed(&self, count: usize) {
        for _ in 0..6_000 {
            if self.shared.subscribed.load(Ordering::Relaxed) == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} subscriptions have come", self.shared.subscribed.load(Ordering::Relaxed));
    }

    /// Goes away with all its sockets, and comes back.
    pub(crate) async fn restart(&mut self) {
        self.serving.abort();
        let _ = self.shared.end.send(());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(self.shared.subscribed.load(Ordering::Relaxed), 0);
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serving = serve(listener, self.shared.clone());
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    let routes = Router::new().route("/graphql", get(upgrade)).with_state(shared);
    tokio::spawn(async { axum::serve(listener, routes).await.unwrap() })
}

async fn upgrade(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(|socket| speak(socket, shared))
}

async fn speak(mut socket: WebSocket, shared: Arc<Shared>) {
    let (mut ticks, mut end) = (shared.ticks.subscribe(), shared.end.subscribe());
    let mut ids: Vec<String> = Vec::new();
    loop {
        tokio::select! {
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    _ => break,
                };
                let message: Value = serde_json::from_str(&text).unwrap();
                match message["type"].as_str().unwrap() {
                    "connection_init" => send(&mut socket, &json!({ "type": "connection_ack" })).await,
                    "ping" => send(&mut socket, &json!({ "type": "pong" })).await,
                    "subscribe" => {
                        ids.push(message["id"].as_str().unwrap().to_owned());
                        shared.subscribed.fetch_add(1, Ordering::Relaxed);
                    }
                    "complete" => {
                        ids.retain(|id| *id != message["id"]);
                        shared.subscribed.fetch_sub(1, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
            number = ticks.recv() => {
                let number = number.unwrap();
                for id in &ids {
                    let tick = json!({ "ticks": { "number": number, "text": "An event of some length, as they are." } });
                    send(&mut socket, &json!({ "type": "next", "id": id, "payload": { "data": tick } })).await;
                }
            }
            _ = end.recv() => break,
        }
    }
    shared.subscribed.fetch_sub(ids.len(), Ordering::Relaxed);
}

async fn send(socket: &mut WebSocket, message: &Value) {
    let _ = socket.send(Message::text(message.to_string())).await;
}
