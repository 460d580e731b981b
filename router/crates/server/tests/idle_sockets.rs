//! The memory of sockets that wait for events. In a file of its own, since memory is that of a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::json;
use support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// So many sockets, each with one subscription.
const SOCKETS: usize = 1_000;

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// A frame with a text, as clients send it; the mask is zero.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A client that keeps nothing but its connection.
async fn subscribed(address: SocketAddr, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("GET /graphql HTTP/1.1\r\nhost: {address}\r\n");
    // About as many headers as browsers send.
    for number in 0..10 {
        let _ = write!(request, "x-header-{number}: a value of about forty characters, as is usual\r\n");
    }
    request += "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
    request += "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&frame(r#"{"type":"connection_init"}"#)).await.unwrap();
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": query } });
    stream.write_all(&frame(&subscribe.to_string())).await.unwrap();
    let mut received = [0; 1024];
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains("connection_ack") {
        let length = stream.read(&mut received).await.unwrap();
        assert!(length > 0);
        all.extend_from_slice(&received[..length]);
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_subscription_takes_little_memory() {
    let server = Server::start(|_| {}).await;
    for (kind, is_shared, most) in [("shared", true, 16_000), ("own", false, 30_000)] {
        let open = async |from: usize, count: usize| {
            let mut sockets = Vec::new();
            for number in from..from + count {
                let id = if is_shared { 0 } else { number };
                sockets.push(
                    subscribed(server.address, &format!("subscription {{ changed(id: {id}) {{ name }} }}")).await,
                );
            }
            let active = format!("streams_active{{protocol=\"{}\"}}", "graphql-transport-ws");
            server.metric_is(&active, count as f64).await;
            sockets
        };
        // What is kept for good, and by the allocator.
        drop(open(0, 200).await);
        server.metric_is("websockets ", 0.0).await;
        let before = resident();
        let sockets = open(1_000, SOCKETS).await;
        let each = resident().saturating_sub(before) / SOCKETS;
        println!("a socket with a subscription of its {kind}: {each} bytes");
        assert!(each < most, "{each} bytes for each socket ({kind})");
        drop(sockets);
        server.metric_is("websockets ", 0.0).await;
    }
}
