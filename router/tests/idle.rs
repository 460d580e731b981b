//! The memory of idle connections. Alone in its process, because it measures the memory of the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use support::{post, resident, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUERY: &str = r#"{"query":"{ me { name } }"}"#;

/// `IDLE=9000` opens 9,000 connections. Each takes two of the process's file descriptors.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_cost_little() {
    let many = std::env::var("IDLE").map_or(1000, |many| many.parse().unwrap());
    let (router, _users, _orders) = router(|_| {}).await;
    assert_eq!(router.post(QUERY).await.status, 200);
    let before = resident();
    let mut idle = Vec::with_capacity(many);
    for _ in 0..many {
        let mut stream = TcpStream::connect(router.address).await.unwrap();
        // Half of them have been used for a request.
        if idle.len() % 2 == 0 {
            let request = String::from_utf8(post(QUERY, "")).unwrap().replace("connection: close\r\n", "");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut head = [0; 15];
            stream.read_exact(&mut head).await.unwrap();
            assert!(head.starts_with(b"HTTP/1.1 200"));
        }
        idle.push(stream);
    }
    assert!(router.metric("braid_http_server_connections").await >= many as f64);
    let each = (resident().saturating_sub(before)) / many;
    println!(
        "{many} idle connections: {} KiB resident before, {} after, {each} bytes each",
        before >> 10,
        resident() >> 10
    );
    // Both ends are in this process.
    assert!(each < 48 << 10, "{each} bytes each");
    assert_eq!(router.post(QUERY).await.json()["data"]["me"]["name"], "Ada");
}
