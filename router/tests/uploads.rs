//! Requests with files: what a subgraph of another make receives, that nothing is kept on the way, and what is refused.
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

use async_graphql::http::{MultipartOptions, receive_body};
use async_graphql::{Context, EmptySubscription, Object, Schema, Upload};
use braid::config::Config;
use braid_composition::{SubgraphSdl, compose};
use futures_util::io::{AsyncReadExt, Cursor};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pretty_assertions::assert_eq;
use support::{Answer, TestRouter, exchange};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

struct Query;

#[Object]
impl Query {
    async fn ping(&self) -> bool {
        true
    }
}

struct Mutation;

#[Object]
impl Mutation {
    /// What came of a file: its name, its type and its length.
    async fn keep(&self, ctx: &Context<'_>, file: Upload) -> String {
        described(ctx, file).await
    }

    async fn keep_all(&self, ctx: &Context<'_>, files: Vec<Upload>) -> Vec<String> {
        let mut all = Vec::new();
        for file in files {
            all.push(described(ctx, file).await);
        }
        all
    }
}

async fn described(ctx: &Context<'_>, file: Upload) -> String {
    let file = file.value(ctx).unwrap();
    let (name, kind) = (file.filename.clone(), file.content_type.clone().unwrap_or_default());
    let mut content = Vec::new();
    file.into_async_read().read_to_end(&mut content).await.unwrap();
    let sum: u64 = content.iter().map(|byte| u64::from(*byte)).sum();
    format!("{name} {kind} {} {sum}", content.len())
}

/// A subgraph by another implementation, and how many bytes of bodies it has received so far.
async fn subgraph() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(AtomicUsize::new(0));
    let counter = received.clone();
    let schema = Schema::build(Query, Mutation, EmptySubscription).finish();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (schema, counter) = (schema.clone(), counter.clone());
            let service = service_fn(move |request| respond(schema.clone(), counter.clone(), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, received)
}

async fn respond(
    schema: Schema<Query, Mutation, EmptySubscription>,
    received: Arc<AtomicUsize>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let content_type = request.headers()["content-type"].to_str().unwrap().to_owned();
    let (mut body, mut content) = (request.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().unwrap_or_default();
        received.fetch_add(data.len(), Ordering::Relaxed);
        content.extend_from_slice(&data);
    }
    let options = MultipartOptions::default();
    let request = receive_body(Some(content_type), Cursor::new(content), options).await.unwrap();
    let response = serde_json::to_vec(&schema.execute(request).await).unwrap();
    Ok(Response::builder().header("content-type", "application/json").body(Full::from(response)).unwrap())
}

async fn router(configure: impl FnOnce(&mut Config)) -> (TestRouter, Arc<AtomicUsize>) {
    let (address, received) = subgraph().await;
    let sdl = "scalar Upload type Query { ping: Boolean! }
        type Mutation { keep(file: Upload!): String! keepAll(files: [Upload!]!): [String!]! }";
    let url = format!("http://{address}/");
    let subgraph = SubgraphSdl { name: "files".to_owned(), url, sdl: sdl.to_owned(), file: None };
    let supergraph = compose(&[subgraph]).result.unwrap().supergraph_sdl;
    let router = TestRouter::start(supergraph, |config| {
        config.server.uploads.enabled = true;
        configure(config);
    })
    .await;
    (router, received)
}

const KEEP: &str = r#"{"query":"mutation($file: Upload!) { keep(file: $file) }","variables":{"file":null}}"#;

