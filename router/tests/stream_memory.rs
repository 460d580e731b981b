//! The memory of a streamed list: of a batch of it, not of the list. Alone in its process, because all that the process allocates is counted: the router
//! from its sockets on, and of the subgraph and the client, which keep nothing, some 100 KB.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::net::SocketAddr;

use braid_composition::{SubgraphSdl, compose};
use braid_settings::ByteSize;
use peak_alloc::PeakAlloc;
use support::TestRouter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SDL: &str =
    "type Query { products(megabytes: Int!): [Product] } type Product { id: ID! name: String tags: [String] }";

/// A batch has 256 KiB, and the item that exceeds it.
const BATCH: usize = 256 << 10;

/// What is held beside a batch, however long the list is, in bytes: the same batch as it was received, as it is framed, and as the client's connection sends the
/// one before it (three times 256 KiB); what is read ahead from the subgraph's connection (hyper reads up to 400 KiB at once); and the sockets of this test.
const CONSTANT: usize = 1536 << 10;

/// Answers each request with a list of as many megabytes as it asks for, without ever having them.
async fn subgraph() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let (_, after) = request.split_once("megabytes\":").expect("the variable");
                let megabytes: usize = after.split(['}', ',']).next().unwrap().trim().parse().unwrap();
                let item = format!(r#",{{"id":"123456","name":"{}","tags":["one","two","three"]}}"#, "n".repeat(140));
                let items = item.repeat(32 * 1024 / item.len());
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"data\":{\"products\":[null";
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut written = 0;
                while written < megabytes * 1_000_000 {
                    if stream.write_all(items.as_bytes()).await.is_err() {
                        return;
                    }
                    written += items.len();
                }
                stream.write_all(b"]}}").await.unwrap();
            });
        }
    });
    address
}

/// Asks for a list, and forgets the answer. Returns how many bytes it had, and the largest chunk.
async fn ask(address: SocketAddr, megabytes: usize) -> (usize, usize) {
    let query = "query($megabytes: Int!) { products(megabytes: $megabytes) @stream(initialCount: 1) { id name tags } }";
    let body = serde_json::json!({ "query": query, "variables": { "megabytes": megabytes } }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\naccept: multipart/mixed;incrementalSpec=v0.2\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all([head, body].concat().as_bytes()).await.unwrap();
    let mut buffer = vec![0; 64 << 10];
    let (mut held, mut total, mut largest, mut in_body) = (Vec::new(), 0, 0, false);
    let mut left = 0;
    let mut end = Vec::new();
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        held.extend_from_slice(&buffer[..read]);
        if !in_body {
            let Some(at) = held.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&held[..at]).into_owned();
            assert!(text.starts_with("HTTP/1.1 200") && text.contains("multipart/mixed"), "{text}");
            held.drain(..at + 4);
            in_body = true;
        }
        // Chunks as of RFC 9112 §7.1.
        loop {
            let passed = held.len().min(left);
            end.extend_from_slice(&held[..passed]);
            end.drain(..end.len().saturating_sub(200));
            held.drain(..passed);
            left -= passed;
            if left > 0 {
                break;
            }
            let Some(at) = held.windows(2).position(|window| window == b"\r\n") else { break };
            let size = usize::from_str_radix(std::str::from_utf8(&held[..at]).unwrap(), 16).unwrap();
            held.drain(..at + 2);
            (total, largest, left) = (total + size, largest.max(size), size + 2);
        }
    }
    let end = String::from_utf8_lossy(&end).into_owned();
    assert!(end.contains("\"completed\":[{\"id\":\"0\"}],\"hasNext\":false"), "{end}");
    (total, largest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_list_takes_the_memory_of_a_batch() {
    let url = format!("http://{}/graphql", subgraph().await);
    let products = SubgraphSdl { name: "products".to_owned(), url, sdl: SDL.to_owned(), ..SubgraphSdl::default() };
    let supergraph = compose(&[products]).result.unwrap().supergraph_sdl;
    let router = TestRouter::start(supergraph, |config| {
        config.traffic.all.max_response_bytes = Some(ByteSize(100 << 20));
    })
    .await;
    // It compiles the operation and fills what is kept for good.
    for _ in 0..3 {
        ask(router.address, 2).await;
    }
    let mut above = Vec::new();
    for megabytes in [10, 50] {
        let idle = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let (total, largest) = ask(router.address, megabytes).await;
        let peak = ALLOCATED.peak_usage().saturating_sub(idle);
        println!(
            "a list of {megabytes} MB ({total} bytes sent, the largest part {largest}): {} KiB idle, at most {} KiB more; allowed: 1.3 × {} KiB + {} KiB",
            idle >> 10,
            peak >> 10,
            BATCH >> 10,
            CONSTANT >> 10,
        );
        assert!(total > megabytes * 1_000_000 && largest > BATCH / 2 && largest < BATCH + (8 << 10));
        above.push(peak);
    }
    let allowed = BATCH * 13 / 10 + CONSTANT;
    assert!(above.iter().all(|peak| *peak <= allowed), "{above:?} bytes, allowed are {allowed}");
}
