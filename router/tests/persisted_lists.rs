//! Where lists of persisted operations come from, and how a router follows them while it runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use braid::assemble::Front;
use braid_net::chain;
use braid_telemetry::metrics::Metrics;
use serde_json::json;
use support::{Following, Subgraph, exchange, follow, good_subgraphs, http, ok, post, supergraph, until};

/// A router that follows the files of a folder.
struct Router {
    folder: tempfile::TempDir,
    address: SocketAddr,
    metrics: Arc<Metrics>,
    front: Arc<Front>,
    _subgraphs: (Subgraph, Subgraph),
}

/// A folder with a supergraph and a router.yaml with these options of persisted operations.
async fn folder(options: &str) -> (tempfile::TempDir, (Subgraph, Subgraph)) {
    let subgraphs = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    let sdl = supergraph(&subgraphs.0.url(), &subgraphs.1.url());
    std::fs::write(folder.path().join("supergraph.graphql"), sdl).unwrap();
    let config = format!(
        "schema: {{ supergraph: supergraph.graphql }}\ntelemetry: {{ access_log: {{ enabled: false }} }}\npersisted_operations: {{ {options} }}\n"
    );
    std::fs::write(folder.path().join("router.yaml"), config).unwrap();
    (folder, subgraphs)
}

impl Router {
    async fn start(folder: tempfile::TempDir, subgraphs: (Subgraph, Subgraph)) -> Result<Self, String> {
        let following = follow(folder.path().join("router.yaml")).await.map_err(|error| chain(&error))?;
        let Following { address, front, metrics } = following;
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(Self { folder, address, metrics, front, _subgraphs: subgraphs })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn ask(&self, body: serde_json::Value) -> String {
        let answer = exchange(self.address, &post(&body.to_string(), "")).await;
        match answer.json()["data"]["me"]["name"].as_str() {
            Some(name) => name.to_owned(),
            None => answer.code(),
        }
    }

    async fn by_id(&self, id: &str) -> String {
        self.ask(json!({ "documentId": id })).await
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with(name) && line[name.len()..].starts_with(' '));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    fn reloads(&self, outcome: &str) -> u64 {
        self.metric(&format!("braid_persisted_operations_reloads_total{{outcome=\"{outcome}\"}}"))
    }
}

const NOT_IN_LIST: &str = "PERSISTED_QUERY_NOT_IN_LIST";

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_are_followed() {
    let options =
        "sources: [{ file: list.json }, { folder: operations }], mode: safelist, automatic: { enabled: false }";
    let (folder, subgraphs) = folder(options).await;
    let list = folder.path().join("list.json");
    std::fs::write(&list, r#"{"1":"{ me { name } }"}"#).unwrap();
    std::fs::create_dir(folder.path().join("operations")).unwrap();
    let router = Router::start(folder, subgraphs).await.unwrap();
    let unlisted = || router.ask(json!({ "query": "query A { me { name } }" }));
    assert_eq!(router.by_id("1").await, "Ada");
    assert_eq!(router.metric("braid_operation_cache_hits_total"), 1, "it was compiled at the start");
    assert_eq!(router.by_id("A").await, NOT_IN_LIST);
    assert_eq!(unlisted().await, "QUERY_NOT_IN_SAFELIST");

    std::fs::write(router.file("operations/A.graphql"), "query A {\n  me { name }\n}\n").unwrap();
    until("the new file is listed", async || router.by_id("A").await == "Ada").await;
    assert_eq!(unlisted().await, "Ada");
    assert_eq!(router.metric("braid_persisted_operations_listed"), 4);

    // Half a manifest changes nothing; the other sources are followed all the same.
    std::fs::write(&list, r#"{"1":"{ me { name } }","#).unwrap();
    until("the failure is counted", async || router.reloads("Failed") >= 1).await;
    std::fs::write(router.file("operations/B.graphql"), "query B { me { name } }").unwrap();
    until("another file is listed", async || router.by_id("B").await == "Ada").await;
    assert_eq!(router.by_id("1").await, "Ada");

    // What was listed and is compiled is refused once it is not listed any more.
    assert_eq!(unlisted().await, "Ada");
    std::fs::remove_file(router.file("operations/A.graphql")).unwrap();
    std::fs::write(&list, r#"{"2":"{ me { name } }"}"#).unwrap();
    until("the file is gone", async || router.by_id("A").await == NOT_IN_LIST).await;
    until("the list is another", async || router.by_id("1").await == NOT_IN_LIST).await;
    assert_eq!(router.by_id("2").await, "Ada");
    assert_eq!(unlisted().await, "QUERY_NOT_IN_SAFELIST");
    assert_eq!(router.ask(json!({ "query": "{me{name}}" })).await, "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_asked_for_changes_only() {
    let content = Arc::new(Mutex::new(("\"1\"", r#"{"1":"{ me { name } }"}"#.to_owned())));
    let (served, is_up) = (content.clone(), Arc::new(AtomicBool::new(true)));
    let up = is_up.clone();
    let server = Subgraph::raw(move |seen| {
        let (tag, body) = served.lock().unwrap().clone();
        let known = seen.head.to_lowercase().contains(&format!("if-none-match: {tag}"));
        let answer = match (up.load(Ordering::Relaxed), known) {
            (false, _) => http("503 Service Unavailable", "text/plain", b"", ""),
            (true, true) => http("304 Not Modified", "application/json", b"", ""),
            (true, false) => http("200 OK", "application/json", body.as_bytes(), &format!("etag: {tag}\r\n")),
        };
        async move { answer }
    })
    .await;
    let url = format!("http://{}/list.json?a=b", server.address);
    let options =
        format!("sources: [{{ url: {{ url: '{url}', headers: {{ x-key: secret }}, timeout: 500ms }} }}], poll: 50ms");
    let (folder, subgraphs) = folder(&options).await;
    let router = Router::start(folder, subgraphs).await.unwrap();
    assert_eq!(router.by_id("1").await, "Ada");
    until("it was asked some times", async || server.count() >= 4).await;
    let seen = server.seen.lock().unwrap()[0].head.to_lowercase();
    assert!(seen.starts_with("get /list.json?a=b ") && seen.contains("x-key: secret"), "{seen}");
    assert_eq!(router.reloads("Swapped"), 0);

    *content.lock().unwrap() = ("\"2\"", "{".to_owned());
    until("the failure is counted", async || router.reloads("Failed") >= 2).await;
    is_up.store(false, Ordering::Relaxed);
    until("and another", async || router.reloads("Failed") >= 4).await;
    assert_eq!(router.by_id("1").await, "Ada");
    *content.lock().unwrap() = ("\"3\"", r#"{"2":"{ me { name } }"}"#.to_owned());
    is_up.store(true, Ordering::Relaxed);
    until("the new list is in use", async || router.by_id("2").await == "Ada").await;
    assert_eq!(router.by_id("1").await, NOT_IN_LIST);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_hangs_delays_nobody() {
    let answers = Arc::new(AtomicBool::new(true));
    let quick = answers.clone();
    let server = Subgraph::raw(move |_| {
        let quick = quick.load(Ordering::Relaxed);
        async move {
            if !quick {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            ok(r#"{"1":"{ me { name } }"}"#)
        }
    })
    .await;
    let url = format!("http://{}/", server.address);
    let options = format!("sources: [{{ url: {{ url: '{url}', timeout: 200ms }} }}], poll: 20ms");
    let (folder, subgraphs) = folder(&options).await;
    let router = Router::start(folder, subgraphs).await.unwrap();
    answers.store(false, Ordering::Relaxed);
    until("a request is given up", async || router.reloads("Failed") >= 1).await;
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(router.by_id("1").await, "Ada");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // Schema and configuration are followed meanwhile.
    let file = router.file("supergraph.graphql");
    let sdl = std::fs::read_to_string(&file).unwrap();
    let before = router.front.current();
    std::fs::write(&file, sdl.replace("me(x: Int)", "me(x: Int, y: Int)")).unwrap();
    until("the schema is another", async || !Arc::ptr_eq(&before, &router.front.current())).await;
    assert_eq!(router.by_id("1").await, "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gets_signed_requests() {
    let server = Subgraph::raw(|seen| async move {
        match seen.head.contains("X-Amz-Signature=") && seen.head.contains("X-Amz-Credential=AKIA") {
            true => ok(r#"{"1":"{ me { name } }"}"#),
            false => http("403 Forbidden", "application/xml", b"<Error/>", ""),
        }
    })
    .await;
    let bucket = |keys: &str| {
        format!(
            "sources: [{{ bucket: {{ endpoint: 'http://{}', bucket: shop, object: web/list.json, region: eu, path_style: true{keys} }} }}]",
            server.address
        )
    };
    let (signed, subgraphs) = folder(&bucket(", access_key_id: AKIA, secret_access_key: secret")).await;
    let router = Router::start(signed, subgraphs).await.unwrap();
    assert_eq!(router.by_id("1").await, "Ada");
    let head = server.seen.lock().unwrap()[0].head.clone();
    assert!(head.starts_with("GET /shop/web/list.json?") && !head.contains("secret"), "{head}");
    let (open, subgraphs) = folder(&bucket("")).await;
    let error = Router::start(open, subgraphs).await.err().unwrap();
    assert!(error.contains("\"web/list.json\" of the bucket \"shop\"") && error.contains("403"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_operation_is_named_or_the_list_refused() {
    let list = r#"{"good":"{ me { name } }","bad":"{ me { nick } }","worse":"{ me {"}"#;
    let (folder, subgraphs) = self::folder("sources: [{ file: list.json }]").await;
    std::fs::write(folder.path().join("list.json"), list).unwrap();
    let router = Router::start(folder, subgraphs).await.unwrap();
    assert_eq!(router.by_id("good").await, "Ada");
    assert_eq!(router.by_id("bad").await, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(router.by_id("worse").await, "GRAPHQL_PARSE_FAILED");

    let options = "sources: [{ file: list.json }], on_invalid: refuse";
    let (refusing, subgraphs) = self::folder(options).await;
    std::fs::write(refusing.path().join("list.json"), list).unwrap();
    let error = Router::start(refusing, subgraphs).await.err().unwrap();
    for part in ["2 of the persisted operations are invalid", "\"bad\": ", "nick", "\"worse\": "] {
        assert!(error.contains(part), "{error}");
    }
    let (refusing, subgraphs) = self::folder(options).await;
    let file = refusing.path().join("list.json");
    std::fs::write(&file, r#"{"good":"{ me { name } }"}"#).unwrap();
    let router = Router::start(refusing, subgraphs).await.unwrap();
    std::fs::write(&file, r#"{"better":"{ me { name } }","bad":"{ me { nick } }"}"#).unwrap();
    until("the list is refused", async || router.reloads("Failed") >= 1).await;
    assert_eq!((router.by_id("good").await, router.by_id("better").await), ("Ada".into(), NOT_IN_LIST.into()));
    // A schema that has the field permits the list that waits for it.
    let supergraph = router.file("supergraph.graphql");
    let sdl = std::fs::read_to_string(&supergraph).unwrap();
    let field = "name: String @join__field(graph: USERS)";
    std::fs::write(&supergraph, sdl.replace(field, &format!("{field} nick: String @join__field(graph: USERS)")))
        .unwrap();
    until("the list is in use", async || router.by_id("better").await == "Ada").await;
    // And one that takes it away again is not put in use.
    let before = router.front.current();
    std::fs::write(&supergraph, sdl).unwrap();
    let failed = "braid_schema_reloads_total{outcome=\"Failed\"}";
    until("the schema is refused", async || router.metric(failed) >= 1).await;
    assert!(Arc::ptr_eq(&before, &router.front.current()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_is_a_list_and_other_settings_are_followed() {
    let (folder, subgraphs) = folder("sources: [{ file: list.json }], mode: safelist").await;
    std::fs::write(folder.path().join("list.json"), "{}").unwrap();
    let router = Router::start(folder, subgraphs).await.unwrap();
    assert_eq!(router.ask(json!({ "query": "{ me { name } }" })).await, "QUERY_NOT_IN_SAFELIST");
    let config = router.file("router.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("safelist", "log_unknown")).unwrap();
    until("all are allowed", async || router.ask(json!({ "query": "{ me { name } }" })).await == "Ada").await;
    // The list is followed under the new settings, too.
    std::fs::write(router.file("list.json"), r#"{"1":"{ me { name } }"}"#).unwrap();
    until("the list is in use", async || router.by_id("1").await == "Ada").await;
    std::fs::write(&config, text.replace("list.json", "other.json")).unwrap();
    std::fs::write(router.file("other.json"), r#"{"2":"{ me { name } }"}"#).unwrap();
    until("another source is read", async || router.by_id("2").await == "Ada").await;
    std::fs::write(router.file("other.json"), r#"{"3":"{ me { name } }"}"#).unwrap();
    until("and followed", async || router.by_id("3").await == "Ada").await;
    assert_eq!(router.ask(json!({ "query": "{ me { id } }" })).await, "QUERY_NOT_IN_SAFELIST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_compiled_before_anybody_shows_credentials() {
    let (folder, subgraphs) = folder("sources: [{ file: list.json }]").await;
    std::fs::write(folder.path().join("list.json"), r#"{"1":"query A { me { name } }"}"#).unwrap();
    let hash = braid_persisted_operations::QueryHash::of("a-key-of-a-client").hex();
    std::fs::write(folder.path().join("keys.yaml"), format!("- {{ name: client, sha256: {hash} }}")).unwrap();
    let config = folder.path().join("router.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let required =
        "authentication: { required: true, api_keys: { file: keys.yaml }, exceptions: { fields: [Mutation.rename] } }";
    std::fs::write(&config, format!("{text}{required}\n")).unwrap();
    let router = Router::start(folder, subgraphs).await.unwrap();
    assert_eq!(router.metric("braid_operation_cache_misses_total"), 1);
    // What is compiled is not open for it.
    assert_eq!(router.by_id("1").await, "UNAUTHENTICATED");
    let body = json!({ "documentId": "1", "operationName": "A" }).to_string();
    let answer = exchange(router.address, &post(&body, "x-api-key: a-key-of-a-client\r\n")).await;
    assert_eq!(answer.json()["data"]["me"]["name"], "Ada", "{}", answer.text());
    assert_eq!(router.metric("braid_operation_cache_misses_total"), 1);
}
