//! An HTTP service that takes part in requests: what it is sent, what it changes, and what becomes of a request when it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid::assemble;
use braid::config::Config;
use serde_json::{Value, json};
use support::{Answer, ME, ORDERS, Seen, Subgraph, TestRouter, http, post, supergraph};

const QUERY: &str = r#"{"query":"{ me { name orders { id total } } }"}"#;

/// Every field of every stage.
const ALL: &str = "
    router: { request: { headers: true, context: all, body: true, sdl: true, path: true, method: true },
              response: { headers: true, context: all, body: true, sdl: true, status_code: true } }
    supergraph: { request: { headers: true, context: all, body: true, sdl: true, method: true },
                  response: { headers: true, context: all, body: true, sdl: true, status_code: true } }
    execution: { request: { headers: true, context: all, body: true, sdl: true, method: true },
                 response: { headers: true, context: all, body: true, sdl: true, status_code: true } }
    subgraph: { all: { request: { headers: true, context: all, body: true, uri: true, method: true, service_name: true, subgraph_request_id: true },
                       response: { headers: true, context: all, body: true, service_name: true, status_code: true, subgraph_request_id: true } } }";

const STAGES: [&str; 8] = [
    "RouterRequest",
    "SupergraphRequest",
    "ExecutionRequest",
    "SubgraphRequest",
    "SubgraphResponse",
    "ExecutionResponse",
    "SupergraphResponse",
    "RouterResponse",
];

/// A stage of the configuration, by its name in messages.
fn stage(name: &str, fields: &str) -> String {
    let inner = |stage: &str| format!("{stage}: {{ {fields} }}");
    match name {
        "RouterRequest" => format!("router: {{ {} }}", inner("request")),
        "RouterResponse" => format!("router: {{ {} }}", inner("response")),
        "SupergraphRequest" => format!("supergraph: {{ {} }}", inner("request")),
        "SupergraphResponse" => format!("supergraph: {{ {} }}", inner("response")),
        "ExecutionRequest" => format!("execution: {{ {} }}", inner("request")),
        "ExecutionResponse" => format!("execution: {{ {} }}", inner("response")),
        "SubgraphRequest" => format!("subgraph: {{ all: {{ {} }} }}", inner("request")),
        _ => format!("subgraph: {{ all: {{ {} }} }}", inner("response")),
    }
}

fn message(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).unwrap()
}

/// Answers by stage and message; null goes on.
async fn coprocessor(answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Subgraph {
    Subgraph::json(move |seen| {
        let message = message(seen);
        match answer(message["stage"].as_str().unwrap(), &message) {
            Value::Null => "{}".to_owned(),
            reply => reply.to_string(),
        }
    })
    .await
}

/// What the coprocessor was sent at a stage.
fn sent(coprocessor: &Subgraph, stage: &str) -> Vec<Value> {
    coprocessor.seen.lock().unwrap().iter().map(message).filter(|message| message["stage"] == stage).collect()
}

struct World {
    router: TestRouter,
    users: Subgraph,
    orders: Subgraph,
    config: Config,
}

impl World {
    /// `yaml` is what router.yaml has beside the coprocessor.
    async fn start(url: &str, stages: &str, yaml: &str) -> Self {
        let users = Subgraph::raw(|_| async { http("200 OK", "application/json", ME.as_bytes(), "x-from: users\r\n") });
        let (users, orders) = (users.await, Subgraph::json(|_| ORDERS.to_owned()).await);
        let config = config(url, stages, yaml);
        let own = config.clone();
        let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
            let access_log = config.telemetry.access_log.clone();
            *config = own;
            config.telemetry.access_log = access_log;
        })
        .await;
        Self { router, users, orders, config }
    }

    async fn ask(&self, headers: &str) -> Answer {
        self.router.send(&post(QUERY, headers)).await
    }
}

