//! Clients that misbehave: each gets an error or is disconnected, in time and in little memory, and the next one is served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid_settings::{ByteSize, Duration as Time};
use support::{Subgraph, TestRouter, exchange, post, router, supergraph};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUERY: &str = r#"{"query":"{ me { name } }"}"#;

async fn assert_serves(router: &TestRouter) {
    assert_eq!(router.post(QUERY).await.json()["data"]["me"]["name"], "Ada");
}

/// Sends the first bytes at once and the others one by one, with pauses. Returns what came back, and after what time.
async fn drip(router: &TestRouter, (at_once, slowly): (&[u8], &[u8]), pause: Duration) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let (mut reading, mut writing) = TcpStream::connect(router.address).await.unwrap().into_split();
    writing.write_all(at_once).await.unwrap();
    let slowly = slowly.to_vec();
    let sending = tokio::spawn(async move {
        for byte in slowly {
            tokio::time::sleep(pause).await;
            if writing.write_all(&[byte]).await.is_err() {
                return;
            }
        }
        // Closing this half would mean that the client has left.
        std::future::pending::<()>().await;
    });
    let mut received = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut received)).await.unwrap();
    sending.abort();
    (received, began.elapsed())
}

#[tokio::test]
async fn a_byte_at_a_time_is_too_slow() {
    let (router, _users, _orders) = router(|config| {
        config.server.header_timeout = Time::millis(500);
        config.server.body_timeout = Time::millis(500);
    })
    .await;
    let request = post(QUERY, "");
    let pause = Duration::from_millis(100);
    let (received, took) = drip(&router, (b"", &request), pause).await;
    assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&received));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let (received, took) = drip(&router, request.split_at(request.len() - QUERY.len()), pause).await;
    assert!(received.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&received));
    assert!(took < Duration::from_secs(5), "{took:?}");
    // One that is slow, but not too slow, is served.
    let (received, _) = drip(&router, request.split_at(request.len() - 5), Duration::from_millis(10)).await;
    assert!(received.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&received));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let large = format!("{{\"data\":{{\"me\":{{\"name\":\"{}\"}}}}}}", "x".repeat(16 << 20));
    let users = Subgraph::json(move |_| large.clone()).await;
    let router = TestRouter::start(supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
        config.server.write_timeout = Time::millis(400);
    })
    .await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(&post(QUERY, "")).await.unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // One of them is the connection that asks for the metric.
    assert_eq!(router.metric("braid_http_server_connections").await, 2.0);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(router.metric("braid_http_server_connections").await, 1.0);
    // A client that reads is served.
    assert!(router.post(QUERY).await.body.len() > 16 << 20);
}

