//! Operations that requests refer to by an id: where ids can be, what clients can register, and what a list keeps out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::Write;

use braid_persisted_operations::QueryHash;
use braid_settings::from_yaml;
use serde_json::{Value, json};
use support::{Answer, Subgraph, TestRouter, post, router};

const ME: &str = "query Me { me { name } }";
const TWO: &str = "query One { me { name } } query Two { me { id } }";
const RENAME: &str = "mutation Rename { rename(name: \"a\") { name } }";
const NEW: &str = "accept: application/graphql-response+json\r\n";
const SECRET: &str = "x-internal: a-secret-of-the-developers\r\n";

fn hash(text: &str) -> String {
    QueryHash::of(text).hex()
}

fn extensions(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn manifest() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let operations = json!({ hash(ME): ME, "two": TWO, "rename": RENAME, "x-shop:me": ME });
    file.write_all(operations.to_string().as_bytes()).unwrap();
    file
}

/// A router with a list, and `options` of persisted operations beside it.
async fn with_list(options: &str) -> (TestRouter, Subgraph, Subgraph, tempfile::NamedTempFile) {
    let file = manifest();
    let (router, users, orders) = router(|config| {
        let yaml = format!("{{ sources: [{{ file: \"{}\" }}], {options} }}", file.path().display());
        config.persisted_operations = from_yaml(&yaml).unwrap();
        config.persisted_operations.check().unwrap();
        config.server.batching.enabled = true;
    })
    .await;
    (router, users, orders, file)
}

async fn ask(router: &TestRouter, body: &Value, headers: &str) -> Answer {
    router.send(&post(&body.to_string(), headers)).await
}

#[track_caller]
fn answered(answer: &Answer) {
    assert_eq!(answer.json()["data"]["me"]["name"], "Ada", "{}", answer.text());
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.code(), code, "{}", answer.text());
    assert_eq!(answer.json().get("data"), None, "{}", answer.text());
}

async fn counted(router: &TestRouter, outcome: &str) -> f64 {
    router.metric(&format!("braid_persisted_operations_requests_total{{outcome=\"{outcome}\"}}")).await
}

#[tokio::test]
async fn clients_register_by_post_and_use_by_get() {
    let (router, users, _orders) = router(|_| {}).await;
    let (by_hash, hash) = (json!({ "extensions": extensions(&hash(ME)) }), hash(ME));
    let target = format!("/graphql?operationName=Me&extensions={}", encoded(&extensions(&hash).to_string()));
    for (accept, status) in [("", 200), (NEW, 400)] {
        let (by_post, by_get) = (ask(&router, &by_hash, accept).await, router.get(&target, accept).await);
        for answer in [by_post, by_get] {
            refused(&answer, "PERSISTED_QUERY_NOT_FOUND");
            assert_eq!(answer.json()["errors"][0]["message"], "PersistedQueryNotFound");
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        }
    }
    assert_eq!(users.count(), 0);
    let both = json!({ "query": ME, "operationName": "Me", "extensions": extensions(&hash) });
    answered(&ask(&router, &both, "").await);
    answered(&ask(&router, &by_hash, "").await);
    answered(&router.get(&target, "").await);
    // As GraphQL over HTTP has it.
    answered(&ask(&router, &json!({ "documentId": format!("sha256:{hash}") }), "").await);
    // Again with the text, as another client that does not know that it is there.
    answered(&ask(&router, &both, "").await);
    assert_eq!(counted(&router, "Registered").await, 1.0);
    assert_eq!(counted(&router, "NotFound").await, 4.0);
    assert_eq!(counted(&router, "Automatic").await, 3.0);
    assert!(router.metric("braid_persisted_operations_registered_size").await > ME.len() as f64);
}

#[tokio::test]
async fn clients_register_by_get() {
    let (router, _users, _orders) = router(|_| {}).await;
    let extensions = encoded(&extensions(&hash(ME)).to_string());
    answered(&router.get(&format!("/graphql?query={}&extensions={extensions}", encoded(ME)), "").await);
    answered(&router.get(&format!("/graphql?extensions={extensions}"), "").await);
    // A mutation is none by GET, however it is sent.
    let rename = json!({ "query": RENAME, "extensions": self::extensions(&hash(RENAME)) });
    ask(&router, &rename, "").await;
    let target = format!("/graphql?documentId=sha256:{}", hash(RENAME));
    let answer = router.get(&target, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "MUTATION_NOT_ALLOWED_OVER_HTTP_GET"));
}

