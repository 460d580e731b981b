//! What clients use, from their requests to the check of a schema: recorded by a router, summarised, and a removed field that nobody used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use braid::assemble;
use braid::config::Config;
use braid_settings::{ByteSize, Duration};
use serde_json::{Value, json};
use support::{Subgraph, TestRouter, post};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\"])\n";
const SDL: &str = "type Query { me: User users(where: Where, first: Int): [User!] node: Node }
interface Node { id: ID! }
type User implements Node @key(fields: \"id\") { id: ID! name: String email: String @deprecated(reason: \"Use contact.\") age: Int city: String }
input Where { name: String city: String }
";

/// A graph of one subgraph in a folder.
struct Graph {
    folder: tempfile::TempDir,
    subgraph: Subgraph,
}

impl Graph {
    async fn new() -> Self {
        let answer = r#"{"data":{"me":{"id":"1","name":"Ada","email":"a@b.c","age":36},"users":[]}}"#;
        let subgraph = Subgraph::json(move |_| answer.to_owned()).await;
        let graph = Self { folder: tempfile::tempdir().unwrap(), subgraph };
        let url = graph.subgraph.url();
        let yaml = format!(
            "federation_version: =2.9\nsubgraphs:\n  users: {{ routing_url: {url}, schema: {{ file: ./users.graphql }} }}\n"
        );
        graph.write("supergraph.yaml", &yaml);
        graph.write("users.graphql", &format!("{LINK}{SDL}"));
        let composed = graph.braid("compose supergraph.yaml");
        assert!(composed.status.success(), "{}", String::from_utf8_lossy(&composed.stderr));
        graph.write("supergraph.graphql", &String::from_utf8(composed.stdout).unwrap());
        graph
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    fn braid(&self, line: &str) -> Output {
        let mut braid = Command::new(env!("CARGO_BIN_EXE_braid"));
        braid.args(line.split_whitespace()).current_dir(self.path()).env_remove("GITHUB_STEP_SUMMARY").output().unwrap()
    }

    async fn router(&self, configure: impl FnOnce(&mut Config)) -> TestRouter {
        TestRouter::start(self.read("supergraph.graphql"), |config| {
            config.usage.file = Some(self.path().join("usage.jsonl"));
            configure(config);
        })
        .await
    }

    fn records(&self) -> Vec<Value> {
        self.read("usage.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs a check after an edit of the schema.
    fn check(&self, from: &str, to: &str, code: i32, says: &[&str]) {
        assert!(SDL.contains(from), "{from}");
        self.write("users.graphql", &format!("{LINK}{}", SDL.replace(from, to)));
        let output = self.braid("check supergraph.yaml --against supergraph.graphql --usage usage.jsonl");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{from}: {text}");
        for says in says {
            assert!(text.contains(says), "{says} is not in\n{text}");
        }
    }
}

async fn ask(router: &TestRouter, client: &str, version: &str, query: &str) {
    let headers = match client {
        "" => String::new(),
        _ => format!("graphql-client-name: {client}\r\ngraphql-client-version: {version}\r\n"),
    };
    let answer = router.send(&post(&json!({ "query": query }).to_string(), &headers)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

const NAME: &str = "query Name { me { name } }";
const EMAIL: &str = "query Email { me { id email } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_router_records_decides_about_a_change() {
    let graph = Graph::new().await;
    let router = graph.router(|_| {}).await;
    for _ in 0..3 {
        ask(&router, "web", "1", NAME).await;
    }
    ask(&router, "web", "2", NAME).await;
    ask(&router, "app", "7", EMAIL).await;
    ask(&router, "", "", "{ users(where: { name: \"secret\" }, first: 1) { id } }").await;
    // What is refused uses nothing.
    assert_eq!(router.query("{ nope }").await.code(), "GRAPHQL_VALIDATION_FAILED");
    router.stop().await;

    let records = graph.records();
    assert_eq!(records.len(), 4, "{records:#?}");
    let web = records.iter().find(|record| record["client"]["version"] == "1").unwrap();
    assert_eq!((&web["operation"], &web["name"], &web["count"]), (&json!(NAME), &json!("Name"), &json!(3)));
    assert_eq!(web["fields"], json!(["Query.me", "User.name"]));
    assert!(!graph.read("usage.jsonl").contains("secret"));

    graph.check(" age: Int", "", 0, &["No known operation uses it"]);
    graph.check(" name: String email", " email", 1, &["Name", "User.name"]);
    graph.check("city: String }\n", "}\n", 0, &["Where.city"]);
    graph.check("input Where { name: String", "input Where {", 1, &["Where.name"]);
    // An operation that is not known may use anything.
    graph.write("usage.jsonl", &(graph.read("usage.jsonl") + "{\"operation\":\"unrecorded\",\"unrecorded\":2}\n"));
    graph.check(" age: Int", "", 1, &["USAGE_LOG_INCOMPLETE", "raise usage.max_memory"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_texts_decides_too() {
    let graph = Graph::new().await;
    let router = graph.router(|config| config.usage.texts = false).await;
    ask(&router, "web", "1", NAME).await;
    ask(&router, "web", "1", "{ node { id } }").await;
    router.stop().await;
    assert!(graph.records().iter().all(|record| !record["operation"].as_str().unwrap().contains('{')));
    graph.check(" age: Int", "", 0, &["No known operation uses it"]);
    graph.check(" name: String email", " email", 1, &["Name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_says_who_uses_what() {
    let graph = Graph::new().await;
    let router = graph.router(|_| {}).await;
    ask(&router, "web", "1", NAME).await;
    ask(&router, "app", "7", EMAIL).await;
    ask(&router, "app", "8", EMAIL).await;
    ask(&router, "app", "8", "{ node { id } }").await;
    router.stop().await;
    let output = graph.braid("usage usage.jsonl --schema supergraph.graphql");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for says in [
        "4 requests of 3 operations, from 2",
        "Unused fields (3)\n  Query.users\n  User.age\n  User.city\n",
        "Deprecated fields in use (1)\n  User.email  2 requests  \"Use contact.\"\n    app@7  1 request, last 2",
        "  app  3 requests, 0 with errors; versions 7, 8\n    ",
        "  web  1 request, 0 with errors; versions 1\n    Query.me  1\n    User.name  1\n",
    ] {
        assert!(text.contains(says), "{says}\nis not in\n{text}");
    }
    let output = graph.braid("usage usage.jsonl --schema supergraph.graphql --format json --client web");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        summary["unused"],
        json!(["Node.id", "Query.users", "Query.node", "User.id", "User.email", "User.age", "User.city"])
    );
    assert_eq!(
        summary["clients"][0]["fields"],
        json!([{ "field": "Query.me", "requests": 1 }, { "field": "User.name", "requests": 1 }])
    );
    assert_eq!(summary["logs"]["requests"], 1);

    let huge = format!("{{\"operation\":\"{{ me {{ age }} }}\",\"count\":{}}}\n", u64::MAX).repeat(2);
    graph.write("broken.jsonl", &format!("{huge}{{\"operation\":\"{{ me {{ gone }} }}\"}}\nnot json\n"));
    let output = graph.braid("usage broken.jsonl --schema supergraph.graphql");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().contains("broken.jsonl:4:"));
    assert_eq!(graph.braid("usage nowhere.jsonl --schema supergraph.graphql").status.code(), Some(4));
    assert_eq!(graph.braid("usage usage.jsonl --schema usage.jsonl").status.code(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_outlive_a_reload() {
    let graph = Graph::new().await;
    let mut config = Config::default();
    config.telemetry.access_log.enabled = false;
    let router = graph.router(|_| {}).await;
    ask(&router, "web", "1", NAME).await;
    config.usage.file = Some(graph.path().join("usage.jsonl"));
    let sdl = graph.read("supergraph.graphql");
    let current = router.front.current();
    let next = assemble::version(&config, &sdl, None, router.front.metrics(), Some(&current)).unwrap();
    let same = current.gateway.usage.as_ref().zip(next.gateway.usage.as_ref());
    assert!(same.is_some_and(|(old, new)| Arc::ptr_eq(old, new)));
    router.front.swap(next);
    ask(&router, "web", "1", NAME).await;
    assert!(graph.read("usage.jsonl").is_empty());
    // With other settings, what the old ones have is written when they go.
    config.usage.texts = false;
    let next = assemble::version(&config, &sdl, None, router.front.metrics(), Some(&router.front.current())).unwrap();
    router.front.swap(next);
    drop(current);
    for _ in 0..400 {
        if !graph.read("usage.jsonl").is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(graph.records()[0]["count"], 2);
    ask(&router, "web", "1", NAME).await;
    config.usage.file = None;
    let next = assemble::version(&config, &sdl, None, router.front.metrics(), Some(&router.front.current())).unwrap();
    assert!(next.gateway.usage.is_none());
    router.stop().await;
    assert_eq!(graph.records().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_fields_by_client_within_bounds() {
    let graph = Graph::new().await;
    let router = graph
        .router(|config| {
            config.usage.file = None;
            config.usage.metrics.enabled = true;
            config.usage.metrics.max_series = 3;
        })
        .await;
    for client in ["web", "web", "one", "two"] {
        ask(&router, client, "1", NAME).await;
    }
    let usage = router.front.current().gateway.usage.clone().unwrap();
    tokio::task::spawn_blocking(move || usage.flush()).await.unwrap();
    let web = r#"braid_schema_usage_total{field="Query.me",client="web",version="1"}"#;
    assert!((router.metric(web).await - 2.0).abs() < 0.1);
    let text = String::from_utf8(router.get("/metrics", "").await.body).unwrap();
    assert_eq!(text.matches("\nbraid_schema_usage_total{").count(), 4, "{text}");
    // Off, there are none.
    let router = graph.router(|_| {}).await;
    ask(&router, "web", "1", NAME).await;
    let text = String::from_utf8(router.get("/metrics", "").await.body).unwrap();
    assert!(!text.contains("braid_schema_usage_total{"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_written_at_intervals_and_files_stay_small() {
    let graph = Graph::new().await;
    let router = graph
        .router(|config| {
            config.usage.interval = Duration::millis(20);
            config.usage.max_size = ByteSize(10_000);
            config.usage.keep = 1;
        })
        .await;
    for number in 0..400 {
        ask(&router, "web", "1", &format!("query Q{number} {{ a{number}: me {{ name }} }}")).await;
    }
    router.stop().await;
    let mut files: Vec<_> = std::fs::read_dir(graph.path()).unwrap().map(|entry| entry.unwrap()).collect();
    files.retain(|file| file.file_name().to_string_lossy().starts_with("usage.jsonl"));
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= 10_000), "{files:?}");
}

#[test]
fn settings_that_can_t_be_used_are_refused() {
    for (yaml, says) in [
        ("usage: { interval: 0s }", "usage.interval: must be longer than 0s"),
        ("usage: { max_size: 1KB }", "usage.max_size: must be at least 10KB"),
        ("usage: { fil: a }", "Did you mean \"file\"?"),
    ] {
        let error = Config::parse(yaml, &braid_settings::expand::Process(Path::new("."))).unwrap_err();
        let error = braid_net::chain(&error);
        assert!(error.contains(says), "{error}");
    }
}