fn config(url: &str, stages: &str, yaml: &str) -> Config {
    let indented = stages.trim().lines().map(|line| format!("  {}\n", line.trim())).collect::<String>();
    let text = format!("coprocessor:\n  url: {url}\n  timeout: 400ms\n{indented}{yaml}\n");
    Config::parse(&text, &braid_settings::expand::Process(".".as_ref()))
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn keys(message: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn only_what_is_selected_is_sent() {
    let service = coprocessor(|_, _| Value::Null).await;
    let stages = "router: { request: { path: true } }\nsubgraph: { all: { response: { service_name: true } } }";
    let world = World::start(&service.url(), stages, "").await;
    assert_eq!(world.ask("x-secret: 1\r\n").await.status, 200);
    let all: Vec<_> = service.seen.lock().unwrap().iter().map(message).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(keys(&all[0]), ["control", "id", "path", "stage", "version"]);
    assert_eq!((&all[0]["path"], &all[0]["control"]), (&json!("/graphql"), &json!("continue")));
    for (message, name) in all[1..].iter().zip(["users", "orders"]) {
        assert_eq!(keys(message), ["control", "id", "serviceName", "stage", "version"]);
        assert_eq!(message["serviceName"], name);
        assert_eq!(message["id"], all[0]["id"]);
    }
}

#[tokio::test]
async fn all_stages_are_asked_in_order_with_one_id_and_one_context() {
    let service = coprocessor(|stage, message| {
        let mut entries = message["context"]["entries"].clone();
        entries[stage] = true.into();
        json!({ "context": { "entries": entries } })
    })
    .await;
    let world = World::start(&service.url(), ALL, "").await;
    let answer = world.router.query("query Mine { me { name } }").await;
    assert_eq!(answer.json(), json!({ "data": { "me": { "name": "Ada" } } }));
    let all: Vec<_> = service.seen.lock().unwrap().iter().map(message).collect();
    let stages: Vec<_> = all.iter().map(|message| message["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, STAGES);
    assert!(all.iter().all(|message| message["id"] == all[0]["id"] && message["version"] == 1), "{all:?}");
    let entries = all[7]["context"]["entries"].as_object().unwrap();
    assert!(STAGES[..7].iter().all(|stage| entries[*stage] == true), "{entries:?}");
    assert_eq!(all[2]["context"]["entries"]["apollo::supergraph::operation_name"], "Mine");
    // What each stage has of its own.
    let body = json!({ "query": "query Mine { me { name } }" });
    assert_eq!(all[0]["body"], body.to_string());
    assert_eq!((&all[1]["body"], &all[2]["body"]), (&body, &body));
    assert!(all[0]["sdl"].as_str().unwrap().contains("join__Graph"));
    assert_eq!((&all[3]["uri"], &all[3]["method"]), (&json!(world.users.url()), &json!("POST")));
    assert!(all[3]["body"]["query"].as_str().unwrap().contains("me"));
    assert_eq!(all[3]["subgraphRequestId"], all[4]["subgraphRequestId"]);
    assert_eq!((&all[4]["statusCode"], &all[4]["headers"]["x-from"]), (&json!(200), &json!(["users"])));
    assert_eq!(all[5]["body"], answer.json());
    assert_eq!(all[7]["body"], answer.text());
    assert_eq!(
        world.router.metric("braid_coprocessor_calls_total{stage=\"RouterRequest\",outcome=\"Continued\"}").await,
        1.0
    );
}

/// Answers at one stage, of which all is selected.
async fn at(stage_name: &'static str, reply: Value, yaml: &str) -> (World, Answer, Subgraph) {
    let service = coprocessor(move |stage, _| if stage == stage_name { reply.clone() } else { Value::Null }).await;
    let world = World::start(&service.url(), ALL, yaml).await;
    let answer = world.ask("x-a: 1\r\n").await;
    (world, answer, service)
}

fn head(subgraph: &Subgraph) -> String {
    subgraph.seen.lock().unwrap().last().unwrap().head.to_lowercase()
}

#[tokio::test]
async fn requests_are_changed() {
    let rules = "headers: { all: { request: [{ propagate: { prefix: x- } }, { insert: { name: user-of-claims, from: claims.sub } }] } }";
    let body = json!({ "query": "{ me { name } }" });
    for (name, body) in [("RouterRequest", json!(body.to_string())), ("SupergraphRequest", body)] {
        let entries = json!({ "apollo::authentication::jwt_claims": { "sub": "ada" } });
        let reply = json!({ "headers": { "x-b": ["2", "3"], "content-type": ["application/json"] }, "body": body, "context": { "entries": entries } });
        let (world, answer, _service) = at(name, reply, rules).await;
        assert_eq!(answer.json(), json!({ "data": { "me": { "name": "Ada" } } }), "{name}");
        let head = head(&world.users);
        assert!(head.contains("x-b: 2\r\nx-b: 3") && !head.contains("x-a:"), "{head}");
        assert!(head.contains("user-of-claims: ada"), "{head}");
        assert_eq!(world.orders.count(), 0);
    }
    let reply = json!({ "headers": { "x-b": ["2"] } });
    let (world, answer, _service) = at("ExecutionRequest", reply, rules).await;
    assert_eq!(answer.status, 200);
    assert!(head(&world.users).contains("x-b: 2") && !head(&world.users).contains("x-a:"));
}

#[tokio::test]
async fn requests_to_subgraphs_are_changed() {
    let service = coprocessor(|stage, message| match (stage, message["serviceName"].as_str()) {
        ("SubgraphRequest", Some("users")) => {
            let mut body = message["body"].clone();
            body["extensions"] = json!({ "trace": 7 });
            json!({ "headers": { "x-only": "users", "content-length": ["1"], "host": ["evil"] }, "body": body })
        }
        _ => Value::Null,
    })
    .await;
    let world = World::start(&service.url(), ALL, "").await;
    assert_eq!(world.ask("").await.json()["data"]["me"]["name"], "Ada");
    let users = world.users.seen.lock().unwrap()[0].clone();
    assert!(users.head.contains("x-only: users") && !users.head.contains("evil"), "{}", users.head);
    assert_eq!(serde_json::from_str::<Value>(&users.body).unwrap()["extensions"], json!({ "trace": 7 }));
    assert!(!head(&world.orders).contains("x-only"));
    assert!(!world.orders.seen.lock().unwrap()[0].body.contains("extensions"));
    // What is planned stays.
    let reply = json!({ "body": { "query": "{ me { nick } }" } });
    let (world, answer, _service) = at("SubgraphRequest", reply, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (200, "COPROCESSOR_FAILED"));
    assert_eq!(world.users.count(), 0);
}

#[tokio::test]
async fn responses_are_changed() {
    let rules = "headers: { all: { response: [{ propagate: { name: x-from } }] } }";
    let body = json!({ "data": { "me": { "__typename": "User", "id": "1", "name": "Bob" } } });
    let reply = json!({ "headers": { "x-from": ["service"] }, "body": body });
    let service = coprocessor(move |stage, message| match (stage, message["serviceName"].as_str()) {
        ("SubgraphResponse", Some("users")) => reply.clone(),
        _ => Value::Null,
    })
    .await;
    let world = World::start(&service.url(), ALL, rules).await;
    let answer = world.ask("").await;
    assert_eq!(answer.json()["data"]["me"], json!({ "name": "Bob", "orders": [{ "id": "o1", "total": 12.50 }] }));
    // The plan has orders after users, which sends no such header.
    assert_eq!(answer.header("x-from").as_deref(), Some("service"));

    for name in ["ExecutionResponse", "SupergraphResponse"] {
        let body = json!({ "data": { "me": null }, "errors": [{ "message": "no" }], "extensions": { "a": 1 } });
        let reply = json!({ "body": body, "headers": { "x-set": ["1"], "content-length": ["1"] }, "statusCode": 207 });
        let (_world, answer, _service) = at(name, reply, rules).await;
        assert_eq!((answer.status, answer.json()), (207, body), "{name}");
        assert_eq!((answer.header("x-set").as_deref(), answer.header("x-from")), (Some("1"), None));
    }
    let reply = json!({ "body": "{\"data\":1}", "headers": { "x-set": ["1"], "content-type": ["application/json"] }, "statusCode": 418 });
    let (_world, answer, _service) = at("RouterResponse", reply, rules).await;
    assert_eq!((answer.status, answer.text()), (418, "{\"data\":1}"));
    assert_eq!((answer.header("x-set").as_deref(), answer.header("x-from")), (Some("1"), None));
}

#[tokio::test]
async fn each_stage_can_refuse() {
    for name in STAGES {
        let error = json!({ "message": "No.", "extensions": { "code": "NOT_TODAY" } });
        let reply =
            json!({ "control": { "break": 403 }, "body": { "errors": [error] }, "headers": { "x-why": ["age"] } });
        let (world, answer, _service) = at(name, reply, "exposure: { subgraph_errors: true }").await;
        assert_eq!(answer.code(), "NOT_TODAY", "{name}");
        let is_subgraph = name.starts_with("Subgraph");
        assert_eq!(answer.status, if is_subgraph { 200 } else { 403 }, "{name}");
        assert_eq!(answer.header("x-why").is_some(), !is_subgraph, "{name}");
        let asked =
            usize::from(!["RouterRequest", "SupergraphRequest", "ExecutionRequest", "SubgraphRequest"].contains(&name));
        assert_eq!(world.users.count(), asked, "{name}");
        assert!(
            world
                .router
                .metric(&format!("braid_coprocessor_calls_total{{stage=\"{name}\",outcome=\"Refused\"}}"))
                .await
                >= 1.0
        );
    }
    // An answer of its own.
    let (world, answer, _service) =
        at("RouterRequest", json!({ "control": { "break": 200 }, "body": "{\"data\":{\"me\":1}}" }), "").await;
    assert_eq!((answer.status, answer.text()), (200, "{\"data\":{\"me\":1}}"));
    assert_eq!(world.users.count(), 0);
    let (_world, answer, _service) =
        at("RouterRequest", json!({ "control": { "break": 401 }, "body": "Who?" }), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "COPROCESSOR_REFUSED"));
    assert_eq!(answer.json()["errors"][0]["message"], "Who?");
}

/// Services that give no answer that can be used.
async fn broken() -> Vec<(&'static str, Subgraph)> {
    let slow = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        support::ok("{}")
    });
    let silent = Subgraph::raw(|_| async { Vec::new() });
    let garbage = Subgraph::json(|_| "<html>".to_owned());
    let huge = Subgraph::raw(|_| async { support::ok(&format!("{{\"body\":\"{}\"}}", "a".repeat(9 << 20))) });
    let failing = Subgraph::raw(|_| async { http("500 Internal Server Error", "text/plain", b"no", "") });
    let wrong = Subgraph::json(|_| r#"{"control":{"break":7}}"#.to_owned());
    let newer = Subgraph::json(|_| r#"{"version":2}"#.to_owned());
    vec![
        ("slow", slow.await),
        ("silent", silent.await),
        ("garbage", garbage.await),
        ("huge", huge.await),
        ("failing", failing.await),
        ("wrong", wrong.await),
        ("newer", newer.await),
    ]
}

#[tokio::test]
async fn a_service_that_fails_refuses_or_is_ignored() {
    let mut urls: Vec<_> =
        broken().await.into_iter().map(|(name, service)| (name, service.url(), Some(service))).collect();
    urls.push(("down", "http://127.0.0.1:1/".to_owned(), None));
    for (what, url, _service) in &urls {
        for (on_error, status, code) in [("refuse", 503, "COPROCESSOR_FAILED"), ("continue", 200, "none")] {
            let world =
                World::start(url, &stage("RouterRequest", &format!("headers: true, on_error: {on_error}")), "").await;
            let answer = world.ask("").await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what} {on_error}");
            assert_eq!(world.users.count(), usize::from(status == 200), "{what} {on_error}");
            assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
            let calls = "braid_coprocessor_calls_total{stage=\"RouterRequest\",outcome=\"Failed\"}";
            assert_eq!(world.router.metric(calls).await, 1.0);
        }
    }
}

#[tokio::test]
async fn each_stage_fails_closed_or_open() {
    let garbage = Subgraph::json(|_| "<html>".to_owned()).await;
    for name in STAGES {
        let world = World::start(&garbage.url(), &stage(name, "headers: true"), "").await;
        let answer = world.ask("").await;
        let status = if name.starts_with("Subgraph") { 200 } else { 503 };
        assert_eq!((answer.status, answer.code().as_str()), (status, "COPROCESSOR_FAILED"), "{name}");
        let world = World::start(&garbage.url(), &stage(name, "headers: true, on_error: continue"), "").await;
        assert_eq!(world.ask("").await.json()["data"]["me"]["name"], "Ada", "{name}");
    }
}

#[tokio::test]
async fn a_stage_can_have_a_time_of_its_own() {
    let slow = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        support::ok("{}")
    })
    .await;
    for (timeout, status) in [("100ms", 503), ("5s", 200)] {
        let world =
            World::start(&slow.url(), &stage("RouterRequest", &format!("path: true, timeout: {timeout}")), "").await;
        assert_eq!(world.ask("").await.status, status, "{timeout}");
    }
}

