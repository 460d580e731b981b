//! The clients: a WebSocket with one subscription each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, http::HeaderValue};

pub(crate) struct Clients {
    counts: Arc<Counts>,
    expected: usize,
}

#[derive(Default)]
struct Counts {
    told: AtomicUsize,
    disconnected: AtomicUsize,
}

impl Clients {
    /// Opens so many subscriptions, of which `equal` are equal to each other.
    pub(crate) async fn open(router: SocketAddr, count: usize, equal: usize) -> Self {
        let counts = Arc::<Counts>::default();
        // Not all at once: the router's backlog of connections is short.
        let permits = Arc::new(Semaphore::new(200));
        let mut opening = Vec::new();
        for number in 0..count {
            let permit = permits.clone().acquire_owned().await.unwrap();
            let counts = counts.clone();
            opening.push(tokio::spawn(async move {
                let socket = subscribe(router, number / equal).await;
                drop(permit);
                tokio::spawn(read(socket, counts));
            }));
        }
        for opened in opening {
            opened.await.unwrap();
        }
        Self { counts, expected: 0 }
    }

    /// Waits until each of so many clients has got one more event.
    pub(crate) async fn until_told(&mut self, clients: usize) {
        self.expected += clients;
        for _ in 0..30_000 {
            if self.counts.told.load(Ordering::Relaxed) >= self.expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{} of {} events have come", self.counts.told.load(Ordering::Relaxed), self.expected);
    }

    pub(crate) fn disconnected(&self) -> usize {
        self.counts.disconnected.load(Ordering::Relaxed)
    }
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn subscribe(router: SocketAddr, of: usize) -> Socket {
    let stream = TcpStream::connect(router).await.unwrap();
    let mut request = format!("ws://{router}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let (mut socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await.unwrap();
    send(&mut socket, json!({ "type": "connection_init" })).await;
    let ack = socket.next().await.unwrap().unwrap();
    assert!(ack.to_text().unwrap().contains("connection_ack"), "{ack}");
    let query = "subscription($of: Int!) { ticks(of: $of) { number text } }";
    send(
        &mut socket,
        json!({ "type": "subscribe", "id": "1", "payload": { "query": query, "variables": { "of": of } } }),
    )
    .await;
    socket
}

async fn read(mut socket: Socket, counts: Arc<Counts>) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        match text.as_str() {
            text if text.contains("\"next\"") => drop(counts.told.fetch_add(1, Ordering::Relaxed)),
            text if text.contains("\"ping\"") => send(&mut socket, json!({ "type": "pong" })).await,
            text if text.contains("\"error\"") || text.contains("\"complete\"") => {
                println!("{text}");
                break;
            }
            _ => {}
        }
    }
    counts.disconnected.fetch_add(1, Ordering::Relaxed);
}

async fn send(socket: &mut Socket, message: serde_json::Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}
