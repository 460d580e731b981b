//! Faults of subgraphs, for a root fetch and for an entity fetch: before the deadline the client gets an error with a code and the rest
//! of the data, and the next request after the subgraph has recovered succeeds.
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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid::config::Config;
use braid_settings::{ByteSize, Duration as Time};
use serde_json::{Value, json};
use support::{Answer, ME, ORDERS, Subgraph, TestRouter, http, ok, supergraph};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const QUERY: &str = "{ me { name orders { id total } } }";
const RIGHT: &str = r#"{"data":{"me":{"name":"Ada","orders":[{"id":"o1","total":12.50}]}}}"#;
const MAX_ANSWER: usize = 24 << 20;
/// What is in socket buffers in addition to what the router has read.
const IN_BUFFERS: usize = 16 << 20;
const MAX_ERRORS: usize = 20;

#[derive(Clone)]
enum Fault {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Does not listen.
    Refused,
    /// Sends half a response, then RST.
    Reset,
    /// Accepts the request and does not respond.
    Silence,
    /// Sends a byte now and then.
    Drip,
    /// Sends a response of unknown length, up to 2 GB.
    Flood,
}

#[derive(Clone, Copy, PartialEq)]
enum Fetch {
    Root,
    Entity,
}

/// A subgraph with a fault until it is healed.
struct Patient {
    address: SocketAddr,
    broken: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    socket: Option<TcpSocket>,
    good: &'static str,
}

impl Patient {
    fn new(fault: Fault, good: &'static str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let mut patient =
            Self { address, broken: Arc::new(true.into()), sent: Arc::default(), socket: Some(socket), good };
        if !matches!(fault, Fault::Refused) {
            patient.listen(fault);
        }
        patient
    }

    fn listen(&mut self, fault: Fault) {
        let listener = self.socket.take().unwrap().listen(64).unwrap();
        let (broken, sent, good) = (self.broken.clone(), self.sent.clone(), self.good);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault = if broken.load(Ordering::Relaxed) { fault.clone() } else { Fault::Bytes(ok(good)) };
                tokio::spawn(misbehave(stream, fault, sent.clone()));
            }
        });
    }

    fn heal(&mut self) {
        self.broken.store(false, Ordering::Relaxed);
        if self.socket.is_some() {
            self.listen(Fault::Silence);
        }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

async fn misbehave(mut stream: TcpStream, fault: Fault, sent: Arc<AtomicUsize>) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    if matches!(fault, Fault::Reset) {
        // Closing a socket with unread bytes sends RST.
        stream.readable().await.unwrap();
        let _ = stream.write_all(HEAD).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        return;
    }
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    match fault {
        Fault::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Fault::Drip => {
            let mut written = stream.write_all(HEAD).await;
            while written.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                written = stream.write_all(b" ").await;
            }
        }
        Fault::Flood => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{";
            let mut written = stream.write_all(head).await;
            let chunk = vec![b' '; 1 << 16];
            while written.is_ok() && sent.fetch_add(chunk.len(), Ordering::Relaxed) < 2 << 30 {
                written = stream.write_all(&chunk).await;
            }
        }
        Fault::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
        Fault::Refused | Fault::Reset => {}
    }
}

fn configure(config: &mut Config) {
    config.traffic.all.timeout = Some(Time::millis(1500));
    config.traffic.all.max_response_bytes = Some(ByteSize(MAX_ANSWER));
    config.limits.max_errors = MAX_ERRORS;
}