/// What a service in JavaScript does that sends back all it got.
#[tokio::test]
async fn a_service_that_returns_everything_changes_nothing() {
    // Numbers are doubles to it, as to JavaScript: 12.50 is 12.5.
    let service = coprocessor(|_, message| message.clone()).await;
    let world = World::start(&service.url(), ALL, "").await;
    let plain =
        World::start("http://127.0.0.1:1/", &stage("RouterRequest", "path: true, on_error: continue"), "").await;
    let (answer, expected) = (world.ask("x-a: 1\r\n").await, plain.ask("").await);
    assert_eq!((answer.status, answer.text()), (200, expected.text()));
    assert!(answer.text().contains("12.50"));
    let bodies = |world: &World| world.orders.seen.lock().unwrap()[0].body.clone();
    assert_eq!(bodies(&world), bodies(&plain));
}

#[tokio::test]
async fn a_reload_changes_the_service() {
    let refuses = coprocessor(|_, _| json!({ "control": { "break": 403 } })).await;
    let allows = coprocessor(|_, _| Value::Null).await;
    let stages = stage("RouterRequest", "headers: true");
    let world = World::start(&refuses.url(), &stages, "").await;
    assert_eq!(world.ask("").await.status, 403);
    let front = &world.router.front;
    let sdl = supergraph(&world.users.url(), &world.orders.url());
    for (config, status) in [
        (config(&allows.url(), &stages, ""), 200),
        (Config { coprocessor: Default::default(), ..world.config.clone() }, 200),
        (world.config.clone(), 403),
    ] {
        front.swap(assemble::version(&config, &sdl, None, front.metrics(), Some(&front.current())).unwrap());
        assert_eq!(world.ask("").await.status, status);
    }
    assert_eq!((refuses.count(), allows.count()), (2, 1));
}

