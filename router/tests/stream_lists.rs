//! Lists that are delivered while a subgraph's response arrives over HTTP: compressed, broken off, too large, too slow, refused at first; and a
//! client that does not read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid::config::Config;
use braid_composition::{SubgraphSdl, compose};
use braid_settings::ByteSize;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use support::{Subgraph, TestRouter, http, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SDL: &str = "type Query { products: [Product] } type Product { id: ID! name: String }";
const QUERY: &str = "{ products @stream(initialCount: 1) { id name } }";
const ACCEPT: &str = "accept: multipart/mixed;incrementalSpec=v0.2\r\n";

async fn router(url: String, configure: impl FnOnce(&mut Config)) -> TestRouter {
    let products = SubgraphSdl { name: "products".to_owned(), url, sdl: SDL.to_owned(), ..SubgraphSdl::default() };
    let supergraph = compose(&[products]).result.unwrap().supergraph_sdl;
    TestRouter::start(supergraph, configure).await
}

fn list(count: usize) -> String {
    let items: Vec<String> = (0..count).map(|at| format!(r#"{{"id":"{at}","name":"Lämp {at}"}}"#)).collect();
    format!(r#"{{"data":{{"products":[{}]}}}}"#, items.join(","))
}

/// The items that were delivered, the error that ended them, and how many messages there were.
async fn ask(router: &TestRouter) -> (Vec<Value>, Option<String>, usize) {
    let answer = router.send(&post(&json!({ "query": QUERY }).to_string(), ACCEPT)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let parts = answer.text().split("\r\n\r\n").filter_map(|part| part.split("\r\n--").next());
    let messages: Vec<Value> = parts.filter_map(|part| serde_json::from_str(part).ok()).collect();
    let mut items = messages[0]["data"]["products"].as_array().cloned().unwrap_or_default();
    let mut error = messages[0]["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
    for message in &messages[1..] {
        for entry in message["incremental"].as_array().into_iter().flatten() {
            items.extend(entry["items"].as_array().unwrap().clone());
        }
        let code = message["completed"][0]["errors"][0]["extensions"]["code"].as_str();
        error = error.or(code.map(str::to_owned));
    }
    assert!(!messages.last().unwrap()["hasNext"].as_bool().unwrap_or(false));
    assert!(items.iter().enumerate().all(|(at, item)| item["id"].as_str() == Some(&*at.to_string())), "{items:?}");
    (items, error, messages.len())
}

#[tokio::test]
async fn compressed_responses_are_cut_too() {
    let body = list(20_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4096, 3, 20);
    brotli.write_all(body.as_bytes()).unwrap();
    for (encoding, body) in [("gzip", gzip.finish().unwrap()), ("br", brotli.into_inner())] {
        let header = format!("content-encoding: {encoding}\r\n");
        let response = http("200 OK", "application/json", &body, &header);
        let subgraph = Subgraph::raw(move |_| std::future::ready(response.clone())).await;
        let router = router(subgraph.url(), |config| config.traffic.all.compression = Some(true)).await;
        let (items, error, messages) = ask(&router).await;
        assert_eq!((items.len(), error), (20_000, None), "{encoding}");
        assert!(messages > 4, "{encoding}: {messages}");
        // The limit counts what comes out.
        let limited = |config: &mut Config| config.traffic.all.max_response_bytes = Some(ByteSize(100_000));
        let (items, error, _) = ask(&self::router(subgraph.url(), limited).await).await;
        assert_eq!(error.as_deref(), Some("SUBREQUEST_RESPONSE_TOO_LARGE"), "{encoding}");
        assert!((1000..4000).contains(&items.len()), "{encoding}: {}", items.len());
        // Half of it.
        let half = body[..body.len() / 2].to_vec();
        let cut = http("200 OK", "application/json", &half, &header);
        let subgraph = Subgraph::raw(move |_| std::future::ready(cut.clone())).await;
        let (items, error, _) = ask(&self::router(subgraph.url(), |_| {}).await).await;
        assert!(items.len() > 1000 && error.is_some(), "{encoding}: {} {error:?}", items.len());
    }
}

#[tokio::test]
async fn a_broken_connection_ends_the_list() {
    let mut response = http("200 OK", "application/json", list(20_000).as_bytes(), "");
    response.truncate(response.len() / 2);
    let subgraph = Subgraph::raw(move |_| std::future::ready(response.clone())).await;
    let router = router(subgraph.url(), |_| {}).await;
    let (items, error, _) = ask(&router).await;
    assert_eq!(error.as_deref(), Some("SUBREQUEST_HTTP_ERROR"));
    assert!(items.len() > 5000, "{}", items.len());
    // What was passed on is not asked for again.
    assert_eq!(subgraph.count(), 1);
    let failed =
        router.metric("braid_subgraph_failures_total{subgraph=\"products\",code=\"SUBREQUEST_HTTP_ERROR\"}").await;
    assert_eq!(failed, 1.0);
}

#[tokio::test]
async fn a_request_that_fails_at_once_is_sent_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let subgraph = Subgraph::raw(move |_| {
        std::future::ready(match count.fetch_add(1, Ordering::Relaxed) {
            0 => http("503 Service Unavailable", "text/plain", b"", ""),
            1 => Vec::new(),
            _ => http("200 OK", "application/json", list(100).as_bytes(), ""),
        })
    })
    .await;
    let router = router(subgraph.url(), |_| {}).await;
    let (items, error, _) = ask(&router).await;
    assert_eq!((items.len(), error, subgraph.count()), (100, None, 3));
}

#[tokio::test]
async fn a_refusal_is_what_it_is_without_streaming() {
    let body = br#"{"errors":[{"message":"no","extensions":{"code":"NOT_NOW"}}]}"#;
    let response = http("400 Bad Request", "application/graphql-response+json", body, "");
    let subgraph = Subgraph::raw(move |_| std::future::ready(response.clone())).await;
    let (items, error, messages) = ask(&router(subgraph.url(), |_| {}).await).await;
    assert_eq!((items.len(), error.as_deref(), messages), (0, Some("NOT_NOW"), 1));
}

/// A subgraph that writes a long list with a pause before each 64 KB, and counts what it could write.
async fn writer(pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let written = Arc::new(AtomicUsize::new(0));
    let count = written.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"data\":{\"products\":[null";
        stream.write_all(head.as_bytes()).await.unwrap();
        let items = r#",{"id":"1","name":"a lamp"}"#.repeat(2400);
        for _ in 0..1600 {
            tokio::time::sleep(pause).await;
            if stream.write_all(items.as_bytes()).await.is_err() {
                return;
            }
            count.fetch_add(items.len(), Ordering::Relaxed);
        }
        let _ = stream.write_all(b"]}}").await;
    });
    (url, written)
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_subgraph() {
    let (url, written) = writer(Duration::ZERO).await;
    let router = router(url, |config| config.traffic.all.max_response_bytes = Some(ByteSize(1 << 30))).await;
    let mut client = TcpStream::connect(router.address).await.unwrap();
    client.write_all(&post(&json!({ "query": QUERY }).to_string(), ACCEPT)).await.unwrap();
    let mut buffer = vec![0; 64 << 10];
    let mut read = client.read(&mut buffer).await.unwrap();
    let mut before = 0;
    // What the sockets hold is the system's.
    while written.load(Ordering::Relaxed) > before {
        before = written.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("{} KB were written when the client had read {} KB", before >> 10, read >> 10);
    assert!(before < 50_000_000, "{before}");
    loop {
        match client.read(&mut buffer).await.unwrap() {
            0 => break,
            more => read += more,
        }
    }
    assert!(written.load(Ordering::Relaxed) > 100_000_000 && read > 100_000_000, "{read}");
}

#[tokio::test]
async fn the_time_of_a_subgraph_holds_while_its_response_arrives() {
    let (url, written) = writer(Duration::from_millis(5)).await;
    let limit = Duration::from_millis(800);
    let router = router(url, |config| config.traffic.all.timeout = Some(braid_settings::Duration(limit))).await;
    let answer = router.send(&post(&json!({ "query": QUERY }).to_string(), ACCEPT)).await;
    let end = &answer.text()[answer.text().len() - 400..];
    assert!(end.contains("SUBREQUEST_TIMEOUT") && end.contains("\"hasNext\":false"), "{end}");
    assert!((200_000..90_000_000).contains(&written.load(Ordering::Relaxed)));
}