#[tokio::test]
async fn only_what_is_a_document_under_its_own_hash_is_registered() {
    let (router, _users, _orders) = router(|_| {}).await;
    let send = |query: &str, hash: &str| json!({ "query": query, "extensions": extensions(hash) });
    let answer = ask(&router, &send(ME, &hash(TWO)), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "PERSISTED_QUERY_HASH_MISMATCH"));
    for invalid in ["{ me { name ", "{ nothing }", "{ me }"] {
        let answer = ask(&router, &send(invalid, &hash(invalid)), "").await;
        assert!(answer.code().starts_with("GRAPHQL_"), "{}", answer.text());
        refused(
            &ask(&router, &json!({ "extensions": extensions(&hash(invalid)) }), "").await,
            "PERSISTED_QUERY_NOT_FOUND",
        );
    }
    // Escapes of JSON are not a part of the text.
    let escaped =
        format!("{{\"query\":\"query\\u0020Me {{ me {{ name }} }}\",\"extensions\":{}}}", extensions(&hash(ME)));
    answered(&router.send(&post(&escaped, "")).await);
    answered(&ask(&router, &json!({ "extensions": extensions(&hash(ME).to_uppercase()) }), "").await);
    // A hash that is none, or one of another version.
    answered(&ask(&router, &send(ME, "short"), "").await);
    refused(&ask(&router, &json!({ "extensions": extensions("short") }), "").await, "PERSISTED_QUERY_NOT_FOUND");
    let other = json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(ME) } });
    refused(&ask(&router, &json!({ "extensions": other }), "").await, "PERSISTED_QUERY_NOT_SUPPORTED");
}

#[tokio::test]
async fn memory_for_registered_texts_is_bounded() {
    let (router, _users, _orders) =
        router(|config| config.persisted_operations.automatic.cache = braid_settings::ByteSize(64 << 10)).await;
    for number in 0..600 {
        let text = format!("query Me{number} {{ me {{ name }} }} #{}", "x".repeat(1000));
        answered(&ask(&router, &json!({ "query": text, "extensions": extensions(&hash(&text)) }), "").await);
    }
    let size = router.metric("braid_persisted_operations_registered_size").await;
    assert!(size > 1000.0 && size <= f64::from(64 << 10), "{size}");
}

#[tokio::test]
async fn an_id_can_be_in_many_places() {
    let (router, _users, _orders, _file) =
        with_list("ids: { path: '/graphql/{id}', query_parameter: op }, automatic: { enabled: false }").await;
    for body in [
        json!({ "documentId": hash(ME) }),
        json!({ "documentId": format!("sha256:{}", hash(ME)) }),
        json!({ "documentId": "x-shop:me", "operationName": "Me" }),
        json!({ "doc_id": "x-shop:me", "variables": {} }),
        json!({ "extensions": extensions(&hash(ME)) }),
        json!({ "extensions": extensions("x-shop:me") }),
        json!({ "documentId": "two", "operationName": "One" }),
    ] {
        answered(&ask(&router, &body, "").await);
    }
    let sha = format!("sha256:{}", hash(ME));
    for target in [
        "/graphql?documentId=x-shop:me".to_owned(),
        "/graphql?doc_id=x-shop%3Ame&variables=%7B%7D".to_owned(),
        "/graphql?op=two&operationName=One".to_owned(),
        "/graphql/x-shop:me".to_owned(),
        format!("/graphql/{sha}?variables=%7B%7D"),
    ] {
        answered(&router.get(&target, "").await);
        answered(&router.get(&target, "accept: text/html, application/json\r\n").await);
    }
    let body = "{\"variables\":{}}";
    let request = String::from_utf8(post(body, "")).unwrap().replace("POST /graphql ", "POST /graphql/x-shop:me ");
    answered(&router.send(request.as_bytes()).await);
    // One entry in the operation cache, by whatever name and id it is asked for.
    assert_eq!(router.metric("braid_operation_cache_misses_total").await, 2.0);
    let answer = router.get("/graphql?documentId=rename", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "MUTATION_NOT_ALLOWED_OVER_HTTP_GET"));
    assert_eq!(router.get("/other/x-shop:me", "").await.status, 404);
    assert_eq!(router.get("/graphql/a/b", "").await.status, 404);
    // Paths that the router has itself are not ids.
    let (router, _users, _orders, _file) = with_list("ids: { path: '/{id}' }").await;
    assert_eq!(router.get("/health", "").await.code(), "none");
    assert!(router.get("/metrics", "").await.text().contains("braid_"));
    answered(&router.get("/two?operationName=One", "").await);
    refused(&router.get("/healthy", "").await, "PERSISTED_QUERY_NOT_IN_LIST");
}

