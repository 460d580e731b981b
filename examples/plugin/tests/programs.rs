//! Both programs, as they are run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use braid_composition::{SubgraphSdl, compose};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A program that is stopped when it is dropped.
struct Running {
    process: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a program, and reads where it listens from its output: what comes between `before` and the next space.
fn start(mut command: Command, before: &str, pick: impl FnOnce(&mut Child) -> Box<dyn Read>) -> Running {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for line in BufReader::new(pick(&mut process)).lines().take(50) {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once(before) {
            let address = rest.split(['/', ' ', '"']).next().unwrap();
            return Running { process, url: format!("http://{address}") };
        }
    }
    panic!("it did not say where it listens");
}

/// A subgraph that says what its last request was, and a folder with a configuration for it.
async fn world() -> (tempfile::TempDir, Arc<Mutex<Value>>) {
    let last = Arc::new(Mutex::new(Value::Null));
    let seen = last.clone();
    let answer = async move |body: String| {
        *seen.lock().unwrap() = serde_json::from_str(&body).unwrap();
        r#"{"data":{"name":"Chair"}}"#
    };
    let with_type = |text: &'static str| ([("content-type", "application/json")], text);
    let app = Router::new().route(
        "/",
        post(move |body: String| {
            let answer = answer.clone();
            async move { with_type(answer(body).await) }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    let (name, sdl) = ("products".to_owned(), "type Query { name: String }".to_owned());
    let composed = compose(&[SubgraphSdl { name, sdl, url, ..SubgraphSdl::default() }]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("supergraph.graphql"), composed.result.unwrap().supergraph_sdl).unwrap();
    std::fs::write(folder.path().join("router.yaml"), "schema: { supergraph: supergraph.graphql }\n").unwrap();
    (folder, last)
}

async fn ask(running: &Running, tenant: Option<&str>) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}/graphql", running.url)).json(&json!({ "query": "{ name }" }));
    let request = tenant.into_iter().fold(request, |request, tenant| request.header("x-tenant", tenant));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn check(running: &Running, last: &Mutex<Value>) {
    let (status, body) = ask(running, None).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (403, &json!("UNKNOWN_TENANT")));
    assert_eq!(ask(running, Some("other")).await.0, 403);
    assert_eq!(*last.lock().unwrap(), Value::Null);
    assert_eq!(ask(running, Some("acme")).await, (200, json!({ "data": { "name": "Chair" } })));
    assert_eq!(last.lock().unwrap()["extensions"], json!({ "tenant": "acme" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_has_the_plugin() {
    let (folder, last) = world().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugin-example"));
    command.arg("serve").arg("--config").arg(folder.path().join("router.yaml")).args(["--listen", "127.0.0.1:0"]);
    let running = start(command, "Serving http://", |process| Box::new(process.stderr.take().unwrap()));
    check(&running, &last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_is_a_part_of_an_application() {
    let (folder, last) = world().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedded"));
    command.arg(folder.path().join("router.yaml")).arg("127.0.0.1:0");
    let running = start(command, "", |process| Box::new(process.stdout.take().unwrap()));
    let about = reqwest::get(format!("{}/about", running.url)).await.unwrap();
    assert_eq!(about.text().await.unwrap(), "a shop");
    check(&running, &last).await;
    assert_eq!(reqwest::get(format!("{}/health", running.url)).await.unwrap().status(), 200);
}
