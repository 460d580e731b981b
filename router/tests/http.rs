//! GraphQL over HTTP: statuses, codes and headers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid_server::config::ExampleQuery;
use support::{TestRouter, exchange, post, router};
use tokio::io::AsyncWriteExt;

const QUERY: &str = r#"{"query":"{ me { name } }"}"#;
const JSON: &str = "content-type: application/json\r\n";
const NEW: &str = "accept: application/graphql-response+json\r\n";

async fn check(router: &TestRouter, method: &str, target: &str, headers: &str, body: &str, expected: (u16, &str)) {
    let length = if method == "POST" { format!("content-length: {}\r\n", body.len()) } else { String::new() };
    let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{length}{headers}\r\n{body}");
    let answer = router.send(request.as_bytes()).await;
    let code = if answer.body.is_empty() { "empty".to_owned() } else { answer.code() };
    assert_eq!((answer.status, code.as_str()), expected, "{method} {target} {headers} {body}: {}", answer.text());
}

#[tokio::test]
async fn statuses_and_codes() {
    let (router, _users, _orders) = router(|_| {}).await;
    let cases = [
        ("POST", "/graphql", JSON, QUERY, (200, "none")),
        ("POST", "/graphql", "content-type: application/json; charset=UTF-8\r\n", QUERY, (200, "none")),
        (
            "POST",
            "/graphql",
            "content-type: application/json; charset=utf-16\r\n",
            QUERY,
            (415, "UNSUPPORTED_CONTENT_TYPE"),
        ),
        ("POST", "/graphql", "content-type: text/plain\r\n", QUERY, (415, "UNSUPPORTED_CONTENT_TYPE")),
        ("POST", "/graphql", "", QUERY, (415, "UNSUPPORTED_CONTENT_TYPE")),
        ("POST", "/graphql", &format!("{JSON}accept: text/csv\r\n"), QUERY, (406, "NOT_ACCEPTABLE")),
        ("POST", "/graphql", JSON, "", (400, "INVALID_GRAPHQL_REQUEST")),
        ("POST", "/graphql", JSON, "{", (400, "INVALID_GRAPHQL_REQUEST")),
        ("POST", "/graphql", JSON, "\"x\"", (400, "INVALID_GRAPHQL_REQUEST")),
        ("POST", "/graphql", JSON, r#"{"query":{}}"#, (400, "INVALID_GRAPHQL_REQUEST")),
        ("POST", "/graphql", JSON, r#"{"query":"{ me { name } }","variables":[]}"#, (400, "INVALID_GRAPHQL_REQUEST")),
        (
            "POST",
            "/graphql",
            JSON,
            r#"{"extensions":{"persistedQuery":{"version":1}}}"#,
            (200, "PERSISTED_QUERY_NOT_SUPPORTED"),
        ),
        ("POST", "/graphql", JSON, "[]", (400, "BATCHING_NOT_ENABLED")),
        ("POST", "/graphql", JSON, r#"{"query":"{"}"#, (200, "GRAPHQL_PARSE_FAILED")),
        ("POST", "/graphql", &format!("{JSON}{NEW}"), r#"{"query":"{"}"#, (400, "GRAPHQL_PARSE_FAILED")),
        ("POST", "/graphql", &format!("{JSON}{NEW}"), r#"{"query":"{ nope }"}"#, (400, "GRAPHQL_VALIDATION_FAILED")),
        (
            "POST",
            "/graphql",
            &format!("{JSON}{NEW}"),
            r#"{"query":"query A { me { name } } query B { me { id } }"}"#,
            (400, "OPERATION_RESOLUTION_FAILURE"),
        ),
        (
            "POST",
            "/graphql",
            &format!("{JSON}{NEW}"),
            r#"{"query":"query($x: Int) { me(x: $x) { name } }","variables":{"x":"1"}}"#,
            (400, "BAD_USER_INPUT"),
        ),
        ("GET", "/graphql?query=%7Bme%7Bname%7D%7D", "", "", (200, "none")),
        (
            "GET",
            "/graphql?query=%7Bme%7Bname%7D%7D",
            "content-type: text/plain\r\n",
            "",
            (415, "UNSUPPORTED_CONTENT_TYPE"),
        ),
        ("GET", "/graphql", "", "", (400, "INVALID_GRAPHQL_REQUEST")),
        ("GET", "/graphql?query=%7Bme%7Bname%7D%7D&variables=1", "", "", (400, "INVALID_GRAPHQL_REQUEST")),
        (
            "GET",
            "/graphql?query=mutation%7Brename(name:%22x%22)%7Bid%7D%7D",
            "",
            "",
            (405, "MUTATION_NOT_ALLOWED_OVER_HTTP_GET"),
        ),
        (
            "GET",
            "/graphql?query=%7Bme%7Bname%7D%7D",
            "sec-fetch-site: cross-site\r\n",
            "",
            (403, "CSRF_PREVENTION_FAILED"),
        ),
        (
            "GET",
            "/graphql?query=%7Bme%7Bname%7D%7D",
            "sec-fetch-site: cross-site\r\ngraphql-require-preflight: 1\r\n",
            "",
            (200, "none"),
        ),
        ("PUT", "/graphql", "", "", (405, "METHOD_NOT_ALLOWED")),
        ("DELETE", "/graphql", "", "", (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/other", "", "", (404, "NOT_FOUND")),
        ("OPTIONS", "/graphql", "", "", (204, "empty")),
    ];
    for (method, target, headers, body, expected) in cases {
        check(&router, method, target, headers, body, expected).await;
    }
    let put = router.send(b"PUT /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(put.header("allow").as_deref(), Some("GET, POST"));
}

/// The first request of a client with automatic persisted queries, where they are switched off. Clients look at the message or the code of the error, and then send
/// the query.
#[tokio::test]
async fn a_hash_without_a_query_is_refused_alike_by_get_and_post() {
    let (router, users, _orders) = router(|config| config.persisted_operations.automatic.enabled = false).await;
    let hash = "b8d9506e34c83b0e53c2aa463624fcea354713bc38f95276e6f0bd893ffb5b88";
    let extensions = format!(r#"{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}"#);
    let body = format!(r#"{{"operationName":"Mine","variables":{{}},"extensions":{extensions}}}"#);
    let encoded = extensions.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    let target = format!("/graphql?operationName=Mine&variables=%7B%7D&extensions={encoded}");
    for (accept, media, status) in [
        ("application/json", "application/json", 200),
        ("application/graphql-response+json", "application/graphql-response+json", 400),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json", 400),
    ] {
        let headers = format!("accept: {accept}\r\n");
        let by_post = router.send(&post(&body, &headers)).await;
        let by_get = router.get(&target, &headers).await;
        for answer in [by_post, by_get] {
            assert_eq!(answer.status, status, "{accept}: {}", answer.text());
            assert!(answer.header("content-type").unwrap().starts_with(media), "{}", answer.head);
            let json = answer.json();
            assert_eq!(json["errors"][0]["message"], "PersistedQueryNotSupported");
            assert_eq!(json["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_SUPPORTED");
            assert_eq!(json.get("data"), None);
        }
    }
    // The next request of the client, and requests without a hash.
    let with_query = body.replacen('{', r#"{"query":"query Mine { me { name } }","#, 1);
    assert_eq!(router.post(&with_query).await.json()["data"]["me"]["name"], "Ada");
    check(&router, "POST", "/graphql", JSON, r#"{"extensions":{}}"#, (400, "INVALID_GRAPHQL_REQUEST")).await;
    check(&router, "GET", "/graphql?extensions=%7B%7D", "", "", (400, "INVALID_GRAPHQL_REQUEST")).await;
    assert_eq!(users.count(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let (router, _users, _orders) = router(|config| {
        config.server.max_body_bytes = braid_settings::ByteSize(100);
        config.server.max_headers = 20;
    })
    .await;
    let large = router.post(&format!("{{\"query\":\"{{ me {{ name }} }}\",\"x\":\"{}\"}}", "y".repeat(200))).await;
    assert_eq!((large.status, large.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    let chunked = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{JSON}transfer-encoding: chunked\r\n\r\nc8\r\n{}\r\n0\r\n\r\n",
        "y".repeat(200)
    );
    assert_eq!(router.send(chunked.as_bytes()).await.status, 413);
    let many: String = (0..30).map(|index| format!("x-{index}: 1\r\n")).collect();
    assert_eq!(router.send(&post(QUERY, &many)).await.status, 431);
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    assert_eq!(router.send(&post(QUERY, &long)).await.status, 431);
    assert!(router.metric("braid_limits_hit_total{code=\"PAYLOAD_TOO_LARGE\"}").await >= 2.0);
}

#[tokio::test]
async fn slow_clients_are_disconnected() {
    let (router, _users, _orders) = router(|config| {
        config.server.header_timeout = braid_settings::Duration::millis(300);
        config.server.body_timeout = braid_settings::Duration::millis(300);
    })
    .await;
    let mut half = post(QUERY, "");
    half.truncate(half.len() - 5);
    let body = router.send(&half).await;
    assert_eq!((body.status, body.code().as_str()), (408, "REQUEST_TIMEOUT"));

    for sent in [&b""[..], b"POST /gra", b"PRI * HT"] {
        let began = Instant::now();
        let mut stream = tokio::net::TcpStream::connect(router.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
        tokio::time::timeout(Duration::from_secs(5), closed).await.expect("the connection is closed").ok();
        assert!(began.elapsed() < Duration::from_secs(3));
    }
    assert_eq!(router.post(QUERY).await.status, 200);
}

#[tokio::test]
async fn batches_keep_their_order() {
    let (router, _users, _orders) = router(|config| {
        config.server.batching.enabled = true;
        config.server.batching.max = 3;
    })
    .await;
    let answer = router.post(r#"[{"query":"{ me { name } }"},{"query":"{ nope }"},{"query":"{ __typename }"}]"#).await;
    let json = answer.json();
    assert_eq!(json[0]["data"]["me"]["name"], "Ada");
    assert_eq!(json[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(json[2]["data"]["__typename"], "Query");
    let many = router.post(&format!("[{}]", [QUERY; 4].join(","))).await;
    assert_eq!((many.status, many.code().as_str()), (422, "BATCH_LIMIT_EXCEEDED"));
    let empty = router.post("[]").await;
    assert_eq!((empty.status, empty.code().as_str()), (400, "INVALID_GRAPHQL_REQUEST"));
}

#[tokio::test]
async fn responses_are_compressed_if_the_client_accepts_it() {
    let (router, _users, _orders) = router(|config| {
        config.server.compression.min_bytes = braid_settings::ByteSize(10);
    })
    .await;
    let plain = router.post(QUERY).await;
    assert_eq!(plain.header("content-encoding"), None);
    let gzip = router.send(&post(QUERY, "accept-encoding: gzip\r\n")).await;
    assert_eq!(gzip.header("content-encoding").as_deref(), Some("gzip"));
    let mut unpacked = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip.body[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.text());
    let br = router.send(&post(QUERY, "accept-encoding: gzip, br\r\n")).await;
    assert_eq!(br.header("content-encoding").as_deref(), Some("br"));
    let mut unpacked = String::new();
    std::io::Read::read_to_string(&mut brotli::Decompressor::new(&br.body[..], 4096), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.text());
    let refused = router.send(&post(QUERY, "accept-encoding: gzip;q=0\r\n")).await;
    assert_eq!(refused.header("content-encoding"), None);
}

#[tokio::test]
async fn pages_of_allowed_origins_can_send_requests() {
    let (router, _users, _orders) = router(|config| {
        config.server.cors.origins = vec!["https://shop.example".to_owned()];
        config.server.cors.credentials = true;
    })
    .await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n\r\n"
        )
    };
    let allowed = router.send(preflight("https://shop.example").as_bytes()).await;
    assert_eq!(allowed.header("access-control-allow-origin").as_deref(), Some("https://shop.example"));
    assert_eq!(allowed.header("access-control-allow-headers").as_deref(), Some("content-type"));
    assert_eq!(allowed.header("access-control-allow-credentials").as_deref(), Some("true"));
    let other = router.send(preflight("https://evil.example").as_bytes()).await;
    assert_eq!(other.header("access-control-allow-origin"), None);
    let answer = router.send(&post(QUERY, "origin: https://shop.example\r\n")).await;
    assert_eq!(answer.header("access-control-allow-origin").as_deref(), Some("https://shop.example"));
}

#[tokio::test]
async fn browsers_get_a_page_under_a_strict_policy() {
    let (router, _users, _orders) = router(|config| {
        config.server.playground.title = "A title".to_owned();
        config
            .server
            .playground
            .queries
            .push(ExampleQuery { query: "{ me { id } }".to_owned(), ..ExampleQuery::default() });
    })
    .await;
    for target in ["/", "/graphql"] {
        let page = router.get(target, "accept: text/html,*/*;q=0.8\r\n").await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert!(!page.text().contains("<script>") && !page.text().contains("http"), "everything is local");
    }
    let settings = router.get("/playground/config.json", "").await.json();
    assert_eq!(settings["title"], "A title");
    assert_eq!(settings["queries"][0]["query"], "{ me { id } }");
    for (file, content_type) in [("/playground/playground.js", "text/javascript"), ("/favicon.ico", "image/svg+xml")] {
        let file = router.get(file, "").await;
        assert!(file.status == 200 && file.header("content-type").unwrap().starts_with(content_type));
    }
    assert_eq!(router.get("/assets/../Cargo.toml", "").await.status, 404);
}

#[tokio::test]
async fn health_and_stop() {
    let (mut router, _users, _orders) = router(|config| {
        config.server.shutdown_delay = braid_settings::Duration::millis(600);
    })
    .await;
    for target in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(router.get(target, "").await.json()["status"], "UP");
    }
    let subgraphs = router.get("/health/ready?subgraphs", "").await.json();
    assert_eq!(subgraphs["subgraphs"][0]["name"], "users");
    router.begin_stop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(router.get("/health/ready", "").await.status, 503);
    assert_eq!(router.get("/health/live", "").await.status, 200);
    assert_eq!(router.post(QUERY).await.status, 200);
}

#[tokio::test]
async fn requests_in_flight_finish() {
    let users = support::Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        support::ok(support::ME)
    })
    .await;
    let router = TestRouter::start(support::supergraph(&users.url(), "http://127.0.0.1:1/"), |_| {}).await;
    let address = router.address;
    let asked = tokio::spawn(async move { exchange(address, &post(QUERY, "")).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    router.stop().await;
    assert_eq!(asked.await.unwrap().json()["data"]["me"]["name"], "Ada");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn too_many_concurrent_requests_are_refused() {
    let users = support::Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        support::ok(support::ME)
    })
    .await;
    let router = TestRouter::start(support::supergraph(&users.url(), "http://127.0.0.1:1/"), |config| {
        config.server.max_concurrent_requests = 1;
    })
    .await;
    let address = router.address;
    let first = tokio::spawn(async move { exchange(address, &post(QUERY, "")).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let second = router.post(QUERY).await;
    assert_eq!((second.status, second.code().as_str()), (503, "REQUEST_CONCURRENCY_LIMITED"));
    assert_eq!(second.header("retry-after").as_deref(), Some("1"));
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(router.post(QUERY).await.status, 200);
    assert_eq!(router.metric("braid_limits_hit_total{code=\"REQUEST_CONCURRENCY_LIMITED\"}").await, 1.0);
}