#[tokio::test]
async fn what_is_wrong_with_an_id_is_said() {
    let (router, users, _orders, _file) = with_list("automatic: { enabled: false }").await;
    for (body, code) in [
        (json!({ "documentId": "none" }), "PERSISTED_QUERY_NOT_IN_LIST"),
        (json!({ "documentId": format!("sha256:{}", hash("x")) }), "PERSISTED_QUERY_NOT_IN_LIST"),
        (json!({ "doc_id": "none" }), "PERSISTED_QUERY_NOT_IN_LIST"),
        // The text can be sent.
        (json!({ "extensions": extensions(&hash("x")) }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "two" }), "OPERATION_RESOLUTION_FAILURE"),
        (json!({ "documentId": "two", "operationName": "Three" }), "OPERATION_RESOLUTION_FAILURE"),
        (json!({ "documentId": "x-shop:me", "operationName": "Other" }), "OPERATION_RESOLUTION_FAILURE"),
        (json!({ "documentId": "two", "query": ME }), "CANNOT_SEND_PQ_ID_AND_BODY"),
        (json!({ "documentId": 1 }), "INVALID_GRAPHQL_REQUEST"),
        (json!({ "variables": {} }), "INVALID_GRAPHQL_REQUEST"),
        (json!({ "documentId": "" }), "INVALID_GRAPHQL_REQUEST"),
    ] {
        refused(&ask(&router, &body, "").await, code);
    }
    assert_eq!(users.count(), 0);
    // Without a list and without registering, there is nothing to find.
    let (router, _users, _orders) = self::router(|config| config.persisted_operations.automatic.enabled = false).await;
    for body in [json!({ "documentId": "a" }), json!({ "extensions": extensions(&hash(ME)) })] {
        refused(&ask(&router, &body, "").await, "PERSISTED_QUERY_NOT_SUPPORTED");
    }
    answered(&ask(&router, &json!({ "documentId": "a", "query": ME }), "").await);
}

#[tokio::test]
async fn unknown_operations_are_counted_where_they_are_allowed() {
    let (router, _users, _orders, _file) = with_list("mode: log_unknown").await;
    for _ in 0..2 {
        answered(&ask(&router, &json!({ "query": "{ me { name } }" }), "").await);
        answered(&ask(&router, &json!({ "query": ME }), "").await);
        answered(&ask(&router, &json!({ "documentId": hash(ME) }), "").await);
    }
    for (outcome, count) in [("Unlisted", 2.0), ("ListedText", 2.0), ("Listed", 2.0), ("Refused", 0.0)] {
        assert_eq!(counted(&router, outcome).await, count, "{outcome}");
    }
}

const EXEMPT: &str = "exempt: { headers: [{ name: x-internal, value: a-secret-of-the-developers }] }";

