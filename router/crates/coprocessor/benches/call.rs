//! What a call to the coprocessor takes beside the round trip: the same bytes are sent and received by the HTTP client alone, and by the stage that
//! every request passes, with headers, context and body selected. The service answers with what it was sent, as one that changes nothing does.
//!
//! The figures are medians of calls in turns, so that both are measured on the same machine under the same load.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench is no API, a panic in it is its report, and figures are for people to read"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use braid_coprocessor::Coprocessor;
use braid_coprocessor::config::CoprocessorConfig;
use braid_net::Endpoint;
use braid_net::config::TlsClientConfig;
use braid_plugin::{Plugin, RequestStage};
use braid_request_context::RequestContext;
use braid_request_context::headers::HeaderPlans;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CALLS: usize = 20_000;

const BODY: &[u8] = br#"{"query":"query Product($id: ID!) { product(id: $id) { id name price { amount currency } } }","variables":{"id":"1"}}"#;

const HEADERS: [(&str, &str); 9] = [
    ("host", "shop.example"),
    ("content-type", "application/json"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, br"),
    ("accept-language", "en-GB,en;q=0.9"),
    ("authorization", "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1ZjBjMmY2MCJ9.c2lnbmF0dXJl"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("x-request-id", "5f0c2f60-9a70-4f5e-8f1e-2d3b8c1f0a11"),
    ("origin", "https://shop.example"),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let last = Arc::new(Mutex::new(Bytes::new()));
    tokio::spawn(serve(listener, last.clone()));

    let config = CoprocessorConfig { url: Some(url.clone()), ..CoprocessorConfig::default() };
    let config: CoprocessorConfig = {
        let selected = "router: { request: { headers: true, context: all, body: true } }";
        let CoprocessorConfig { router, .. } = serde_saphyr::from_str(selected).unwrap();
        CoprocessorConfig { router, ..config }
    };
    let coprocessor = Coprocessor::new(&config, "", &Arc::new(Metrics::default())).unwrap().unwrap();
    stage(&coprocessor).await;
    let sent = last.lock().unwrap().clone();

    let endpoint = Endpoint::new(&url, &TlsClientConfig::default(), 1 << 20, Duration::from_secs(1)).unwrap();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let (mut trips, mut stages) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    for _ in 0..CALLS {
        let began = Instant::now();
        let (_, received) = endpoint.post(headers.clone(), sent.clone()).await.unwrap();
        trips.push(began.elapsed());
        assert_eq!(received, sent);
        stages.push(stage(&coprocessor).await);
    }
    let (trip, stage) = (median(trips), median(stages));
    let more = stage.saturating_sub(trip);
    println!("{} bytes there and back: round trip {trip:.1?}, the stage {stage:.1?}, {more:.1?} more", sent.len());
}

/// How long a request is at its first stage.
async fn stage(coprocessor: &Coprocessor) -> Duration {
    let plans = Arc::new(HeaderPlans::new(&Default::default(), std::iter::empty()).unwrap());
    let (mut head, ()) = http::Request::new(()).into_parts();
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    head.headers.extend(HEADERS.into_iter().map(header));
    let mut context = RequestContext::new(head, None, Duration::from_secs(60), plans);
    let mut body = Bytes::from_static(BODY);
    let began = Instant::now();
    coprocessor.request(&mut RequestStage { context: &mut context, body: &mut body }).await.unwrap();
    began.elapsed()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

/// Answers each request with its body.
async fn serve(listener: TcpListener, last: Arc<Mutex<Bytes>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(echo(stream, last.clone()));
    }
}

async fn echo(mut stream: TcpStream, last: Arc<Mutex<Bytes>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut received = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(found) = whole(&received) {
                break found;
            }
            if stream.read_buf(&mut received).await.ok()? == 0 {
                return None;
            }
        };
        let body = Bytes::copy_from_slice(&received[head..head + length]);
        received.drain(..head + length);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(&[answer.as_bytes(), &body].concat()).await.ok()?;
        *last.lock().unwrap() = body;
    }
}

/// The lengths of head and body of a request that is there as a whole.
fn whole(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..head]).ok()?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
    (received.len() >= head + length).then_some((head, length))
}