/// Sends a query while the subgraph has the fault, and one after it is healed. Returns the first response.
async fn ask(name: &str, fault: Fault, fetch: Fetch) -> Answer {
    let mut patient = Patient::new(fault, if fetch == Fetch::Root { ME } else { ORDERS });
    let healthy = Subgraph::json(move |_| if fetch == Fetch::Root { ORDERS } else { ME }.to_owned()).await;
    let supergraph = match fetch {
        Fetch::Root => supergraph(&patient.url(), &healthy.url()),
        Fetch::Entity => supergraph(&healthy.url(), &patient.url()),
    };
    let router = TestRouter::start(supergraph, configure).await;
    let began = Instant::now();
    let answer = router.query(QUERY).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{name} took {:?}", began.elapsed());
    assert_eq!(answer.status, 200, "{name}");
    let sent = patient.sent.load(Ordering::Relaxed);
    assert!(sent < MAX_ANSWER + IN_BUFFERS, "{name}: {sent} bytes were taken");
    patient.heal();
    assert_eq!(router.query(QUERY).await.text(), RIGHT, "after {name}");
    answer
}

fn expected_data(fetch: Fetch) -> Value {
    if fetch == Fetch::Root { json!({ "me": null }) } else { json!({ "me": { "name": "Ada", "orders": null } }) }
}