#[tokio::test]
async fn a_safelist_keeps_everything_else_out() {
    let (router, users, _orders, _file) = with_list(&format!("mode: safelist, {EXEMPT}")).await;
    let text = |text: &str| json!({ "query": text });
    let unlisted = "query Me { me { name } me { id } }";
    for body in [
        text("# comment\nquery Me {\n  me, { name }\n}\n"),
        json!({ "query": TWO, "operationName": "One" }),
        json!({ "documentId": "two", "operationName": "One" }),
    ] {
        answered(&ask(&router, &body, "").await);
    }
    let asked = users.count();
    let cases = [
        text(unlisted),
        text("query Me { x: me { name } }"),
        text("query Me { me { x: name } }"),
        text("{ me { name } }"),
        // A part of a listed document, and more than one.
        json!({ "query": "query One { me { name } }", "operationName": "One" }),
        json!({ "query": format!("{TWO} query Three {{ me {{ name }} }}"), "operationName": "One" }),
        text("query Me @skip(if: false) { me { name } }"),
        text("query Me { ...F } fragment F on Query { me { name } }"),
        text("query Me { me(x: 1) { name } }"),
        text("{ __schema { types { name } } }"),
        text("not a document"),
        text("{ nothing }"),
        // It is not registered, so it can't be used by its hash either.
        json!({ "query": unlisted, "extensions": extensions(&hash(unlisted)) }),
        json!({ "query": unlisted, "documentId": format!("sha256:{}", hash(unlisted)) }),
    ];
    for body in &cases {
        for _ in 0..2 {
            refused(&ask(&router, body, "").await, "QUERY_NOT_IN_SAFELIST");
        }
    }
    refused(
        &ask(&router, &json!({ "extensions": extensions(&hash(unlisted)) }), "").await,
        "PERSISTED_QUERY_NOT_FOUND",
    );
    for header in
        ["x-internal: a-secret-of-the-developer\r\n", "x-internal: \r\n", "x-other: a-secret-of-the-developers\r\n"]
    {
        refused(&ask(&router, &text(unlisted), header).await, "QUERY_NOT_IN_SAFELIST");
    }
    assert_eq!(users.count(), asked, "nothing that is refused is run");

    // A client that is exempt warms the cache, and registers the text; others still may not use either.
    let exempt = format!("{SECRET}{NEW}");
    let registers = json!({ "query": unlisted, "extensions": extensions(&hash(unlisted)) });
    answered(&ask(&router, &text(unlisted), &exempt).await);
    answered(&ask(&router, &registers, &exempt).await);
    answered(&ask(&router, &json!({ "extensions": extensions(&hash(unlisted)) }), &exempt).await);
    for body in [text(unlisted), registers, json!({ "extensions": extensions(&hash(unlisted)) })] {
        let answer = ask(&router, &body, NEW).await;
        refused(&answer, "QUERY_NOT_IN_SAFELIST");
        assert_eq!(answer.status, 400);
    }
    // And the other way around.
    answered(&ask(&router, &text(unlisted), &exempt).await);

    // Each request of a batch for itself.
    let batch = json!([
        text(ME),
        text(unlisted),
        json!({ "documentId": "two", "operationName": "One" }),
        json!({ "documentId": "none" })
    ]);
    let answers = ask(&router, &batch, "").await.json();
    assert_eq!((&answers[0]["data"]["me"]["name"], &answers[2]["data"]["me"]["name"]), (&json!("Ada"), &json!("Ada")));
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "QUERY_NOT_IN_SAFELIST");
    assert_eq!(answers[3]["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_IN_LIST");
    assert!(counted(&router, "Exempt").await >= 4.0 && counted(&router, "Refused").await >= 30.0);
}

#[tokio::test]
async fn listed_texts_are_refused_where_ids_are_required() {
    let (router, _users, _orders, _file) = with_list(&format!("mode: ids_only, {EXEMPT}")).await;
    answered(&ask(&router, &json!({ "documentId": hash(ME) }), "").await);
    answered(&ask(&router, &json!({ "extensions": extensions(&hash(ME)) }), "").await);
    for body in [
        json!({ "query": ME }),
        json!({ "query": ME, "extensions": extensions(&hash(ME)) }),
        json!({ "query": "{ me { name } }" }),
    ] {
        refused(&ask(&router, &body, "").await, "PERSISTED_QUERY_ID_REQUIRED");
        answered(&ask(&router, &body, SECRET).await);
        refused(&ask(&router, &body, "").await, "PERSISTED_QUERY_ID_REQUIRED");
    }
    // Sending the text would not help.
    refused(&ask(&router, &json!({ "extensions": extensions(&hash("x")) }), "").await, "PERSISTED_QUERY_NOT_IN_LIST");
    refused(&ask(&router, &json!({ "documentId": hash(ME), "query": ME }), "").await, "CANNOT_SEND_PQ_ID_AND_BODY");
}

#[tokio::test]
async fn a_claim_can_be_exempt() {
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    for (key, team) in [("key-of-a-developer", "developers"), ("key-of-a-partner", "partners")] {
        writeln!(keys, "- {{ name: {team}, sha256: {}, claims: {{ teams: [{team}] }} }}", hash(key)).unwrap();
    }
    let file = manifest();
    let (router, _users, _orders) = router(|config| {
        let yaml = format!("{{ api_keys: {{ file: \"{}\" }} }}", keys.path().display());
        config.authentication = from_yaml(&yaml).unwrap();
        let exempt = "exempt: { claims: [{ claim: teams, has: developers }] }";
        let yaml = format!("{{ sources: [{{ file: \"{}\" }}], mode: safelist, {exempt} }}", file.path().display());
        config.persisted_operations = from_yaml(&yaml).unwrap();
    })
    .await;
    let body = json!({ "query": "{ me { name } }" });
    answered(&ask(&router, &body, "x-api-key: key-of-a-developer\r\n").await);
    for headers in ["x-api-key: key-of-a-partner\r\n", ""] {
        refused(&ask(&router, &body, headers).await, "QUERY_NOT_IN_SAFELIST");
    }
}