#[tokio::test]
async fn each_operation_of_a_batch_is_asked_about() {
    let service = coprocessor(|stage, message| match (stage, message["body"]["query"].as_str()) {
        ("SupergraphRequest", Some(query)) if query.contains("orders") => json!({ "control": { "break": 403 } }),
        _ => Value::Null,
    })
    .await;
    let world = World::start(&service.url(), ALL, "server: { batching: { enabled: true } }").await;
    let answer = world.router.post(&format!("[{QUERY},{{\"query\":\"{{ me {{ name }} }}\"}}]")).await;
    let answers = answer.json();
    assert_eq!(answers[0]["errors"][0]["extensions"]["code"], "COPROCESSOR_REFUSED");
    assert_eq!(answers[1]["data"]["me"]["name"], "Ada");
    assert_eq!((sent(&service, "RouterRequest").len(), sent(&service, "SupergraphRequest").len()), (1, 2));
    assert_eq!((sent(&service, "ExecutionResponse").len(), sent(&service, "RouterResponse").len()), (1, 1));
}

/// The cache and equal requests in flight: a header of a plugin decides whose an answer is.
#[tokio::test]
async fn clients_do_not_get_what_was_made_for_others() {
    let service = coprocessor(|_, message| json!({ "headers": { "x-user": message["headers"]["x-who"] } })).await;
    let users = Subgraph::raw(|seen: Seen| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let who = if seen.head.contains("x-user: ada") { "Ada" } else { "Bob" };
        let body = format!(r#"{{"data":{{"me":{{"__typename":"User","id":"1","name":"{who}"}}}}}}"#);
        http("200 OK", "application/json", body.as_bytes(), "cache-control: max-age=60, private\r\n")
    })
    .await;
    let yaml = "cache: { enabled: true, answers: { keep: true } }\nserver: { deduplicate: true }\nheaders: { all: { request: [{ propagate: { name: x-who } }] } }";
    let config = config(&service.url(), &stage("SubgraphRequest", "headers: true"), yaml);
    let router = TestRouter::start(supergraph(&users.url(), &users.url()), |own| {
        let access_log = own.telemetry.access_log.clone();
        *own = config;
        own.telemetry.access_log = access_log;
    })
    .await;
    const NAME: &str = "/graphql?query={me{name}}";
    for _ in 0..2 {
        let (ada, bob) = tokio::join!(router.get(NAME, "x-who: ada\r\n"), router.get(NAME, "x-who: bob\r\n"));
        assert_eq!(ada.json()["data"]["me"]["name"], "Ada");
        assert_eq!(bob.json()["data"]["me"]["name"], "Bob");
    }
}

