//! `braid dev` and `braid init` as processes: what is served, what is said of problems, and what stands in for subgraphs that are not there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Answer, Subgraph, exchange, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The service of a new project in Rust.
#[allow(clippy::print_stdout, reason = "as in the template")]
mod products_service {
    include!("../templates/rust/src/main.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

/// Not a test: `cargo run` in a new project, in a process of its own.
#[test]
#[ignore = "serves until it is killed; other tests start it"]
fn products() {
    products_service::run();
}

const PRODUCTS: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { products: [Product!]! product(sku: ID!): Product }
type Product @key(fields: "sku") { sku: ID! name: String! price: Float }
type Subscription { sold: Product! }
"#;
const REVIEWS: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Product @key(fields: "sku") { sku: ID! reviews: [Review!] }
type Review { stars: Int! text: String! }
"#;
const REVIEWED: &str = "{ products { sku name reviews { stars text } } }";

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        write(folder.path(), file, text);
    }
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

/// A supergraph.yaml with the schemas as files.
fn supergraph_yaml(products: &str, reviews: &str) -> String {
    format!(
        "subgraphs:\n  products: {{ routing_url: \"{products}\", schema: {{ file: products.graphql }} }}\n  reviews: {{ routing_url: \"{reviews}\", schema: {{ file: reviews.graphql }} }}\n"
    )
}

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1/graphql";

fn braid(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_braid"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("RUST_LOG").env("NO_COLOR", "1").env("BRAID_LISTEN", "127.0.0.1:0");
    command
}

/// `braid dev` in a folder.
struct Dev {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = braid(folder, &[&["dev"], arguments].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, log) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said a text.
    async fn says(&self, text: &str) {
        until(&format!("it says {text}"), || self.said(), async || self.said().contains(text)).await;
    }