#[tokio::test]
async fn huge_requests_get_short_errors() {
    const HUGE: usize = 10 << 20;
    let (router, _users, _orders) = router(|config| config.server.max_body_bytes = ByteSize(2 * HUGE)).await;
    let check = async |request: Vec<u8>, status: u16, code: &str| {
        let began = Instant::now();
        let answer = router.send(&request).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert!(answer.body.len() < 10_000, "{} bytes", answer.body.len());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_serves(&router).await;
    };
    let in_json = |query: &str| serde_json::json!({ "query": query }).to_string();
    let fields = "name ".repeat(HUGE / 5);
    check(post(&in_json(&format!("{{ me {{ {fields} }} }}")), ""), 200, "MAX_TOKENS_LIMIT").await;
    let text = "x".repeat(HUGE);
    check(post(&in_json(&format!("{{ me(x: \"{text}\") {{ name }} }}")), ""), 200, "GRAPHQL_VALIDATION_FAILED").await;
    check(post(&in_json(&format!("{{ {text} }}")), ""), 200, "GRAPHQL_VALIDATION_FAILED").await;
    check(post(&in_json(&text), ""), 200, "GRAPHQL_PARSE_FAILED").await;
    check(
        post(&format!("{{\"query\":\"{{ me {{ name }} }}\",\"variables\":\"{text}\"}}"), ""),
        400,
        "INVALID_GRAPHQL_REQUEST",
    )
    .await;
    let variables =
        format!("{{\"query\":\"query($x: Int) {{ me(x: $x) {{ name }} }}\",\"variables\":{{\"x\":\"{text}\"}}}}");
    check(post(&variables, ""), 200, "BAD_USER_INPUT").await;
    // Longer than the head of a request can be.
    let get = format!("GET /graphql?query={text} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = exchange(router.address, get.as_bytes()).await;
    assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    assert_serves(&router).await;
}

#[tokio::test]
async fn ten_megabytes_are_too_much_by_default() {
    let (router, _users, _orders) = router(|_| {}).await;
    let body = serde_json::json!({ "query": "x".repeat(10 << 20) }).to_string();
    let answer = router.send(&post(&body, "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert_serves(&router).await;
}

#[tokio::test]
async fn errors_say_what_is_invalid() {
    let (router, users, _orders) = router(|_| {}).await;
    let check = async |body: &[u8], status: u16, code: &str, message: &str| {
        let mut request = format!("POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        request.extend_from_slice(body);
        let answer = router.send(&request).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
        let said = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(message), "{said}");
    };
    let refused = async |body: &[u8], message: &str| check(body, 400, "INVALID_GRAPHQL_REQUEST", message).await;
    refused(br#"{"query":"{ me { name } }","query":"{ me { id } }"}"#, "\"query\" is given twice").await;
    refused(br#"{"query":"{ me { name } }","variables":{},"variables":{}}"#, "\"variables\" is given twice").await;
    refused(b"{\"query\":\"{ me { name } # \xff }\"}", "").await;
    refused(b"{\"query\":\"{ me { name } }\",\"variables\":{\"x\":\"\xc3\x28\"}}", "").await;
    refused(b"\xff\xfe{\0\"\0", "not valid JSON").await;
    refused(br#"{"query":"{ me { name } }","variables":{"x":NaN}}"#, "not valid JSON").await;
    refused(br#"{"query":"{ me { name } }","variables":{"x":-Infinity}}"#, "not valid JSON").await;
    refused(br#"{"query":"\ud800"}"#, "string that is not valid").await;
    refused(b"{\"query\":\"{ me { name } }\"}{\"query\":\"{ me { id } }\"}", "not valid JSON").await;
    refused(br#"{"query":"{ me { name } }","operationName":1}"#, "\"operationName\" must be a string").await;

    let wrong = async |x: &str, message: &str| {
        let body = format!("{{\"query\":\"query($x: Int) {{ me(x: $x) {{ name }} }}\",\"variables\":{{{x}}}}}");
        check(body.as_bytes(), 200, "BAD_USER_INPUT", message).await;
    };
    wrong(r#""x":"1""#, "Variable \"$x\" got an invalid value: expected Int, found \"1\"").await;
    wrong(r#""x":1.5"#, "expected Int, found 1.5").await;
    wrong(r#""x":2147483648"#, "expected Int, found 2147483648").await;
    wrong(r#""x":[1]"#, "expected Int").await;
    wrong(r#""x":1,"x":2"#, "gives \"x\" twice").await;
    wrong(r#""x":1e999"#, "expected Int, found 1e999").await;
    assert_eq!(users.count(), 0, "nothing is sent to subgraphs");
    let get = router.get("/graphql?query=%7Bme%7Bname%7D%7D%ff", "").await;
    assert_eq!(get.code(), "GRAPHQL_PARSE_FAILED", "{}", get.text());
    assert_serves(&router).await;
}

#[tokio::test]
async fn a_batch_is_streamed_and_cancelled_when_its_client_leaves() {
    let users = Subgraph::json(|_| support::ME.to_owned()).await;
    let (slow, held) = (Duration::from_secs(30), std::sync::Arc::new(tokio::sync::Notify::new()));
    let release = held.clone();
    let orders = Subgraph::raw(move |_| {
        let held = held.clone();
        async move {
            let _ = tokio::time::timeout(slow, held.notified()).await;
            support::ok(support::ORDERS)
        }
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
        config.server.batching.enabled = true;
        config.server.max_concurrent_requests = 1;
    })
    .await;
    let batch = post(r#"[{"query":"{ me { name } }"},{"query":"{ me { orders { id } } }"}]"#, "");
    let first_part = async || {
        let mut stream = TcpStream::connect(router.address).await.unwrap();
        stream.write_all(&batch).await.unwrap();
        let mut received = Vec::new();
        while !String::from_utf8_lossy(&received).contains("Ada") {
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(&mut received)).await;
            assert!(read.expect("the first answer waits for none").unwrap() > 0);
        }
        assert!(!String::from_utf8_lossy(&received).contains("o1"));
        stream
    };

    let mut stays = first_part().await;
    assert_eq!(router.metric("braid_http_server_active_requests").await, 1.0);
    assert_eq!(router.post(QUERY).await.status, 503, "it is in flight until its last part");
    release.notify_one();
    let mut rest = String::new();
    stays.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("o1"), "{rest}");
    assert_eq!(router.metric("braid_http_server_requests_total{status=\"2xx\"}").await, 1.0);

    drop(first_part().await);
    for _ in 0..200 {
        if router.metric("braid_http_server_active_requests").await == 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(router.metric("braid_http_server_active_requests").await, 0.0);
    assert_eq!(router.metric("braid_http_server_requests_total{status=\"4xx\"}").await, 1.0);
    assert_eq!(router.post(QUERY).await.status, 200);
}
