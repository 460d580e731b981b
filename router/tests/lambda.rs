//! The router as a function of AWS Lambda: the program itself, over a runtime API that gives it recorded events and lets it stand still
//! between them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]
#![allow(clippy::print_stdout, reason = "figures are for people")]

#[path = "../../tests/lambda.rs"]
mod lambda;
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Path as InPath, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lambda::{LambdaFunction, Returned, asking, command, event};
use serde_json::{Value, json};
use support::page::root;
use support::{ME, ORDERS, supergraph};
use tokio::net::TcpListener;

const BRAID: &str = env!("CARGO_BIN_EXE_braid");
const PLAIN: &str = "{}";

/// What a function needs of the world: two subgraphs, a collector and a bucket.
#[derive(Clone, Default)]
struct World {
    /// The addresses from which the subgraph users was asked.
    connections: Arc<Mutex<Vec<SocketAddr>>>,
    /// How many batches of spans the collector got.
    batches: Arc<Mutex<usize>>,
    /// The objects of the bucket, and the queries of the requests for them.
    objects: Arc<Mutex<Vec<(String, String)>>>,
    signed: Arc<Mutex<Vec<String>>>,
    url: String,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self { url: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let routes = Router::new()
            .route("/users", post(users))
            .route("/orders", post(orders))
            .route("/v1/traces", post(traces))
            .route("/graph/{*key}", get(object))
            .with_state(world.clone());
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        world
    }

    fn supergraph(&self) -> String {
        supergraph(&format!("{}/users", self.url), &format!("{}/orders", self.url))
    }

    /// What is deployed: a supergraph, and this configuration.
    fn deployed(&self, config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("supergraph.graphql"), self.supergraph()).unwrap();
        std::fs::write(folder.path().join("router.yaml"), config).unwrap();
        folder
    }

    fn put(&self, key: &str, content: &str) {
        let mut objects = self.objects.lock().unwrap();
        objects.retain(|(known, _)| known != key);
        objects.push((key.to_owned(), content.to_owned()));
    }
}

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

async fn users(State(world): State<World>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> impl IntoResponse {
    world.connections.lock().unwrap().push(peer);
    (JSON, ME)
}

async fn orders() -> impl IntoResponse {
    tokio::time::sleep(SLOW).await;
    (JSON, ORDERS)
}

/// How long the subgraph orders takes.
const SLOW: Duration = Duration::from_millis(500);

async fn traces(State(world): State<World>) -> impl IntoResponse {
    *world.batches.lock().unwrap() += 1;
    ([(header::CONTENT_TYPE, "application/x-protobuf")], "")
}

async fn object(
    State(world): State<World>,
    InPath(key): InPath<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    world.signed.lock().unwrap().push(query.unwrap_or_default());
    let found = world.objects.lock().unwrap().iter().find(|(known, _)| *known == key).map(|(_, text)| text.clone());
    let Some(text) = found else { return StatusCode::FORBIDDEN.into_response() };
    let etag = format!("\"{}-{}\"", text.len(), text.bytes().map(u64::from).sum::<u64>());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.to_str().unwrap() == etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, etag)], text).into_response()
}

fn plain(_: &mut Value) {}

