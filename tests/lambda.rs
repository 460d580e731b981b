//! AWS Lambda for tests: the runtime API of <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> and the part of the extensions
//! API that functions need to be told of their end, over which it runs a program as a function. It stands still between its invocations,
//! as there. Knows no program.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::disallowed_methods, reason = "the runtime has a clock of its own")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as InPath, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

/// What a function returned.
#[derive(Debug)]
pub struct Returned {
    /// Whether it returned an error.
    pub is_error: bool,
    pub headers: HeaderMap,
    /// The parts in which it came, and when.
    pub parts: Vec<(Instant, Vec<u8>)>,
}

impl Returned {
    pub fn body(&self) -> Vec<u8> {
        self.parts.iter().flat_map(|(_, part)| part.clone()).collect()
    }

    pub fn json(&self) -> Value {
        let body = self.body();
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
    }

    /// The content of a whole response to a GraphQL request.
    pub fn content(&self) -> Value {
        let response = self.json();
        assert!(!self.is_error, "{response}");
        assert_eq!(response["statusCode"], 200, "{response}");
        serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
    }

    /// The head and the body of a response in parts.
    pub fn streamed(&self) -> (Value, Vec<u8>) {
        let body = self.body();
        let end = body.windows(8).position(|eight| eight == [0; 8]).expect("a head that ends with eight zeros");
        (serde_json::from_slice(&body[..end]).unwrap(), body[end + 8..].to_vec())
    }
}

#[derive(Default)]
struct Shared {
    /// The events that nobody has asked for, with their ids.
    waiting: Vec<(u64, Value)>,
    answers: HashMap<u64, oneshot::Sender<Returned>>,
    invocations: u64,
    /// How often the function has asked for an event.
    asked: u64,
    /// The events of the end of which it wants to be told.
    registered: Vec<String>,
}

#[derive(Clone, Default)]
struct Api {
    shared: Arc<Mutex<Shared>>,
    new_event: Arc<Notify>,
    asking: Arc<Notify>,
}

/// A program that runs as a function until this is dropped.
pub struct LambdaFunction {
    api: Api,
    child: Child,
    log: std::path::PathBuf,
    /// How long it took until it asked for its first event.
    pub init: Duration,
    _folder: tempfile::TempDir,
}

impl LambdaFunction {
    /// Starts a program as Lambda does, without arguments: with what was deployed in a folder, and variables.
    pub async fn start(program: &str, task_root: &Path, variables: &[(&str, &str)]) -> Self {
        let (api, address) = Api::serve().await;
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let began = Instant::now();
        let child = command(program, task_root, address, variables)
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut function = Self { api, child, log, init: Duration::ZERO, _folder: folder };
        function.until_asked(1).await;
        function.init = began.elapsed();
        function.signal("STOP");
        function
    }

    /// Sends an event, and waits until the function has returned and asks for the next one. It stands still before and after that.
    pub async fn invoke(&mut self, event: &Value) -> Returned {
        let (answer, answered) = oneshot::channel();
        let asked = {
            let mut shared = self.api.shared.lock().unwrap();
            shared.invocations += 1;
            let id = shared.invocations;
            shared.waiting.push((id, event.clone()));
            shared.answers.insert(id, answer);
            shared.asked
        };
        self.signal("CONT");
        self.api.new_event.notify_one();
        let returned = tokio::time::timeout(Duration::from_secs(30), answered).await;
        let returned = returned.unwrap_or_else(|_| panic!("no answer:\n{}", self.log())).unwrap();
        self.until_asked(asked + 1).await;
        self.signal("STOP");
        returned
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Whether it wants to be told when it is to end.
    pub fn is_registered(&self) -> bool {
        !self.api.shared.lock().unwrap().registered.is_empty()
    }

    /// Ends it as Lambda does, and returns how long that took and whether it ended well.
    pub async fn end(&mut self) -> (Duration, bool) {
        let began = Instant::now();
        self.signal("CONT");
        self.signal("TERM");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (began.elapsed(), status.success());
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_asked(&mut self, times: u64) {
        let waiting = async {
            loop {
                let asking = self.api.asking.notified();
                if self.api.shared.lock().unwrap().asked >= times {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), asking).await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    panic!("the function has ended with {status}:\n{}", std::fs::read_to_string(&self.log).unwrap());
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the function asks for an event");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }
}

impl Drop for LambdaFunction {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program with the environment of a function, without its API being there unless it is at `address`.
pub fn command(program: &str, task_root: &Path, address: SocketAddr, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "braid")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_REGION", "eu-central-1")
        .env("LAMBDA_TASK_ROOT", task_root)
        .envs(variables.iter().copied())
        .current_dir(task_root)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// A recorded event, with changes.
pub fn event(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("tests/fixtures/lambda"));
    let folder = { file }.find(|folder| folder.is_dir()).expect("the folder of recorded events");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let mut event = serde_json::from_str(&text).unwrap();
    change(&mut event);
    event
}

/// Has an event ask a query.
pub fn asking(query: &str) -> impl Fn(&mut Value) + use<> {
    let body = json!({ "query": query }).to_string();
    move |event| {
        event["body"] = body.clone().into();
        event["isBase64Encoded"] = false.into();
    }
}

impl Api {
    async fn serve() -> (Self, SocketAddr) {
        let api = Self::default();
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(std::future::pending::<()>))
            .with_state(api.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (api, address)
    }
}

async fn next(State(api): State<Api>) -> Response {
    api.shared.lock().unwrap().asked += 1;
    api.asking.notify_waiters();
    loop {
        let event = api.shared.lock().unwrap().waiting.pop();
        if let Some((id, event)) = event {
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(30);
            let headers = [
                ("lambda-runtime-aws-request-id", id.to_string()),
                ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:eu-central-1:123456789012:function:braid".into(),
                ),
                ("lambda-runtime-trace-id", "Root=1-67a9f3c1-0123456789abcdef01234567;Sampled=1".into()),
                ("content-type", "application/json".into()),
            ];
            return (headers, event.to_string()).into_response();
        }
        api.new_event.notified().await;
    }
}

async fn response(api: State<Api>, id: InPath<u64>, headers: HeaderMap, body: Body) -> &'static str {
    returned(api, id, headers, body, false).await
}

async fn error(api: State<Api>, id: InPath<u64>, headers: HeaderMap, body: Body) -> &'static str {
    returned(api, id, headers, body, true).await
}

async fn returned(
    State(api): State<Api>,
    InPath(id): InPath<u64>,
    headers: HeaderMap,
    body: Body,
    is_error: bool,
) -> &'static str {
    let (mut body, mut parts) = (body.into_data_stream(), Vec::new());
    while let Some(part) = body.next().await {
        parts.push((Instant::now(), part.unwrap().to_vec()));
    }
    let answer = api.shared.lock().unwrap().answers.remove(&id).expect("one answer to each event");
    let _ = answer.send(Returned { is_error, headers, parts });
    "{\"status\":\"OK\"}"
}

async fn register(State(api): State<Api>, body: String) -> Response {
    api.shared.lock().unwrap().registered.push(body);
    let known = r#"{"functionName":"braid","functionVersion":"$LATEST","handler":"bootstrap"}"#;
    ([("lambda-extension-identifier", "8a6d2a4e-1b1f-4c39-9d2e-1f6f5d1c7a30")], known).into_response()
}
