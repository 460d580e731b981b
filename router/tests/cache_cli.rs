//! `braid cache invalidate`: what it asks of a router, how it ends, and the lines of the documentation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use braid_cache_invalidation::config::InvalidationConfig;
use braid_cache_invalidation::{Target, Targets, Ways};
use braid_cache_store::config::StoreConfig;
use braid_cache_store::{Invalidation, Position, Store};
use braid_composition::{SubgraphSdl, compose};
use braid_events::config::EventsConfig;
use braid_settings::Secret;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use serde_json::json;

#[derive(Debug)]
struct Fixed(Target);

impl Targets for Fixed {
    fn current(&self) -> Option<Target> {
        Some(self.0.clone())
    }
}

/// A place where invalidations are taken.
struct Router {
    target: Target,
    ways: Ways,
    url: String,
}

const SECRET: &str = "s3cret";

impl Router {
    async fn start() -> Self {
        let sdl = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\"])
            type Query { product: Product } type Product @key(fields: \"id\") { id: ID! }";
        let subgraph = |name: &str| SubgraphSdl {
            name: name.to_owned(),
            sdl: sdl.replace(
                "type Query { product: Product }",
                if name == "inventory" { "type Query { product: Product }" } else { "" },
            ),
            ..SubgraphSdl::default()
        };
        let composed = compose(&[subgraph("inventory"), subgraph("orders")]).result.unwrap();
        let metrics = Arc::new(Metrics::default());
        let target = Target {
            store: Store::new(&StoreConfig::default(), &metrics, None).unwrap(),
            supergraph: Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap()),
        };
        let config = InvalidationConfig {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            secret: Some(Secret(SECRET.to_owned())),
            ..InvalidationConfig::default()
        };
        let ways = Ways::new(Arc::new(Fixed(target.clone())), metrics);
        ways.follow(Some(&config), &EventsConfig::default(), None).await.unwrap();
        let url = format!("http://{}/invalidation", ways.address().await.unwrap());
        Self { target, ways, url }
    }

    fn last_of(&self, invalidation: &Invalidation) -> Position {
        self.target.store.invalidations.last_of(invalidation.tags().unwrap())
    }

    /// Runs `braid cache invalidate …`. Returns the exit code, the output, and the messages.
    async fn run(&self, line: &[&str]) -> (i32, String, String) {
        self.run_with(line, Some(SECRET)).await
    }

    async fn run_with(&self, line: &[&str], secret: Option<&str>) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_braid"));
        command.args(["cache", "invalidate"]).args(line).env("BRAID_CACHE_URL", &self.url).stdin(Stdio::null());
        command.env_remove("BRAID_CACHE_SECRET");
        if let Some(secret) = secret {
            command.env("BRAID_CACHE_SECRET", secret);
        }
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn product(subgraph: Option<&str>, id: &str) -> Invalidation {
    let serde_json::Value::Object(key) = json!({ "id": id }) else { unreachable!() };
    Invalidation::Entity { subgraph: subgraph.map(str::to_owned), ty: "Product".to_owned(), key }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_reaches_the_router() {
    let router = Router::start().await;
    let ty = Invalidation::Type { subgraph: Some("orders".to_owned()), ty: "Product".to_owned() };
    let tag = |tag: &str| Invalidation::Tag { subgraph: None, tag: tag.to_owned() };
    let never = tag("never");
    for (line, expected) in [
        (vec!["--subgraph", "orders"], vec![Invalidation::Subgraph("orders".to_owned())]),
        (vec!["--type", "Product", "--subgraph", "orders"], vec![ty]),
        (
            vec!["--type", "Product", "--key", r#"{"id":"1"}"#, "--key", r#"{"id":2}"#],
            vec![product(None, "1"), product(None, "2")],
        ),
        (
            vec!["--type", "Product", "--key", r#"{"id":"3"}"#, "--subgraph", "inventory"],
            vec![product(Some("inventory"), "3")],
        ),
        (vec!["--tag", "a", "--tag", "b c"], vec![tag("a"), tag("b c")]),
        (vec!["--all"], vec![never]),
    ] {
        let (code, out, errors) = router.run(&line).await;
        assert_eq!((code, errors.as_str()), (0, ""), "{line:?}");
        let position = out.trim().rsplit(' ').next().unwrap().parse().unwrap();
        for invalidation in &expected {
            assert_eq!(router.last_of(invalidation), Position(position), "{line:?}: {out}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_has_its_exit_code() {
    let router = Router::start().await;
    for (line, code, says) in [
        (vec![], 3, "say what to invalidate"),
        (vec!["--key", "{}"], 3, "--type"),
        (vec!["--type", "A", "--type", "B", "--key", "{}"], 3, "exactly one --type"),
        (vec!["--type", "Product", "--key", "1"], 3, "--key must be a JSON object"),
        (vec!["--all", "--tag", "a"], 3, "cannot be used with"),
        (vec!["--all", "--url", "nowhere"], 3, "--url"),
        (vec!["--type", "Produkt"], 2, "\"Produkt\" is not an object type"),
        (vec!["--subgraph", "stock"], 2, "there are \"inventory\", \"orders\""),
        (vec!["--all", "--secret", "wrong"], 1, "401 Unauthorized"),
        (vec!["--all", "--url", "http://127.0.0.1:1/invalidation"], 1, "http://127.0.0.1:1/invalidation"),
    ] {
        let (exit, out, errors) = router.run(&line).await;
        assert_eq!((exit, out.as_str()), (code, ""), "{line:?}: {errors}");
        assert!(errors.contains(says), "{line:?}: {errors}");
    }
    let (exit, _, errors) = router.run_with(&["--all"], None).await;
    assert_eq!(exit, 1, "{errors}");
    assert_eq!(router.target.store.invalidations.last(), Position::default());
    let (_, help, _) = router.run(&["--help"]).await;
    assert!(!help.contains(SECRET), "{help}");
    router.ways.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_documentation_run_unchanged() {
    let router = Router::start().await;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/caching.md");
    let page = std::fs::read_to_string(page).unwrap();
    let lines: Vec<_> = page.lines().filter(|line| line.starts_with("braid cache ")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    let binary = Path::new(env!("CARGO_BIN_EXE_braid")).parent().unwrap();
    for line in lines {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {line}")).stdin(Stdio::null());
        command.env("PATH", format!("{}:{}", binary.display(), std::env::var("PATH").unwrap()));
        command.env("BRAID_CACHE_URL", &router.url).env("BRAID_CACHE_SECRET", SECRET);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "`{line}`: {}", String::from_utf8_lossy(&output.stderr));
    }
}