/// The content of a whole response, which has to be one to a client that sent no header for compression.
fn content(returned: &Returned) -> Value {
    let response = returned.json();
    assert_eq!(response["isBase64Encoded"], false, "{response}");
    returned.content()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_all_kinds_are_requests() {
    let world = World::start().await;
    let deployed = world.deployed(PLAIN);
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &[]).await;
    let named = |name: &str| event(name, plain);
    let kinds = [
        ("http-api", "198.51.100.7"),
        ("function-url", "203.0.113.9"),
        ("load-balancer", "192.0.2.44"),
        ("load-balancer-get", "192.0.2.44"),
        ("rest-api", "198.51.100.23"),
    ];
    for (name, address) in kinds {
        let returned = function.invoke(&named(name)).await;
        assert_eq!(content(&returned), json!({ "data": { "me": { "name": "Ada" } } }), "{name}");
        // The line of the request is there before the function stands still, and says who the client was.
        let log = function.log();
        let line: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap_or_else(|_| panic!("{name}: {log}"));
        assert_eq!(line["peer"], address, "{name}: {line}");
    }
    let types = |returned: &Returned| {
        let response = returned.json();
        let one = response["headers"]["content-type"].as_str().map(str::to_owned);
        one.or_else(|| response["multiValueHeaders"]["content-type"][0].as_str().map(str::to_owned))
    };
    for (name, _) in kinds {
        let returned = function.invoke(&named(name)).await;
        assert!(types(&returned).unwrap().starts_with("application/json"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_said_to_be_none() {
    let world = World::start().await;
    let deployed = world.deployed(PLAIN);
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &[]).await;
    // A schedule keeps the function warm.
    let returned = function.invoke(&event("scheduled", plain)).await;
    assert!(!returned.is_error && returned.json() == Value::Null, "{returned:?}");
    for odd in [json!({ "Records": [] }), json!(7), json!({ "requestContext": { "elb": 1 }, "path": 5 })] {
        let returned = function.invoke(&odd).await;
        let error = returned.json();
        assert!(returned.is_error && error["errorType"] == "UnknownEvent", "{error}");
        assert!(error["errorMessage"].as_str().unwrap().contains("neither a request"), "{error}");
    }
    let other = |event: &mut Value| {
        event["rawPath"] = "/prod/elsewhere".into();
        event["headers"]["host"] = "not a host %%".into();
    };
    // A host that is none costs one invocation, and not the function.
    let odd = function.invoke(&event("http-api", other)).await;
    assert!(odd.is_error || odd.json()["statusCode"] == 404, "{odd:?}");
    let elsewhere = function.invoke(&event("http-api", |event| event["rawPath"] = "/prod/elsewhere".into())).await;
    assert_eq!(elsewhere.json()["statusCode"], 404);
    assert_eq!(content(&function.invoke(&event("http-api", plain)).await)["data"]["me"]["name"], "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_stands_still_between_invocations_and_loses_nothing() {
    let world = World::start().await;
    // Far longer than an invocation: what is sent was sent because the invocation ended.
    let config = format!(
        "telemetry: {{ trace: {{ otlp: {{ endpoint: '{}/v1/traces', delay: 1h, sampling: 1 }} }} }}",
        world.url
    );
    let deployed = world.deployed(&config);
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &[]).await;
    for invocation in 1..=4 {
        function.invoke(&event("function-url", plain)).await;
        assert_eq!(*world.batches.lock().unwrap(), invocation, "batches of spans");
        let lines = function.log().lines().filter(|line| line.contains("\"operation\"")).count();
        assert_eq!(lines, invocation, "{}", function.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let connections = world.connections.lock().unwrap().clone();
    assert_eq!(connections.len(), 4);
    assert!(connections.iter().all(|connection| *connection == connections[0]), "one connection: {connections:?}");
    assert!(function.is_registered());
    let (took, well) = function.end().await;
    assert!(well && took < Duration::from_millis(500), "{took:?}\n{}", function.log());
    assert!(function.log().contains("Stopped"), "{}", function.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_no_response() {
    let world = World::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", silent.local_addr().unwrap());
    let deployed = world.deployed(&format!("telemetry: {{ trace: {{ otlp: {{ endpoint: '{url}', sampling: 1 }} }} }}"));
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &[]).await;
    for _ in 0..2 {
        let began = Instant::now();
        let returned = function.invoke(&event("function-url", plain)).await;
        let answered = returned.parts[0].0 - began;
        assert!(answered < Duration::from_millis(500), "answered after {answered:?}");
        let waited = began.elapsed();
        assert!((1..3).contains(&waited.as_secs()), "stood still after {waited:?}");
    }
    let (took, well) = function.end().await;
    assert!(well && took < Duration::from_millis(500), "{took:?}\n{}", function.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_come_in_parts_where_the_caller_takes_them() {
    let world = World::start().await;
    let deployed = world.deployed(PLAIN);
    let mode = [("BRAID_INVOKE_MODE", "response_stream")];
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &mode).await;
    let deferred = |event: &mut Value| {
        asking("{ me { name ... @defer { orders { id } } } }")(event);
        event["headers"]["accept"] = "multipart/mixed;deferSpec=20220824".into();
        event["headers"].as_object_mut().unwrap().remove("accept-encoding");
    };
    let returned = function.invoke(&event("function-url", deferred)).await;
    assert_eq!(returned.headers["content-type"], "application/vnd.awslambda.http-integration-response");
    assert_eq!(returned.headers["lambda-runtime-function-response-mode"], "streaming");
    let (head, body) = returned.streamed();
    assert_eq!(head["statusCode"], 200, "{head}");
    assert!(head["headers"]["content-type"].as_str().unwrap().starts_with("multipart/mixed"), "{head}");
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("\"Ada\"") && body.contains("\"o1\""), "{body}");
    let first = returned.parts.iter().find(|(_, part)| String::from_utf8_lossy(part).contains("Ada")).unwrap().0;
    let last = returned.parts.last().unwrap().0;
    assert!(last - first > SLOW / 2, "the first part came only {:?} before the last", last - first);
    // A REST API takes parts, a load balancer and an HTTP API don't.
    let (head, body) = function.invoke(&event("rest-api", plain)).await.streamed();
    assert_eq!(head["statusCode"], 200, "{head}");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["data"]["me"]["name"], "Ada");
    for name in ["load-balancer", "http-api"] {
        assert_eq!(content(&function.invoke(&event(name, plain)).await)["data"]["me"]["name"], "Ada", "{name}");
    }
    // Whole, when it is not set up for parts.
    let mut function = LambdaFunction::start(BRAID, deployed.path(), &[]).await;
    let whole = function.invoke(&event("function-url", deferred)).await.json();
    assert!(whole["statusCode"] == 200 && whole["isBase64Encoded"] == true, "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_and_schema_come_from_a_bucket() {
    let world = World::start().await;
    let empty = tempfile::tempdir().unwrap();
    world.put("prod/router.yaml", "server: { path: /api }\nreload: { poll: 100ms }");
    world.put("prod/supergraph.graphql", &world.supergraph());
    let variables = [
        ("BRAID_CONFIG", "s3://graph/prod/router.yaml"),
        ("SUPERGRAPH_PATH", "s3://graph/prod/supergraph.graphql"),
        ("AWS_ENDPOINT_URL", &*world.url),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let mut function = LambdaFunction::start(BRAID, empty.path(), &variables).await;
    let at = |path: &'static str| event("function-url", move |event| event["rawPath"] = path.into());
    assert_eq!(content(&function.invoke(&at("/api")).await)["data"]["me"]["name"], "Ada");
    for query in world.signed.lock().unwrap().iter() {
        assert!(query.contains("X-Amz-Signature=") && query.contains("X-Amz-Security-Token=token"), "{query}");
    }
    // What changes there is taken up, though the function stands still most of the time.
    world.put("prod/router.yaml", "server: { path: /new }\nreload: { poll: 100ms }");
    let mut answered = false;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answered = function.invoke(&at("/new")).await.json()["statusCode"] == 200;
        if answered {
            break;
        }
    }
    assert!(answered, "{}", function.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_start_says_why() {
    let world = World::start().await;
    let empty = tempfile::tempdir().unwrap();
    let nowhere: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let run = async |folder: &Path, variables: &[(&str, &str)]| {
        let mut command = command(BRAID, folder, nowhere, variables);
        let output = tokio::task::spawn_blocking(move || command.stderr(Stdio::piped()).output().unwrap());
        let output = output.await.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let bucket = |object: &'static str| {
        [("SUPERGRAPH_PATH", object), ("AWS_ENDPOINT_URL", &*world.url), ("BRAID_CONFIG", object)]
    };
    for (variables, status, expected) in [
        (&[][..], 3, "there is no schema"),
        (&[("BRAID_INVOKE_MODE", "parts")], 3, "buffered, response_stream"),
        (&bucket("s3://graph/missing.yaml"), 4, "s3://graph/missing.yaml can't be read: the bucket answered 403"),
        (&bucket("s3://graph"), 4, "write s3://BUCKET/KEY"),
    ] {
        let (code, text) = run(empty.path(), variables).await;
        assert!(code == status && text.contains(expected), "{code}: {text}");
    }
    let deployed = world.deployed(PLAIN);
    let (code, text) = run(deployed.path(), &[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much")]).await;
    assert!(code == 1 && text.contains("is no number"), "{code}: {text}");
    // On a machine that is no function.
    let mut command = command(BRAID, deployed.path(), nowhere, &[]);
    let output = command.env_remove("AWS_LAMBDA_RUNTIME_API").arg("lambda").stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("use the command that serves"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packaged_for_the_shop_starts_with_the_variables_of_the_template() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("router.yaml"), read("deploy/lambda/router.yaml")).unwrap();
    std::fs::write(folder.path().join("supergraph.graphql"), read("schema/supergraph.graphql")).unwrap();
    let template = read("deploy/lambda/template.yaml");
    let mentioned = template.lines().filter_map(|line| line.trim().split_once(':').map(|(name, _)| name));
    let is_variable =
        |name: &&str| name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let world = World::start().await;
    let variables: Vec<_> = mentioned
        .filter(is_variable)
        .map(|name| match name {
            "BRAID_INVOKE_MODE" => (name, "response_stream"),
            name => (name, &*world.url),
        })
        .collect();
    assert!(variables.iter().any(|(name, _)| *name == "USERS_URL"), "{variables:?}");
    let mut function = LambdaFunction::start(BRAID, folder.path(), &variables).await;
    let asked = event("function-url", asking("{ __typename }"));
    let (head, body) = function.invoke(&asked).await.streamed();
    assert_eq!(head["statusCode"], 200, "{}", String::from_utf8_lossy(&body));
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "data": { "__typename": "Query" } }));
}

/// `cargo test --release … cold_starts -- --nocapture` prints what it takes; the limit is that of a release build.
#[tokio::test(flavor = "multi_thread")]
async fn cold_starts_are_short_with_the_schema_of_the_shop() {
    let folder = tempfile::tempdir().unwrap();
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/supergraph.graphql");
    std::fs::copy(shop, folder.path().join("supergraph.graphql")).unwrap();
    let mut times = Vec::new();
    for _ in 0..7 {
        times.push(LambdaFunction::start(BRAID, folder.path(), &[]).await.init);
    }
    times.sort();
    println!("cold start, from the start of the program to its wait for an event: {times:?}");
    let limit = if cfg!(debug_assertions) { Duration::from_millis(500) } else { Duration::from_millis(150) };
    assert!(times[times.len() / 2] < limit, "{times:?}");
}
