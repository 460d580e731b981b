//! The connections to a subgraph: how many there are, how long they stay, and what becomes of requests on them.
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

/// How it behaves.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// How long an answer takes.
    delay: Duration,
    /// After so many requests on a connection it closes it, without having said so.
    closes_after: Option<usize>,
    /// It sends the body in parts, of a size that it does not tell.
    in_chunks: bool,
}

async fn subgraph(manner: Manner) -> (SocketAddr, Arc<Connections>) {
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
                speak(stream, manner, &counts.requests).await;
                counts.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    (address, connections)
}

async fn speak(mut stream: TcpStream, manner: Manner, requests: &AtomicUsize) {
    let mut served = 0;
    while manner.closes_after != Some(served) {
        if !read_request(&mut stream).await {
            return;
        }
        requests.fetch_add(1, Ordering::Relaxed);
        served += 1;
        tokio::time::sleep(manner.delay).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        if !manner.in_chunks {
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

/// Whether one came.
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
        let (address, connections) = subgraph(Manner { in_chunks, ..Manner::default() }).await;
        let router = router(address, |_| {}).await;
        for _ in 0..5 {
            ask_at_once(&router, 1).await;
        }
        assert_eq!(connections.opened.load(Ordering::Relaxed), 1);
        assert_eq!(connections.requests.load(Ordering::Relaxed), 5);
    }
}

#[tokio::test]
async fn requests_wait_for_one_of_so_many_connections() {
    let (address, connections) = subgraph(Manner { delay: Duration::from_millis(20), ..Manner::default() }).await;
    let router = router(address, |config| config.traffic.all.max_connections = Some(3)).await;
    ask_at_once(&router, 20).await;
    assert_eq!(connections.most.load(Ordering::Relaxed), 3);
    assert_eq!(connections.opened.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn who_waits_for_a_connection_has_a_limit_of_time() {
    let (address, connections) = subgraph(Manner { delay: Duration::from_secs(60), ..Manner::default() }).await;
    let router = router(address, |config| {
        config.exposure.subgraph_errors = true;
        config.traffic.all.max_connections = Some(1);
        config.traffic.all.timeout = Some(braid_settings::Duration(Duration::from_millis(300)));
    })
    .await;
    // Many, since the place of one whose time is over goes to the next, who may have a moment left.
    let asked = (0..10).map(|_| router.query("{ me { name } }"));
    let answers = futures_util::future::join_all(asked).await;
    let messages: Vec<_> = answers.iter().map(|answer| answer.json()["errors"][0]["message"].to_string()).collect();
    assert!(answers.iter().all(|answer| answer.code() == "SUBREQUEST_TIMEOUT"), "{messages:?}");
    let without = messages.iter().filter(|message| message.contains("none of the connections")).count();
    assert!(without > 0, "{messages:?}");
    // Who had no place opened no connection.
    assert!(connections.opened.load(Ordering::Relaxed) + without <= 10, "{messages:?}");
    assert_eq!(router.metric("braid_http_server_active_requests").await, 0.0);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_harms_no_request() {
    let (address, connections) = subgraph(Manner { closes_after: Some(1), ..Manner::default() }).await;
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
async fn connections_that_rest_are_closed_after_a_while() {
    let (address, connections) = subgraph(Manner { delay: Duration::from_millis(20), ..Manner::default() }).await;
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
async fn only_so_many_connections_rest() {
    let (address, connections) = subgraph(Manner { delay: Duration::from_millis(20), ..Manner::default() }).await;
    let router = router(address, |config| config.traffic.all.max_idle_connections = Some(1)).await;
    ask_at_once(&router, 4).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(connections.open.load(Ordering::Relaxed), 1);
}
