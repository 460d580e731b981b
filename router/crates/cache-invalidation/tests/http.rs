//! Invalidations over HTTP: what is done, what is refused, and that a refused request does nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid_cache_invalidation::config::InvalidationConfig;
use braid_cache_store::{Invalidation, Position};
use braid_events::config::EventsConfig;
use braid_settings::Secret;
use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use support::{config, entity, last_of, post, raw, target, ways};

#[tokio::test]
async fn each_kind_invalidates_what_it_says() {
    let target = target();
    let (_ways, address) = ways(&config(None), &target).await;
    let ty = |subgraph: Option<&str>, ty: &str| Invalidation::Type {
        subgraph: subgraph.map(str::to_owned),
        ty: ty.to_owned(),
    };
    let tag = |subgraph: Option<&str>, tag: &str| Invalidation::Tag {
        subgraph: subgraph.map(str::to_owned),
        tag: tag.to_owned(),
    };
    let cases = [
        (json!({ "kind": "subgraph", "subgraph": "a" }), vec![Invalidation::Subgraph("a".to_owned())]),
        (
            json!({ "kind": "subgraph", "subgraphs": ["a", "b"] }),
            vec![Invalidation::Subgraph("a".to_owned()), Invalidation::Subgraph("b".to_owned())],
        ),
        (json!({ "kind": "type", "subgraph": "b", "type": "Product" }), vec![ty(Some("b"), "Product")]),
        // An interface stands for what implements it.
        (json!({ "kind": "type", "type": "Media" }), vec![ty(None, "Book"), ty(None, "Film")]),
        (
            json!({ "kind": "entity", "subgraph": "a", "type": "Product", "key": { "id": 1 } }),
            vec![entity(Some("a"), "Product", json!({ "id": "1" }))],
        ),
        (
            json!({ "kind": "entity", "type": "Product", "key": { "sku": "s", "maker": { "id": "m" } } }),
            vec![entity(None, "Product", json!({ "maker": { "id": "m" }, "sku": "s" }))],
        ),
        (
            json!({ "kind": "cache_tag", "subgraphs": ["a", "b"], "cache_tag": "é {\"x\"}" }),
            vec![tag(Some("a"), "é {\"x\"}"), tag(Some("b"), "é {\"x\"}")],
        ),
        (json!({ "kind": "cache_tag", "cache_tag": "t" }), vec![tag(None, "t")]),
    ];
    let mut before = Position::default();
    for (item, expected) in cases {
        let (status, body) = post(address, "", &json!([item]).to_string()).await;
        assert_eq!((status, &body["count"]), (200, &json!(1)), "{item}: {body}");
        let position = Position(body["position"].as_str().unwrap().parse().unwrap());
        assert!(position > before);
        for invalidation in &expected {
            assert_eq!(last_of(&target, invalidation), position, "{item}");
        }
        before = position;
    }
    // One that is no list, and several at once.
    let (_, body) = post(address, "", r#"{"kind":"cache_tag","cache_tag":"single"}"#).await;
    assert_eq!(body["count"], 1);
    let (_, body) = post(address, "", r#"[{"kind":"all"},{"kind":"subgraph","subgraph":"b"}]"#).await;
    assert_eq!(body["count"], 2);
    assert_eq!(last_of(&target, &tag(None, "never")).0.to_string(), body["position"].as_str().unwrap());
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_nothing_is_done() {
    let target = target();
    let (_ways, address) = ways(&config(None), &target).await;
    let fine = r#"{"kind":"all"}"#;
    let many = format!("[{}]", vec![fine; 1001].join(","));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases = [
        (String::new(), "INVALIDATION_MALFORMED", "not JSON"),
        ("[".to_owned(), "INVALIDATION_MALFORMED", "not JSON"),
        (deep, "INVALIDATION_MALFORMED", "not JSON"),
        ("7".to_owned(), "INVALIDATION_MALFORMED", "must be an object"),
        ("[]".to_owned(), "INVALIDATION_MALFORMED", "nothing to invalidate"),
        (many, "INVALIDATION_MALFORMED", "1001 items"),
        (format!("[{fine},7]"), "INVALIDATION_MALFORMED", "item 2"),
        (r#"{"kind":"alll"}"#.to_owned(), "INVALIDATION_MALFORMED", "unknown variant `alll`, expected one of `all`"),
        (r#"{"subgraph":"a"}"#.to_owned(), "INVALIDATION_MALFORMED", "missing field `kind`"),
        (r#"{"kind":"all","type":"Product"}"#.to_owned(), "INVALIDATION_MALFORMED", "unknown field `type`"),
        (r#"{"kind":"type","typ":"Product"}"#.to_owned(), "INVALIDATION_MALFORMED", "unknown field `typ`"),
        (r#"{"kind":"entity","type":"Product","key":"1"}"#.to_owned(), "INVALIDATION_MALFORMED", "expected a map"),
        (r#"{"kind":"subgraph"}"#.to_owned(), "INVALIDATION_UNKNOWN", "it has no subgraph"),
        (
            format!(r#"[{fine},{{"kind":"subgraph","subgraph":"c"}}]"#),
            "INVALIDATION_UNKNOWN",
            "item 2: the subgraph \"c\" is unknown; there are \"a\", \"b\"",
        ),
        (r#"{"kind":"type","type":"Produkt"}"#.to_owned(), "INVALIDATION_UNKNOWN", "\"Produkt\" is not an object type"),
        (r#"{"kind":"type","type":"ID"}"#.to_owned(), "INVALIDATION_UNKNOWN", "\"ID\" is not an object type"),
        (
            r#"{"kind":"type","subgraph":"b","type":"Maker"}"#.to_owned(),
            "INVALIDATION_UNKNOWN",
            "the subgraph \"b\" does not have the type \"Maker\"",
        ),
        (
            r#"{"kind":"entity","type":"Product","key":{}}"#.to_owned(),
            "INVALIDATION_UNKNOWN",
            "Product has no key with these fields; its keys are \"id\", \"sku maker { id }\"",
        ),
        (
            r#"{"kind":"entity","subgraph":"b","type":"Product","key":{"sku":"1","maker":{"id":"1"}}}"#.to_owned(),
            "INVALIDATION_UNKNOWN",
            "its keys are \"id\".",
        ),
        (
            r#"{"kind":"entity","type":"Product","key":{"id":{"a":1}}}"#.to_owned(),
            "INVALIDATION_UNKNOWN",
            "no key with these fields",
        ),
        (r#"{"kind":"entity","type":"Maker","key":{"id":"1"}}"#.to_owned(), "INVALIDATION_UNKNOWN", "Maker has no key"),
        (r#"{"kind":"cache_tag","cache_tag":""}"#.to_owned(), "INVALIDATION_UNKNOWN", "the cache tag is empty"),
    ];
    for (body, code, message) in cases {
        let (status, answer) = post(address, "", &body).await;
        let error = &answer["errors"][0];
        assert_eq!((status, &error["extensions"]["code"]), (400, &json!(code)), "{answer}");
        assert!(error["message"].as_str().unwrap().contains(message), "{answer}");
    }
    assert_eq!(target.store.invalidations.last(), Position::default());
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let target = target();
    let (_ways, address) = ways(&config(None), &target).await;
    let all = r#"{"kind":"all"}"#;
    let head = |line: &str, headers: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}");
    let body = format!("content-length: {}\r\n\r\n{all}", all.len());
    let json = "content-type: application/json\r\n";
    for (request, expected) in [
        (head("POST /", json) + &body, "404"),
        (head("POST /invalidation/", json) + &body, "404"),
        (head("GET /invalidation", "") + "\r\n", "405"),
        (head("POST /invalidation", "content-type: text/plain\r\n") + &body, "415"),
        (head("POST /invalidation", "") + &body, "415"),
        // A website in the browser of somebody on this machine.
        (head("POST /invalidation", &format!("{json}origin: https://evil.example\r\n")) + &body, "403"),
        (head("POST /invalidation", json) + "content-length: 2000000\r\n\r\n" + &" ".repeat(2_000_000), "413"),
        (head("POST /invalidation", json) + "transfer-encoding: chunked\r\n\r\nzz\r\n", "400"),
    ] {
        let response = raw(address, &request).await;
        assert_eq!(response.get(9..12), Some(expected), "{response}");
    }
    assert_eq!(target.store.invalidations.last(), Position::default());
}

#[tokio::test]
async fn only_those_with_the_secret_may_invalidate() {
    let target = target();
    let (_ways, address) = ways(&config(Some("s3cret")), &target).await;
    let all = r#"{"kind":"all"}"#;
    for wrong in [
        "",
        "authorization: s3cre\r\n",
        "authorization: s3crett\r\n",
        "authorization: Basic s3cret\r\n",
        "authorization: Bearer\r\n",
    ] {
        let (status, answer) = post(address, wrong, all).await;
        assert_eq!(
            (status, &answer["errors"][0]["extensions"]["code"]),
            (401, &json!("INVALIDATION_UNAUTHORIZED")),
            "{wrong}"
        );
    }
    assert_eq!(target.store.invalidations.last(), Position::default());
    for right in ["authorization: s3cret\r\n", "authorization: Bearer s3cret\r\n", "Authorization: bearer  s3cret \r\n"]
    {
        assert_eq!(post(address, right, all).await.0, 200, "{right}");
    }
}

#[tokio::test]
async fn a_listener_outlives_reloads_and_takes_over_what_they_change() {
    let target = target();
    let (ways, address) = ways(&config(Some("one")), &target).await;
    let mut open = TcpStream::connect(address).await.unwrap();
    let all = r#"{"kind":"all"}"#;
    let brokers = EventsConfig::default();
    let changed = InvalidationConfig { secret: Some(Secret("two".to_owned())), ..config(None) };
    ways.follow(Some(&changed), &brokers, None).await.unwrap();
    assert_eq!(ways.address().await, Some(address));
    assert_eq!(post(address, "authorization: one\r\n", all).await.0, 401);
    assert_eq!(post(address, "authorization: two\r\n", all).await.0, 200);
    let request = format!(
        "POST /invalidation HTTP/1.1\r\nhost: x\r\nauthorization: two\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{all}",
        all.len()
    );
    open.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    open.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");

    // An address that is taken: what there is stays.
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = InvalidationConfig { listen: Some(taken.local_addr().unwrap()), ..changed.clone() };
    let error = ways.follow(Some(&elsewhere), &brokers, None).await.unwrap_err();
    assert!(error.to_string().contains("could not listen on"), "{error}");
    assert_eq!(post(address, "authorization: two\r\n", all).await.0, 200);
    drop(taken);
    ways.follow(Some(&elsewhere), &brokers, None).await.unwrap();
    assert_eq!(post(elsewhere.listen.unwrap(), "authorization: two\r\n", all).await.0, 200);

    ways.follow(Some(&InvalidationConfig::default()), &brokers, None).await.unwrap();
    assert_eq!(ways.address().await, None);
    let closed = async {
        while TcpStream::connect(elsewhere.listen.unwrap()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_router_stops() {
    let target = target();
    let (ways, address) = ways(&config(None), &target).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /invalidation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{\"kind\"";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let rest = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b":\"all\"}").await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    };
    let (response, ()) = tokio::join!(rest, ways.shut_down());
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let target = target();
    let (_ways, address) = ways(&config(None), &target).await;
    let head = "POST /invalidation HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{";
    let response = raw(address, head).await;
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
}

#[test]
fn settings_that_open_a_door_are_refused() {
    let check = |yaml: serde_json::Value| {
        serde_json::from_value::<InvalidationConfig>(yaml).unwrap().check(&EventsConfig::default())
    };
    assert_eq!(check(json!({ "listen": "127.0.0.1:4100" })), Ok(()));
    assert_eq!(check(json!({ "listen": "[::1]:4100" })), Ok(()));
    assert_eq!(check(json!({ "listen": "0.0.0.0:4100", "secret": "s" })), Ok(()));
    for (config, expected) in [
        (json!({ "listen": "0.0.0.0:4100" }), "anybody who reaches 0.0.0.0:4100 could invalidate"),
        (json!({ "listen": "192.168.0.1:4100" }), "set secret"),
        (json!({ "secret": "" }), "secret: it is empty"),
        (json!({ "secret": " s" }), "spaces around it"),
        (json!({ "secret": "ü" }), "visible ASCII"),
        (json!({ "path": "invalidation" }), "must start with /"),
        (json!({ "nats": {} }), "neither subjects nor events"),
        (json!({ "nats": { "subjects": ["a b"] } }), "\"a b\" is not a subject"),
        (json!({ "nats": { "events": [{ "subject": "a", "invalidates": [] }] } }), "invalidates nothing"),
        (json!({ "nats": { "subjects": ["a"] } }), "there is no broker"),
    ] {
        let error = check(config).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
