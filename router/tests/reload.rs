//! Changes of schema and configuration while requests run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid::assemble::{self, Front};
use braid::invalidation;
use braid::reload::{Blueprint, Origins, keep_current};
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use support::{Following, ME, Subgraph, exchange, follow, good_subgraphs, post, resident, supergraph, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OLD: &str = r#"{"query":"{ me { name } }"}"#;
const NEW: &str = r#"{"query":"{ me { nick } }"}"#;

fn started(version: assemble::Version, origins: &Origins, metrics: &Arc<Metrics>) -> Arc<Front> {
    Arc::new(assemble::front(&origins.config, version, metrics.clone()).unwrap())
}

/// The supergraph in use.
fn sdl_of(front: &Front) -> String {
    front.current().gateway.supergraph.write()
}

/// A router that reloads the files of a folder.
struct Current {
    folder: tempfile::TempDir,
    address: SocketAddr,
    front: Arc<Front>,
    metrics: Arc<Metrics>,
}

impl Current {
    /// `config` is the content of router.yaml.
    async fn start(folder: tempfile::TempDir, config: &str) -> Self {
        let file = folder.path().join("router.yaml");
        std::fs::write(&file, format!("{config}\ntelemetry: {{ access_log: {{ enabled: false }} }}\n")).unwrap();
        let Following { address, front, metrics } = follow(file).await.unwrap();
        // Until the handler of the reload signal is installed.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Self { folder, address, front, metrics }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn ask(&self, body: &str) -> support::Answer {
        exchange(self.address, &post(body, "")).await
    }

    async fn knows_nick(&self) -> bool {
        self.ask(NEW).await.json()["errors"].is_null()
    }

    fn reloads(&self, outcome: &str) -> usize {
        let (text, start) = (self.metrics.encode(), format!("braid_schema_reloads_total{{outcome=\"{outcome}\"}} "));
        text.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse().unwrap())
    }
}

fn folder_with(sdl: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("supergraph.graphql"), sdl).unwrap();
    folder
}

fn with_field(sdl: &str, name: &str) -> String {
    let field = "name: String @join__field(graph: USERS)";
    sdl.replace(field, &format!("{field} {name}: String @join__field(graph: USERS)"))
}