/// The parts of a body, each with its name, its other headers and its content.
fn body(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, more, content) in parts {
        body.extend_from_slice(
            format!("--sep\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--sep--\r\n");
    body
}

fn head(length: usize, headers: &str) -> Vec<u8> {
    format!("POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=sep\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes()
}

const PREFLIGHT: &str = "apollo-require-preflight: 1\r\n";

async fn send(router: &TestRouter, parts: &[(&str, &str, &[u8])]) -> Answer {
    let body = body(parts);
    exchange(router.address, &[head(body.len(), PREFLIGHT), body].concat()).await
}

#[tokio::test]
async fn files_reach_the_subgraph_with_their_names_and_types() {
    let (router, _) = router(|_| {}).await;
    let text = "; filename=\"a b.txt\"\r\ncontent-type: text/plain";
    let answer = send(
        &router,
        &[("operations", "", KEEP.as_bytes()), ("map", "", br#"{"x":["variables.file"]}"#), ("x", text, b"hello")],
    )
    .await;
    assert_eq!(answer.text(), r#"{"data":{"keep":"a b.txt text/plain 5 532"}}"#);
    let all = r#"{"query":"mutation($a: [Upload!]!, $b: Upload!) { first: keepAll(files: $a) second: keep(file: $b) }","variables":{"a":[null,null],"b":null}}"#;
    let map = br#"{"0":["variables.a.0"],"1":["variables.a.1"],"2":["variables.b"]}"#;
    let file = "; filename=\"f\"\r\ncontent-type: image/png";
    let parts: [(&str, &str, &[u8]); 5] = [
        ("operations", "", all.as_bytes()),
        ("map", "", map),
        ("0", file, &[1]),
        ("1", file, b""),
        ("2", file, &[2, 3]),
    ];
    let expected = r#"{"data":{"first":["f image/png 1 1","f image/png 0 0"],"second":"f image/png 2 5"}}"#;
    assert_eq!(send(&router, &parts).await.text(), expected);
    // Ordinary requests go on as before.
    assert_eq!(router.query("{ ping }").await.text(), r#"{"data":{"ping":true}}"#);
}

#[tokio::test]
async fn a_file_goes_on_while_it_comes_and_none_is_kept() {
    let (router, received) = router(|config| {
        config.server.uploads.max_file_bytes.0 = 200 << 20;
        config.server.uploads.max_total_bytes.0 = 200 << 20;
    })
    .await;
    const MIB: usize = 1 << 20;
    let content = vec![7; 64 * MIB];
    let file = "; filename=\"big\"\r\ncontent-type: application/octet-stream";
    let body = body(&[
        ("operations", "", KEEP.as_bytes()),
        ("map", "", br#"{"0":["variables.file"]}"#),
        ("0", file, &content),
    ]);
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(&head(body.len(), PREFLIGHT)).await.unwrap();
    let (first, rest) = body.split_at(MIB);
    stream.write_all(first).await.unwrap();
    let waited = async {
        while received.load(Ordering::Relaxed) < MIB / 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waited).await.expect("the file waits for its end");
    let answer = support::exchange_over(stream, rest).await;
    let expected = format!(r#"{{"data":{{"keep":"big application/octet-stream {} {}"}}}}"#, 64 * MIB, 7 * 64 * MIB);
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_code() {
    let (router, received) = router(|config| {
        config.server.uploads.max_files = 2;
        config.server.uploads.max_file_bytes.0 = 1000;
        config.server.uploads.max_total_bytes.0 = 1500;
    })
    .await;
    let file = "; filename=\"f\"";
    let operations = ("operations", "", KEEP.as_bytes());
    let map: (&str, &str, &[u8]) = ("map", "", br#"{"0":["variables.file"]}"#);
    let (small, large) = (("0", file, &[1; 10][..]), ("0", file, &[1; 2000][..]));
    let other = ("other", file, &[1; 10][..]);
    let three: (&str, &str, &[u8]) = ("map", "", br#"{"0":[],"1":[],"2":[]}"#);
    let elsewhere: (&str, &str, &[u8]) = ("map", "", br#"{"0":["variables.none"]}"#);
    let batch: (&str, &str, &[u8]) = ("operations", "", b"[]");
    type Parts<'a> = Vec<(&'a str, &'a str, &'a [u8])>;
    let cases: [(&str, Parts<'_>, u16, &str); 9] = [
        ("too large", vec![operations, map, large], 413, "UPLOADS_LIMIT_EXCEEDED"),
        ("too many", vec![operations, three, small], 413, "UPLOADS_LIMIT_EXCEEDED"),
        ("no map", vec![operations, small], 400, "INVALID_GRAPHQL_REQUEST"),
        ("map first", vec![map, operations, small], 400, "INVALID_GRAPHQL_REQUEST"),
        ("no file", vec![operations, map], 400, "INVALID_GRAPHQL_REQUEST"),
        ("another file", vec![operations, map, other], 400, "INVALID_GRAPHQL_REQUEST"),
        ("no such variable", vec![operations, elsewhere, small], 400, "INVALID_GRAPHQL_REQUEST"),
        ("a batch", vec![batch, map, small], 400, "INVALID_GRAPHQL_REQUEST"),
        ("nothing", vec![], 400, "INVALID_GRAPHQL_REQUEST"),
    ];
    for (name, parts, status, code) in cases {
        let answer = send(&router, &parts).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{name}: {}", answer.text());
    }
    // A body that ends early.
    let mut cut = body(&[operations, map, ("0", file, &[1; 900])]);
    cut.truncate(cut.len() - 300);
    let answer = exchange(router.address, &[head(cut.len(), PREFLIGHT), cut].concat()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_GRAPHQL_REQUEST"));
    // A form of another site can send this, so a header must show that it is none.
    let whole = body(&[operations, map, small]);
    let answer = exchange(router.address, &[head(whole.len(), ""), whole].concat()).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "CSRF_PREVENTION_FAILED"));
    let before = received.load(Ordering::Relaxed);
    assert_eq!(
        send(&router, &[operations, map, small]).await.text(),
        r#"{"data":{"keep":"f application/octet-stream 10 10"}}"#
    );
    assert!(received.load(Ordering::Relaxed) > before);
}

#[tokio::test]
async fn files_are_used_in_the_order_in_which_they_are_sent() {
    let (router, _) = router(|_| {}).await;
    let twice = r#"{"query":"mutation($a: Upload!, $b: Upload!) { one: keep(file: $b) two: keep(file: $a) }","variables":{"a":null,"b":null}}"#;
    let map = br#"{"0":["variables.a"],"1":["variables.b"]}"#;
    let file = "; filename=\"f\"";
    let answer =
        send(&router, &[("operations", "", twice.as_bytes()), ("map", "", map), ("0", file, b"a"), ("1", file, b"b")])
            .await;
    // Both fields are one request, which takes both files.
    assert_eq!(
        answer.text(),
        r#"{"data":{"one":"f application/octet-stream 1 98","two":"f application/octet-stream 1 97"}}"#
    );
}

#[tokio::test]
async fn files_are_refused_where_they_are_not_accepted() {
    let (router, _) = router(|config| config.server.uploads.enabled = false).await;
    let answer = send(&router, &[("operations", "", KEEP.as_bytes())]).await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "UPLOADS_NOT_ENABLED"));
}