#[tokio::test]
async fn connections_are_used_again_and_calls_are_bounded() {
    let (opened, running, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let (now, peak) = (running.clone(), most.clone());
    let answer = async move || {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        now.fetch_sub(1, Ordering::SeqCst);
        ([("content-type", "application/json")], "{}")
    };
    let app = axum::Router::new().fallback(move || {
        let answer = answer.clone();
        async move { answer().await }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = opened.clone();
    let listener = axum::serve::ListenerExt::tap_io(listener, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stages = format!("max_concurrent_calls: 2\n{}", stage("RouterRequest", "headers: true"));
    let world = World::start(&url, &stages, "").await;
    for _ in 0..3 {
        assert_eq!(world.ask("").await.status, 200);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    let many = futures_util::future::join_all((0..8).map(|_| world.ask(""))).await;
    assert!(many.iter().all(|answer| answer.status == 200));
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert!(opened.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_configuration_that_asks_nobody_is_refused() {
    let build = |yaml: &str| {
        let config = Config::parse(yaml, &braid_settings::expand::Process(".".as_ref())).unwrap();
        let sdl = supergraph("http://127.0.0.1:1/", "http://127.0.0.1:1/");
        assemble::version(&config, &sdl, None, &Default::default(), None).map(drop).unwrap_err()
    };
    let check = |yaml: &str, expected: &str| {
        let error = braid_net::chain(&build(yaml));
        assert!(error.contains(expected), "{error}");
    };
    check("coprocessor: { url: \"http://127.0.0.1:1/\" }", "select at least one field");
    check("coprocessor: { router: { request: { body: true } } }", "set url");
    check("coprocessor: { url: \"ftp://a\", router: { request: { body: true } } }", "coprocessor.url can't be used");
    let header = "http_headers: { \"a b\": c }";
    check(
        &format!("coprocessor: {{ url: \"http://127.0.0.1:1/\", {header}, router: {{ request: {{ body: true }} }} }}"),
        "the header \"a b\" can't be sent",
    );
}
