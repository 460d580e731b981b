//! The connections to a subgraph: their number and lifetime, and what happens to requests on them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid::config::Config;
use support::{ME, TestRouter, supergraph};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A subgraph that keeps its connections open.
#[derive(Default)]
struct Connections {
    opened: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
    requests: AtomicUsize,
}

/// How a subgraph behaves.
#[derive(Clone, Copy, Default)]
struct Behaviour {
    /// The time it takes to respond.
    delay: Duration,
    /// The number of requests after which it closes a connection, without `connection: close`.
    closes_after: Option<usize>,
    /// Whether it sends the body in chunks.
    in_chunks: bool,
}

async fn subgraph(behaviour: Behaviour) -> (SocketAddr, Arc<Connections>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(Connections::default());
    let counts = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counts = counts.clone();
            tokio::spawn(async move {
                counts.opened.fetch_add(1, Ordering::Relaxed);
                let open = counts.open.fetch_add(1, Ordering::Relaxed) + 1;
                counts.most.fetch_max(open, Ordering::Relaxed);
                speak(stream, behaviour, &counts.requests).await;
                counts.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    (address, connections)
}

async fn speak(mut stream: TcpStream, behaviour: Behaviour, requests: &AtomicUsize) {
    let mut served = 0;
    while behaviour.closes_after != Some(served) {
        if !read_request(&mut stream).await {
            return;
        }
        requests.fetch_add(1, Ordering::Relaxed);
        served += 1;
        tokio::time::sleep(behaviour.delay).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        if !behaviour.in_chunks {
            let answer = format!("{head}content-length: {}\r\n\r\n{ME}", ME.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            continue;
        }
        stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        for part in ME.as_bytes().chunks(7).map(str::from_utf8) {
            let part = part.unwrap();
            stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    }
}

/// Reads a request. Returns whether there was one.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    loop {
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return false;
        }
        let text = String::from_utf8_lossy(&received).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.contains("\r\nhost: 127.0.0.1:"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap() {
                return true;
            }
        }
    }
}

async fn router(address: SocketAddr, configure: impl FnOnce(&mut Config)) -> TestRouter {
    TestRouter::start(supergraph(&format!("http://{address}/graphql"), "http://127.0.0.1:1/"), |config| {
        config.traffic.all.deduplicate = Some(false);
        configure(config);
    })
    .await
}

async fn ask_at_once(router: &TestRouter, requests: usize) {
    let asked = (0..requests).map(|_| router.query("{ me { name } }"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.json()["data"]["me"]["name"], "Ada", "{}", answer.text());
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    for in_chunks in [false, true] {
        let (address, connections) = subgraph(Behaviour { in_chunks, ..Behaviour::default() }).await;
        let router = router(address, |_| {}).await;
        for _ in 0..5 {
            ask_at_once(&router, 1).await;
        }
        assert_eq!(connections.opened.load(Ordering::Relaxed), 1);
        assert_eq!(connections.requests.load(Ordering::Relaxed), 5);
    }
}

#[tokio::test]
async fn requests_are_queued_for_connections() {
    let (address, connections) = subgraph(Behaviour { delay: Duration::from_millis(20), ..Behaviour::default() }).await;
    let router = router(address, |config| config.traffic.all.max_connections = Some(3)).await;
    ask_at_once(&router, 20).await;
    assert_eq!(connections.most.load(Ordering::Relaxed), 3);
    assert_eq!(connections.opened.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn the_time_in_the_queue_is_limited() {
    let (address, connections) = subgraph(Behaviour { delay: Duration::from_secs(60), ..Behaviour::default() }).await;
    let router = router(address, |config| {
        config.exposure.subgraph_errors = true;
        config.traffic.all.max_connections = Some(1);
        config.traffic.all.timeout = Some(braid_settings::Duration(Duration::from_millis(300)));
    })
    .await;
    // Many: when one times out, its connection goes to the next in the queue, which may have a moment left.
    let asked = (0..10).map(|_| router.query("{ me { name } }"));
    let answers = futures_util::future::join_all(asked).await;
    let messages: Vec<_> = answers.iter().map(|answer| answer.json()["errors"][0]["message"].to_string()).collect();
    assert!(answers.iter().all(|answer| answer.code() == "SUBREQUEST_TIMEOUT"), "{messages:?}");
    let without = messages.iter().filter(|message| message.contains("no connection became free")).count();
    assert!(without > 0, "{messages:?}");
    // Requests that got no permit opened no connection.
    assert!(connections.opened.load(Ordering::Relaxed) + without <= 10, "{messages:?}");
    assert_eq!(router.metric("braid_http_server_active_requests").await, 0.0);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_harms_no_request() {
    let (address, connections) = subgraph(Behaviour { closes_after: Some(1), ..Behaviour::default() }).await;
    let router = router(address, |config| {
        config.traffic.all.retry = Some(braid_transport::config::RetryConfig { enabled: false, ..Default::default() })
    })
    .await;
    for _ in 0..5 {
        ask_at_once(&router, 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections.opened.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn idle_connections_are_closed_after_a_timeout() {
    let (address, connections) = subgraph(Behaviour { delay: Duration::from_millis(20), ..Behaviour::default() }).await;
    let router = router(address, |config| {
        config.traffic.all.idle_timeout = Some(braid_settings::Duration(Duration::from_millis(200)));
    })
    .await;
    ask_at_once(&router, 4).await;
    assert_eq!(connections.open.load(Ordering::Relaxed), 4);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if connections.open.load(Ordering::Relaxed) == 0 {
            ask_at_once(&router, 1).await;
            return;
        }
    }
    panic!("{} connections are still open", connections.open.load(Ordering::Relaxed));
}

#[tokio::test]
async fn the_number_of_idle_connections_is_limited() {
    let (address, connections) = subgraph(Behaviour { delay: Duration::from_millis(20), ..Behaviour::default() }).await;
    let router = router(address, |config| config.traffic.all.max_idle_connections = Some(1)).await;
    ask_at_once(&router, 4).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(connections.open.load(Ordering::Relaxed), 1);
}