/// Expects one error with the code, at the field that is null, and the rest of the data.
async fn check(name: &str, fault: Fault, fetch: Fetch, code: &str) {
    let answer = ask(name, fault, fetch).await.json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{name}: {answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{name}: {answer}");
    assert_eq!(answer["data"], expected_data(fetch), "{name}");
    if fetch == Fetch::Entity {
        assert_eq!(answer["errors"][0]["path"][0], "me", "{name}: {answer}");
    }
}

async fn check_both(name: &str, fault: Fault, code: &str) {
    check(name, fault.clone(), Fetch::Root, code).await;
    check(name, fault, Fetch::Entity, code).await;
}

#[tokio::test]
async fn connections_fail() {
    check_both("refused", Fault::Refused, "SUBREQUEST_HTTP_ERROR").await;
    check_both("reset in the middle", Fault::Reset, "SUBREQUEST_HTTP_ERROR").await;
    check_both("closed at once", Fault::Bytes(Vec::new()), "SUBREQUEST_HTTP_ERROR").await;
    let mut cut = ok(ME);
    cut.truncate(cut.len() - 10);
    check_both("cut short", Fault::Bytes(cut), "SUBREQUEST_HTTP_ERROR").await;
    check_both("not HTTP", Fault::Bytes(b"hello\r\n\r\n".to_vec()), "SUBREQUEST_HTTP_ERROR").await;
}

#[tokio::test]
async fn time_runs_out() {
    check_both("silence", Fault::Silence, "SUBREQUEST_TIMEOUT").await;
    check_both("drip", Fault::Drip, "SUBREQUEST_TIMEOUT").await;
}

#[tokio::test]
async fn http_is_wrong() {
    const REFUSED: &[u8] = br#"{"errors":[{"message":"m","extensions":{"code":"DOWN"}}]}"#;
    let bytes = |status, content_type, body: &[u8], headers| Fault::Bytes(http(status, content_type, body, headers));
    check_both("HTML", bytes("200 OK", "text/html", b"<html>", ""), "SUBREQUEST_MALFORMED_RESPONSE").await;
    check_both("500 without JSON", bytes("500 Oops", "text/plain", b"oops", ""), "SUBREQUEST_HTTP_ERROR").await;
    check_both("500 with JSON of errors", bytes("500 Oops", "application/json", REFUSED, ""), "DOWN").await;
    check_both("500 with other JSON", bytes("500 Oops", "application/json", b"{}", ""), "SUBREQUEST_HTTP_ERROR").await;
    let redirect = bytes("302 Found", "text/plain", b"", "location: http://127.0.0.1:1/\r\n");
    check_both("redirect", redirect, "SUBREQUEST_MALFORMED_RESPONSE").await;
    let zip = bytes("200 OK", "application/json", b"x", "content-encoding: zip\r\n");
    check_both("an unknown packing", zip, "SUBREQUEST_MALFORMED_RESPONSE").await;
}

#[tokio::test]
async fn answers_are_huge() {
    let declared = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2147483648\r\n\r\n{".to_vec();
    check_both("2 GB declared", Fault::Bytes(declared), "SUBREQUEST_RESPONSE_TOO_LARGE").await;
    check_both("2 GB undeclared", Fault::Flood, "SUBREQUEST_RESPONSE_TOO_LARGE").await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &vec![b' '; 2 * MAX_ANSWER]).unwrap();
    let bomb = http("200 OK", "application/json", &encoder.finish().unwrap(), "content-encoding: gzip\r\n");
    check_both("a bomb", Fault::Bytes(bomb), "SUBREQUEST_RESPONSE_TOO_LARGE").await;
}

#[tokio::test]
async fn json_is_wrong() {
    let body = |body: &str| Fault::Bytes(ok(body));
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    for malformed in ["", "{\"data\":", "[]", "1", "{\"data\":[]}", "{\"data\":1}", "{\"data\":{\"me\":NaN}}", "{}"] {
        check_both(malformed, body(malformed), "SUBREQUEST_MALFORMED_RESPONSE").await;
    }
    // A list instead of an object is refused before its nesting is looked at.
    for (open, close, bare) in
        [("[", "]", "SUBREQUEST_MALFORMED_RESPONSE"), ("{\"a\":", "}", "SUBREQUEST_RESPONSE_TOO_DEEP")]
    {
        let nested = deep(open, close);
        check_both("100,000 levels", body(&nested), bare).await;
        for answer in [format!("{{\"data\":{nested}}}"), format!("{{\"data\":{{\"me\":{nested}}}}}")] {
            check_both("100,000 levels below", body(&answer), "SUBREQUEST_RESPONSE_TOO_DEEP").await;
        }
    }
}

#[tokio::test]
async fn data_is_of_the_wrong_shape() {
    let body = |body: &str| Fault::Bytes(ok(body));
    let root = |me: &str| body(&format!("{{\"data\":{{\"me\":{me}}}}}"));
    check("a string for an object", root("\"x\""), Fetch::Root, "SUBREQUEST_INVALID_VALUE").await;
    check("a list for an object", root("[1]"), Fetch::Root, "SUBREQUEST_INVALID_VALUE").await;
    let entities = |list: &str| body(&format!("{{\"data\":{{\"_entities\":{list}}}}}"));
    let one = r#"{"orders":[{"id":"o1","total":1}]}"#;
    check("too few", entities("[]"), Fetch::Entity, "SUBREQUEST_MALFORMED_RESPONSE").await;
    // The entities that were asked for are used.
    let answer = ask("too many", entities(&format!("[{one},{one}]")), Fetch::Entity).await.json();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SUBREQUEST_MALFORMED_RESPONSE");
    assert_eq!(answer["data"]["me"]["orders"], json!([{ "id": "o1", "total": 1 }]));
    check("no list", entities(one), Fetch::Entity, "SUBREQUEST_MALFORMED_RESPONSE").await;
    check("no object", entities("[1]"), Fetch::Entity, "SUBREQUEST_MALFORMED_RESPONSE").await;
    check("an object for a list", entities(r#"[{"orders":{}}]"#), Fetch::Entity, "SUBREQUEST_INVALID_VALUE").await;
}

#[tokio::test]
async fn a_million_errors_come_to_a_few() {
    let errors = vec!["{\"message\":\"m\"}"; 1_000_000].join(",");
    for fetch in [Fetch::Root, Fetch::Entity] {
        let fault = Fault::Bytes(ok(&format!("{{\"data\":null,\"errors\":[{errors}]}}")));
        let answer = ask("1,000,000 errors", fault, fetch).await.json();
        assert_eq!(answer["data"], expected_data(fetch));
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), MAX_ERRORS + 1);
        assert_eq!(errors[MAX_ERRORS]["extensions"]["code"], "TOO_MANY_ERRORS");
    }
}