/// Replaces a file as a whole, as careful programs do.
fn replace(file: &Path, text: &str) {
    std::fs::write(file.with_extension("new"), text).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

/// A signal goes to the whole process, so only one test at a time sends it.
static SIGNALS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Sends this process the signal to reload.
fn hang_up() {
    let kill = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
    assert!(kill.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_schema_is_taken_up_and_a_bad_one_is_not() {
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let current = Current::start(folder_with(&sdl), "schema: { supergraph: supergraph.graphql }").await;
    let file = current.file("supergraph.graphql");
    assert_eq!(current.ask(OLD).await.json()["data"]["me"]["name"], "Ada");
    assert_eq!(current.ask(NEW).await.code(), "GRAPHQL_VALIDATION_FAILED");
    let kept = current.front.current();

    std::fs::write(&file, with_field(&sdl, "nick")).unwrap();
    until("the new field is known", async || current.knows_nick().await).await;
    let newer = current.front.current();
    assert!(!Arc::ptr_eq(&kept, &newer));
    let request = braid_gateway::request::GraphQLRequest::from_json(OLD.as_bytes()).unwrap();
    assert!(newer.gateway.prepare(&request).await.unwrap().1, "the cache was warmed");

    std::fs::write(&file, "type Query { broken").unwrap();
    until("the failure is counted", async || current.reloads("Failed") == 1).await;
    assert!(Arc::ptr_eq(&newer, &current.front.current()), "the last good version stays");
    assert!(current.knows_nick().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operations_that_a_change_touches_are_compiled_again() {
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let config = |more: &str| format!("schema: {{ supergraph: supergraph.graphql }}\nreload: {{ warm_up: 0 }}\n{more}");
    let current = Current::start(folder_with(&sdl), &config("")).await;
    let ask = async |count: usize| {
        let misses = current.metrics.cache_misses.get();
        assert_eq!(current.ask(OLD).await.json()["data"]["me"]["name"], "Ada");
        assert_eq!(current.metrics.cache_misses.get() - misses, count as u64);
    };
    let swapped = async |file: &str, text: &str| {
        let reloads = current.reloads("Swapped");
        replace(&current.file(file), text);
        until("the new version is in use", async || current.reloads("Swapped") > reloads).await;
    };
    ask(1).await;
    ask(0).await;
    let with_nick = with_field(&sdl, "nick");
    swapped("supergraph.graphql", &with_nick).await;
    assert_eq!(current.metrics.cache_operations.get(), 1, "another field of the type is of no interest");
    ask(0).await;
    let name = "name: String @join__field(graph: USERS)";
    assert!(with_nick.contains(name));
    let changed = with_nick.replace(name, &name.replace("String", "String!"));
    swapped("supergraph.graphql", &changed).await;
    ask(1).await;
    swapped("supergraph.graphql", &with_nick).await;
    ask(1).await;
    ask(0).await;
    swapped("router.yaml", &config("limits: { max_aliases: 7 }")).await;
    ask(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reloads_without_watching() {
    let _alone = SIGNALS.lock().await;
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let config = "schema: { supergraph: supergraph.graphql }\nreload: { watch: false }";
    let current = Current::start(folder_with(&sdl), config).await;
    replace(&current.file("supergraph.graphql"), &with_field(&sdl, "nick"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!current.knows_nick().await, "nothing is watched");
    hang_up();
    until("the new field is known", async || current.knows_nick().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_subgraph_is_polled() {
    const SDL: &str = "type Query { me: User } type User @key(fields: \"id\") { id: ID! name: String }";
    let (broken, renewed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (is_broken, is_renewed) = (broken.clone(), renewed.clone());
    let users = Subgraph::json(move |seen| {
        if !seen.body.contains("_service") {
            return ME.to_owned();
        }
        let sdl = match (is_broken.load(Ordering::Relaxed), is_renewed.load(Ordering::Relaxed)) {
            (true, _) => "type Query {".to_owned(),
            (_, true) => SDL.replace("name:", "nick: String name:"),
            _ => SDL.to_owned(),
        };
        serde_json::json!({ "data": { "_service": { "sdl": sdl } } }).to_string()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("subgraphs: {{ users: {{ schema: {{ subgraph_url: \"{}\" }} }} }}", users.url());
    std::fs::write(folder.path().join("supergraph.yaml"), yaml).unwrap();
    let config = "schema: { subgraphs: supergraph.yaml }\nreload: { watch: false, poll: 100ms }";
    let current = Current::start(folder, config).await;
    assert_eq!(current.ask(OLD).await.json()["data"]["me"]["name"], "Ada");
    broken.store(true, Ordering::Relaxed);
    until("it was asked in vain", async || current.reloads("Failed") > 0).await;
    assert_eq!(current.ask(OLD).await.json()["data"]["me"]["name"], "Ada");
    renewed.store(true, Ordering::Relaxed);
    broken.store(false, Ordering::Relaxed);
    until("the new field is known", async || current.knows_nick().await).await;
}

/// A client that sends queries on one connection until it is stopped. Every response must be right.
async fn keep_asking(address: SocketAddr, stop: Arc<AtomicBool>, asked: Arc<AtomicUsize>) {
    const RIGHT: &str = r#"{"data":{"me":{"name":"Ada"}}}"#;
    let request = String::from_utf8(post(OLD, "")).unwrap().replace("connection: close\r\n", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(RIGHT.as_bytes()) {
            assert!(stream.read_buf(&mut received).await.unwrap() > 0, "the connection was closed");
            assert!(received.len() < 1000, "{}", String::from_utf8_lossy(&received));
        }
        assert!(received.starts_with(b"HTTP/1.1 200 OK"));
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// `RELOADS=1000` reloads 1,000 times. The default keeps the test short.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_under_load_fail_no_request_and_leak_no_memory() {
    let _alone = SIGNALS.lock().await;
    let reloads = std::env::var("RELOADS").map_or(30, |reloads| reloads.parse().unwrap());
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let config = "schema: { supergraph: supergraph.graphql }\nreload: { watch: false }";
    let current = Current::start(folder_with(&sdl), config).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> =
        (0..4).map(|_| tokio::spawn(keep_asking(current.address, stop.clone(), asked.clone()))).collect();

    let (began, mut memory) = (Instant::now(), Vec::with_capacity(reloads));
    for at in 0..reloads {
        let field = format!("nick{at}");
        replace(&current.file("supergraph.graphql"), &with_field(&sdl, &field));
        hang_up();
        until("the new version is in use", async || sdl_of(&current.front).contains(&field)).await;
        // The requests that the test recorded are not the router's memory.
        users.seen.lock().unwrap().clear();
        memory.push(resident() as f64);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no request fails");
    }
    assert_eq!(current.reloads("Failed"), 0);
    assert!(current.reloads("Swapped") >= reloads);
    assert!(asked.load(Ordering::Relaxed) > reloads, "there was no load");

    // At first, the allocator and the caches fill up.
    let settled = &memory[reloads / 3..];
    let slope = slope(settled);
    let growth = slope * settled.len() as f64;
    println!(
        "{reloads} reloads in {:?} under {} requests, none failed; resident {:.1} MiB at first, {:.1} at last, slope {slope:.0} bytes per reload",
        began.elapsed(),
        asked.load(Ordering::Relaxed),
        memory[0] / 1048576.0,
        memory[reloads - 1] / 1048576.0,
    );
    assert!(growth < 0.03 * settled[0] + 1e6, "it grows by {slope:.0} bytes per reload");
}

/// The slope of the values by linear regression.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        over += (x as f64 - mean_x) * (y - mean_y);
        under += (x as f64 - mean_x).powi(2);
    }
    over / under
}

#[tokio::test]
async fn options_for_unknown_subgraphs_are_refused() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.graphql"), supergraph(&users.url(), &orders.url())).unwrap();
    let config = folder.path().join("router.yaml");
    std::fs::write(&config, "schema: { supergraph: s.graphql }\ntraffic: { subgraphs: { usres: { timeout: 1s } } }\n")
        .unwrap();
    let blueprint = Blueprint { config_file: Some(config), ..Blueprint::default() };
    let error = blueprint.first(&Arc::new(Metrics::default())).await.unwrap_err();
    assert!(error.to_string().contains("\"usres\""), "{error}");
}

/// A subgraph that gives its schema, which can change.
async fn live(sdl: impl Fn() -> String + Send + Sync + 'static) -> support::Subgraph {
    support::Subgraph::json(move |_| serde_json::json!({ "data": { "_service": { "sdl": sdl() } } }).to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subgraph_of_several_changes_live() {
    let field = Arc::new(std::sync::Mutex::new("b".to_owned()));
    let first = live(|| "type Query { a: Int }".to_owned()).await;
    let second = live({
        let field = field.clone();
        move || format!("type Query {{ {}: Int }}", field.lock().unwrap())
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "subgraphs:\n  first: {{ schema: {{ subgraph_url: {} }} }}\n  second: {{ schema: {{ subgraph_url: {} }} }}\n",
        first.url(),
        second.url()
    );
    std::fs::write(folder.path().join("supergraph.yaml"), yaml).unwrap();
    let config = folder.path().join("router.yaml");
    std::fs::write(
        &config,
        "{ schema: { subgraphs: supergraph.yaml, last_good: last.graphql }, reload: { poll: 50ms } }",
    )
    .unwrap();
    let kept = || std::fs::read_to_string(folder.path().join("last.graphql")).unwrap_or_default();
    let blueprint = Blueprint { config_file: Some(config), ..Blueprint::default() };
    let metrics = Arc::new(Metrics::default());
    let (version, origins) = blueprint.first(&metrics).await.unwrap();
    assert_eq!(kept(), origins.supergraph_sdl);
    let front = started(version, &origins, &metrics);
    let watching = tokio::spawn(keep_current(front.clone(), invalidation::ways(&front), blueprint.clone(), origins));

    *field.lock().unwrap() = "c".to_owned();
    until("the new field is known", async || sdl_of(&front).contains("  c: Int")).await;
    assert_eq!(Supergraph::read(&kept()).unwrap().write(), sdl_of(&front));

    // A schema that does not compose is not used, and the next one that does is.
    *field.lock().unwrap() = "broken".repeat(2) + " {";
    until("the failure is counted", async || metrics.encode().contains("outcome=\"Failed\"")).await;
    assert!(sdl_of(&front).contains("  c: Int"));
    *field.lock().unwrap() = "d".to_owned();
    until("the next one is known", async || sdl_of(&front).contains("  d: Int")).await;
    watching.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_between_the_first_load_and_watching_is_taken_up() {
    let (users, orders) = good_subgraphs().await;
    let sdl = supergraph(&users.url(), &orders.url());
    let folder = folder_with(&sdl);
    let file = folder.path().join("supergraph.graphql");
    let blueprint = Blueprint { supergraph: Some(file.clone()), ..Blueprint::default() };
    let metrics = Arc::new(Metrics::default());
    let (version, origins) = blueprint.first(&metrics).await.unwrap();
    replace(&file, &with_field(&sdl, "nick"));
    let front = started(version, &origins, &metrics);
    let watching = tokio::spawn(keep_current(front.clone(), invalidation::ways(&front), blueprint, origins));
    until("the new field is known", async || sdl_of(&front).contains("nick")).await;
    watching.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_during_a_reload_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.graphql");
    std::fs::write(&file, "type Query { a: Int }").unwrap();
    // While it is asked for its schema, the file of the other is written.
    let asked = Arc::new(AtomicUsize::new(0));
    let slow = Subgraph::raw({
        let (asked, file) = (asked.clone(), file.clone());
        move |_| {
            let (time, file) = (asked.fetch_add(1, Ordering::Relaxed), file.clone());
            async move {
                if time == 1 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    std::fs::write(&file, "type Query { last: Int }").unwrap();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                support::ok(r#"{ "data": { "_service": { "sdl": "type Query { b: Int }" } } }"#)
            }
        }
    })
    .await;
    let yaml = format!(
        "subgraphs:\n  first: {{ routing_url: \"http://x\", schema: {{ file: first.graphql }} }}\n  slow: {{ schema: {{ subgraph_url: {} }} }}\n",
        slow.url()
    );
    std::fs::write(folder.path().join("supergraph.yaml"), yaml).unwrap();
    let config = "schema: { subgraphs: supergraph.yaml }\nreload: { poll: 0s }";
    let current = Current::start(folder, config).await;
    // Until the check for changes after the start is over.
    tokio::time::sleep(Duration::from_millis(300)).await;
    asked.store(1, Ordering::Relaxed);
    std::fs::write(&file, "type Query { a: Int, between: Int }").unwrap();
    until("the last field is known", async || sdl_of(&current.front).contains("  last: Int")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_missing_is_taken_up_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = |file: &str| format!("subgraphs: {{ a: {{ routing_url: \"http://a\", schema: {{ file: {file} }} }} }}");
    std::fs::write(folder.path().join("a.graphql"), "type Query { a: Int }").unwrap();
    std::fs::write(folder.path().join("supergraph.yaml"), yaml("a.graphql")).unwrap();
    let current = Current::start(folder, "schema: { subgraphs: supergraph.yaml }").await;
    std::fs::write(current.file("supergraph.yaml"), yaml("b.graphql")).unwrap();
    until("the failure is counted", async || current.reloads("Failed") == 1).await;
    std::fs::write(current.file("b.graphql"), "type Query { b: Int }").unwrap();
    until("the new field is known", async || sdl_of(&current.front).contains("  b: Int")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_subgraphs_uses_the_saved_supergraph() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("subgraphs: {{ a: {{ schema: {{ subgraph_url: \"http://{address}\" }} }} }}");
    std::fs::write(folder.path().join("supergraph.yaml"), yaml).unwrap();
    let config = folder.path().join("router.yaml");
    std::fs::write(&config, "schema: { subgraphs: supergraph.yaml, last_good: last.graphql }").unwrap();
    let blueprint = Blueprint { config_file: Some(config), ..Blueprint::default() };
    let metrics = Arc::new(Metrics::default());

    let error = blueprint.first(&metrics).await.unwrap_err();
    assert!(error.to_string().contains("\"a\""), "{error}");
    let last = supergraph("http://users.test", "http://orders.test");
    std::fs::write(folder.path().join("last.graphql"), &last).unwrap();
    let (_, origins) = blueprint.first(&metrics).await.unwrap();
    assert_eq!(origins.supergraph_sdl, last);
}
