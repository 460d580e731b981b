//! A subgraph that a test plays by hand: it accepts connections and says what it wants over them.

use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub struct Peer {
    listener: TcpListener,
    pub url: String,
}

impl Peer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        Self { listener, url }
    }

    async fn stream(&self) -> TcpStream {
        timeout(Duration::from_secs(10), self.listener.accept()).await.expect("a connection in time").unwrap().0
    }

    /// Whether nobody is waiting to be accepted.
    pub fn is_left_alone(&self) -> bool {
        self.listener.accept().now_or_never().is_none()
    }

    /// Accepts a connection, and closes it.
    pub async fn forget(&self) {
        drop(self.stream().await);
    }

    /// Accepts a WebSocket, with the subprotocol that the client likes most.
    pub async fn socket(&self) -> Socket {
        Socket::accept(self.stream().await).await
    }

    /// Accepts a WebSocket and acknowledges it. Returns the payload that it began with, too.
    pub async fn ready(&self) -> Socket {
        let mut socket = self.socket().await;
        assert_eq!(socket.receive().await["type"], "connection_init");
        socket.send(json!({ "type": "connection_ack" })).await;
        socket
    }

    /// Accepts a connection and reads a request.
    pub async fn exchange(&self) -> Exchange {
        let mut stream = self.stream().await;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).await.unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        Exchange { stream, head, body: String::from_utf8(body).unwrap() }
    }
}

/// An open WebSocket.
pub struct Socket {
    pub socket: WebSocketStream<TcpStream>,
    pub headers: HeaderMap,
}

impl Socket {
    async fn accept(stream: TcpStream) -> Self {
        let mut headers = HeaderMap::new();
        let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            headers = request.headers().clone();
            let offered = headers["sec-websocket-protocol"].to_str().unwrap();
            let first = offered.split(',').next().unwrap().trim().parse().unwrap();
            response.headers_mut().insert("sec-websocket-protocol", first);
            Ok(response)
        };
        let socket = accept_hdr_async(stream, choose).await.unwrap();
        Self { socket, headers }
    }

    /// The next message that is no ping.
    pub async fn receive(&mut self) -> Value {
        loop {
            match timeout(Duration::from_secs(10), self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return message;
                    }
                    self.send(json!({ "type": "pong" })).await;
                }
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "closed": frame.map(|frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return json!("gone"),
            }
        }
    }

    /// The id of the next subscription; others may end before it.
    pub async fn subscribed(&mut self) -> String {
        let mut message = self.receive().await;
        while message["type"] == "complete" {
            message = self.receive().await;
        }
        assert_eq!(message["type"], "subscribe", "{message}");
        message["id"].as_str().unwrap().to_owned()
    }

    pub async fn send(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn next(&mut self, id: &str, text: &str) {
        self.send(json!({ "type": "next", "id": id, "payload": { "data": { "changed": text } } })).await;
    }

    pub async fn binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::Binary(Bytes::from_static(bytes))).await.unwrap();
    }

    pub async fn close(mut self, code: Option<u16>) {
        let frame = code.map(|code| CloseFrame { code: code.into(), reason: "odd".into() });
        self.socket.send(Message::Close(frame)).await.unwrap();
        let _ = timeout(Duration::from_secs(1), self.socket.next()).await;
    }
}

/// A request that waits for its response.
pub struct Exchange {
    pub stream: TcpStream,
    pub head: String,
    pub body: String,
}

impl Exchange {
    pub async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// A whole response.
    pub async fn answer(&mut self, status: &str, content_type: &str, body: &str) {
        let length = body.len();
        self.write(&format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// The head of a response whose body comes in chunks.
    pub async fn begin(&mut self, content_type: &str) {
        self.write(&format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"))
            .await;
    }

    pub async fn chunk(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// The regular end of the body.
    pub async fn end(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Whether the client closes the connection.
    pub async fn is_closed(&mut self) -> bool {
        let read = timeout(Duration::from_secs(5), self.stream.read(&mut [0])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}