    async fn address(&self) -> SocketAddr {
        self.says("Serving http://").await;
        let said = self.said();
        said.split("Serving http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
    }

    async fn ask(&self, query: &str) -> Value {
        let body = json!({ "query": query }).to_string();
        exchange(self.address().await, &post(&body, "")).await.json()
    }

    /// The data of an answer without errors.
    async fn data(&self, query: &str) -> Value {
        let answer = self.ask(query).await;
        assert_eq!(answer["errors"], Value::Null, "{query}: {answer}\n{}", self.said());
        answer["data"].clone()
    }

    async fn problems(&self) -> Value {
        let head = "GET /playground/problems.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let answer: Answer = exchange(self.address().await, head.as_bytes()).await;
        answer.json()
    }
}

async fn until(what: &str, state: impl Fn() -> String, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never happened: {what}\n{}", state());
}

/// A subgraph with a schema that answers each query with some data.
async fn subgraph(sdl: &'static str, data: &'static str) -> Subgraph {
    Subgraph::json(move |seen| match seen.body.contains("_service") {
        true => json!({ "data": { "_service": { "sdl": sdl } } }).to_string(),
        false => format!("{{\"data\":{data}}}"),
    })
    .await
}

const LAMP: &str = r#"{"products":[{"__typename":"Product","sku":"LAMP","name":"Desk lamp","price":12.50}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn schemas_alone_are_mocked() {
    let folder = folder(&[("products.graphql", PRODUCTS), ("reviews.graphql", REVIEWS)]);
    let dev = Dev::start(folder.path(), &["products=products.graphql", "reviews=reviews.graphql"]);
    let data = dev.data(REVIEWED).await;
    let product = &data["products"][0];
    assert_eq!(data["products"].as_array().unwrap().len(), 3);
    assert!(product["reviews"][0]["stars"].is_i64() && product["name"].is_string(), "{data}");
    assert_eq!(dev.data(REVIEWED).await, data, "always the same");
    let sku = product["sku"].as_str().unwrap();
    let one = dev.data(&format!("{{ product(sku: \"{sku}\") {{ sku name reviews {{ stars text }} }} }}")).await;
    assert_eq!(one["product"], *product, "the same entity, from both subgraphs");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_mock_come_by_and_by() {
    let hints = "fields: { Subscription.sold: { interval: 50ms } }";
    let folder = folder(&[("products.graphql", PRODUCTS), ("mocks.yaml", hints)]);
    let dev = Dev::start(folder.path(), &["products=products.graphql"]);
    let mut stream = TcpStream::connect(dev.address().await).await.unwrap();
    let body = r#"{"query":"subscription { sold { sku name } }"}"#;
    stream.write_all(&post(body, "accept: text/event-stream\r\n")).await.unwrap();
    let mut received = Vec::new();
    let reading = async {
        while String::from_utf8_lossy(&received).matches("\"sold\":{\"sku\":\"sku-").count() < 3 {
            assert!(stream.read_buf(&mut received).await.unwrap() > 0, "{}", String::from_utf8_lossy(&received));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("three events");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_reached_answers_and_what_cannot_is_mocked() {
    let products = subgraph(PRODUCTS, LAMP).await;
    let reviews = subgraph(REVIEWS, r#"{"_entities":[{"reviews":[{"stars":5,"text":"real"}]}]}"#).await;
    let folder = folder(&[("products.graphql", PRODUCTS)]);
    let (products_url, reviews_url) = (format!("products={}", products.url()), format!("reviews={}", reviews.url()));
    let dev = Dev::start(folder.path(), &["--mock-missing", &products_url, &reviews_url]);
    assert_eq!(dev.data(REVIEWED).await["products"][0]["reviews"][0]["text"], "real");
    drop(reviews);
    // Nobody listens any more, and its schema is remembered.
    let data = dev.data(REVIEWED).await;
    let product = &data["products"][0];
    assert_eq!(product["name"], "Desk lamp", "the other one still answers itself");
    assert_eq!(product["reviews"].as_array().unwrap().len(), 3, "{data}");
    assert_ne!(product["reviews"][0]["text"], "real");
    dev.says("its mock answers").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(dev.problems().await["problem"], Value::Null, "a subgraph that is gone is no problem: {}", dev.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subgraph_can_be_mocked_that_is_asked_for_its_schema() {
    let yaml = format!(
        "subgraphs:\n  products: {{ schema: {{ subgraph_url: \"{NOBODY}\" }} }}\n  reviews: {{ routing_url: \"{NOBODY}\", schema: {{ file: reviews.graphql }} }}\n"
    );
    let mocks =
        "subgraphs: { products: { schema: products.graphql } }\nfields: { Product.sku: { values: [LAMP, MUG] } }";
    let files = [
        ("supergraph.yaml", &*yaml),
        ("products.graphql", PRODUCTS),
        ("reviews.graphql", REVIEWS),
        ("mocks.yaml", mocks),
    ];
    let folder = folder(&files);
    let dev = Dev::start(folder.path(), &["--mock", "products", "--mock", "reviews"]);
    let data = dev.data(REVIEWED).await;
    let mut skus: Vec<_> = data["products"].as_array().unwrap().iter().map(|product| product["sku"].clone()).collect();
    skus.sort_by_key(Value::to_string);
    assert_eq!(skus, ["LAMP", "MUG"], "{data}");
    write(folder.path(), "mocks.yaml", &mocks.replace("MUG", "DESK"));
    until("the new hints hold", || dev.said(), async || dev.data(REVIEWED).await.to_string().contains("DESK")).await;
    write(folder.path(), "mocks.yaml", "fields: { Product.sku: { vales: [] } }");
    dev.says("mocks.yaml").await;
    assert!(dev.data(REVIEWED).await.to_string().contains("DESK"), "the old hints still hold");
    let problem = dev.problems().await["problem"]["message"].as_str().unwrap().to_owned();
    assert!(problem.contains("values"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_shown_as_they_are_typed() {
    let yaml = supergraph_yaml(NOBODY, NOBODY);
    let folder = folder(&[("supergraph.yaml", &yaml), ("products.graphql", PRODUCTS), ("reviews.graphql", REVIEWS)]);
    let dev = Dev::start(folder.path(), &["--mock-missing"]);
    dev.data("{ products { name } }").await;
    assert_eq!(dev.problems().await, json!({ "version": 0, "problem": null }));

    write(folder.path(), "reviews.graphql", &REVIEWS.replace("stars: Int!", "stars: Inte!"));
    dev.says("The last good version is still served.").await;
    let said = dev.said();
    assert!(said.contains("reviews.graphql:4:") && said.contains("^^^^") && said.contains("1 error."), "{said}");
    let problem = &dev.problems().await["problem"];
    let error = &problem["errors"][0];
    assert!(error["excerpt"].as_str().unwrap().contains("stars: Inte!"), "{problem}");
    assert!(error["message"].as_str().unwrap().contains("Inte"), "{problem}");
    dev.data("{ products { name reviews { stars } } }").await;

    write(folder.path(), "reviews.graphql", &REVIEWS.replace("stars: Int!", "stars: Int! likes: Int!"));
    let fixed = json!({ "version": 1, "problem": null });
    until("the problem is gone", || dev.said(), async || dev.problems().await == fixed).await;
    dev.data("{ products { reviews { likes } } }").await;
    write(folder.path(), "supergraph.yaml", "subgraphs: {");
    until("the list is broken", || dev.said(), async || !dev.problems().await["problem"].is_null()).await;
    assert!(dev.said().contains("supergraph.yaml"), "{}", dev.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_problems_waits_until_they_are_gone() {
    let yaml = supergraph_yaml(NOBODY, NOBODY);
    let folder =
        folder(&[("supergraph.yaml", &yaml), ("products.graphql", "type Query {"), ("reviews.graphql", REVIEWS)]);
    let mut dev = Dev::start(folder.path(), &["--mock", "products", "--mock", "reviews"]);
    dev.says("waiting for a change").await;
    assert!(!dev.said().contains("Serving http"), "{}", dev.said());
    write(folder.path(), "products.graphql", PRODUCTS);
    dev.data(REVIEWED).await;
    assert_eq!(dev.said().matches("waiting for a change").count(), 1, "{}", dev.said());
    assert!(dev.child.try_wait().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_recorded_and_given_again() {
    let products = subgraph(PRODUCTS, LAMP).await;
    let reviews = subgraph(REVIEWS, r#"{"_entities":[{"reviews":[{"stars":5,"text":"real"}]}]}"#).await;
    let folder = folder(&[]);
    let listed = [format!("products={}", products.url()), format!("reviews={}", reviews.url())];
    let with = |options: &[&'static str]| {
        let listed = listed.iter().map(String::as_str);
        Dev::start(folder.path(), &options.iter().copied().chain(listed).collect::<Vec<_>>())
    };
    const WITH_PRICE: &str = "{ products { sku name price reviews { stars text } } }";
    let recording = with(&["--record", "recorded"]);
    let recorded = recording.data(WITH_PRICE).await;
    drop(recording);
    drop((products, reviews));
    let files = |name: &str| {
        let entries = std::fs::read_dir(folder.path().join("recorded").join(name)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    };
    assert_eq!((files("products").len(), files("reviews").len()), (2, 2), "{:?}", files("products"));
    let file = files("products").into_iter().find(|name| name.ends_with(".json")).unwrap();
    let text = std::fs::read_to_string(folder.path().join("recorded/products").join(&file)).unwrap();
    assert!(file.starts_with("products-") && text.contains("\n  \"request\"") && text.contains("12.50"), "{text}");

    let replaying = with(&["--replay", "recorded"]);
    assert_eq!(replaying.data(WITH_PRICE).await, recorded);
    let unknown = replaying.ask("{ products { name } }").await;
    let error = &unknown["errors"][0];
    assert_eq!(error["extensions"]["code"], "REPLAY_NOT_RECORDED", "{unknown}");
    assert!(error["message"].as_str().unwrap().contains("recorded/products/products-"), "{error}");
    // What is edited is given.
    write(&folder.path().join("recorded/products"), &file, &text.replace("Desk lamp", "Floor lamp"));
    assert_eq!(replaying.data(WITH_PRICE).await["products"][0]["name"], "Floor lamp");
    write(&folder.path().join("recorded/products"), &file, "{");
    assert_eq!(replaying.ask(WITH_PRICE).await["errors"][0]["extensions"]["code"], "REPLAY_FAILED");
    drop(replaying);

    write(&folder.path().join("recorded/products"), &file, &text);
    let filled = with(&["--replay", "recorded", "--mock-missing"]);
    assert_eq!(filled.data(WITH_PRICE).await, recorded);
    assert_eq!(filled.data("{ products { name } }").await["products"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_recorded_and_given_again_in_their_order() {
    let products = Subgraph::raw(|seen| async move {
        if seen.body.contains("_service") {
            return support::ok(&json!({ "data": { "_service": { "sdl": PRODUCTS } } }).to_string());
        }
        let event = |number: u8| {
            let product = json!({ "__typename": "Product", "sku": format!("SOLD-{number}"), "name": "Lamp" });
            format!("event: next\ndata: {}\n\n", json!({ "data": { "sold": product } }))
        };
        let body = [event(1), event(2), event(3), "event: complete\ndata:\n\n".to_owned()].concat();
        support::http("200 OK", "text/event-stream", body.as_bytes(), "")
    })
    .await;
    let folder = folder(&[]);
    let listed = format!("products={}", products.url());
    let subscribed = async |dev: &Dev, query: &str| {
        let body = json!({ "query": query }).to_string();
        let answer = exchange(dev.address().await, &post(&body, "accept: text/event-stream\r\n")).await;
        let data = answer.text().lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect::<Vec<Value>>()
    };
    const SOLD: &str = "subscription { sold { sku } }";
    let recording = Dev::start(folder.path(), &["--record", "recorded", &listed]);
    let events = subscribed(&recording, SOLD).await;
    let sold = |number: u8| json!({ "data": { "sold": { "sku": format!("SOLD-{number}") } } });
    assert_eq!(events, [sold(1), sold(2), sold(3)]);
    let files = folder.path().join("recorded/products");
    let written = async || {
        let entries = std::fs::read_dir(&files).into_iter().flatten().flatten();
        let texts = entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with("sold-"));
        texts
            .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
            .any(|text| text.contains("\"completes\": true"))
    };
    until("the events are written", || recording.said(), written).await;
    drop((recording, products));

    let replaying = Dev::start(folder.path(), &["--replay", "recorded", &listed]);
    assert_eq!(subscribed(&replaying, SOLD).await, events, "{}", replaying.said());
    let unknown = subscribed(&replaying, "subscription { sold { name } }").await;
    assert_eq!(unknown[0]["errors"][0]["extensions"]["code"], "REPLAY_NOT_RECORDED", "{unknown:?}");
    let message = unknown[0]["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("recorded/products/sold-"), "{message}");
}

#[test]
fn mistakes_on_the_command_line_say_what_to_do() {
    let empty = folder(&[("products.graphql", PRODUCTS)]);
    let ends = |arguments: &[&str], exit: i32, says: &str| {
        let output: Output = braid(empty.path(), arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    };
    ends(&["dev"], 3, "braid init");
    ends(&["dev", "missing.yaml"], 4, "NAME=URL or NAME=FILE");
    ends(&["dev", "products"], 4, "NAME=URL or NAME=FILE");
    ends(&["dev", "products=products.graphql", "--replay", "nothing"], 4, "braid dev --record nothing");
    ends(&["dev", "products=products.graphql", "--mock", "prodcts"], 3, "Did you mean \"products\"?");
    ends(&["dev", "--record", "a", "--replay", "b"], 3, "cannot be used with");
    ends(&["init", "new"], 3, "--language");
    ends(&["init", "new", "--language", "cobol"], 3, "rust");
}

#[test]
fn a_new_project_composes_and_its_files_are_never_replaced() {
    for (language, name) in [("rust", "products"), ("typescript", "reviews"), ("python", "stock")] {
        let parent = folder(&[]);
        let project = parent.path().join("shop");
        std::fs::create_dir(&project).unwrap();
        write(&project, "README.md", "mine");
        let init = || braid(parent.path(), &["init", "shop", "--language", language]).output().unwrap();
        let first = init();
        let said = String::from_utf8_lossy(&first.stderr).into_owned();
        assert!(first.status.success() && said == "README.md is there already and was left as it is\n", "{said}");
        assert_eq!(std::fs::read_to_string(project.join("README.md")).unwrap(), "mine");
        for file in ["supergraph.yaml", "router.yaml", "mocks.yaml", ".gitignore", ".github/workflows/graph.yml"] {
            let text = std::fs::read_to_string(project.join(file)).unwrap();
            assert!(!text.contains("{{name}}") && !text.contains("{{port}}"), "{file}: {text}");
            if file.ends_with("ml") {
                serde_saphyr::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            }
        }
        let composed = braid(&project, &["compose", "supergraph.yaml"]).output().unwrap();
        assert!(composed.status.success(), "{}", String::from_utf8_lossy(&composed.stderr));
        assert!(String::from_utf8_lossy(&composed.stdout).contains(&name.to_uppercase()));
        let checked = braid(&project, &["config", "validate", "router.yaml"]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let second = init();
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(said.lines().count(), 6 + 3, "{said}");
        assert!(String::from_utf8_lossy(&second.stdout).starts_with("0 files"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_project_runs_behind_dev() {
    let parent = folder(&[]);
    let made = braid(parent.path(), &["init", "shop", "--language", "rust"]).output().unwrap();
    assert!(made.status.success());
    let project = parent.path().join("shop");
    // The port of the template may be taken on this machine.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let yaml = std::fs::read_to_string(project.join("supergraph.yaml")).unwrap();
    write(&project, "supergraph.yaml", &yaml.replace("4001", &port.to_string()));
    let dev = Dev::start(&project, &["--mock-missing"]);
    let skus = |data: &Value| {
        let mut skus: Vec<String> = data["products"].as_array().unwrap().iter().map(|p| p["sku"].to_string()).collect();
        skus.sort();
        skus
    };
    let mocked = dev.data("{ products { sku name } }").await;
    assert_eq!(skus(&mocked), ["\"LAMP\"", "\"MUG\""], "as mocks.yaml says");
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "products", "--ignored", "--nocapture"])
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let real = json!({ "products": [{ "sku": "LAMP", "name": "Desk lamp" }, { "sku": "MUG", "name": "Mug" }] });
    let follows = async || dev.data("{ products { sku name } }").await == real;
    until("the service answers itself", || dev.said(), follows).await;
    until("it is said", || dev.said(), async || dev.said().contains("it answers itself")).await;
    service.kill().unwrap();
    service.wait().unwrap();
    until("the mock answers again", || dev.said(), async || dev.data("{ products { sku name } }").await == mocked)
        .await;
}
