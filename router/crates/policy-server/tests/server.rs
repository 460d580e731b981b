//! Policies that a server decides: each once for a time, and none if it can't.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is its report")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use braid_gateway::PolicyAuthorizer;
use braid_policy_server::config::PolicyServerConfig;
use braid_policy_server::{PolicyServer, PolicyServerError};
use braid_request_context::identity::{CredentialKind, Principal};
use braid_settings::Secret;
use braid_telemetry::metrics::Metrics;
use serde_json::{Value, json};

/// What the server says, and what it was asked.
#[derive(Clone)]
struct Server {
    answer: Arc<Mutex<Behaviour>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

#[derive(Clone)]
enum Behaviour {
    Says(StatusCode, String),
    Hangs,
}

async fn answer(State(server): State<Server>, Json(question): Json<Value>) -> Response {
    server.asked.lock().unwrap().push(question);
    let behaviour = server.answer.lock().unwrap().clone();
    match behaviour {
        Behaviour::Says(status, body) => (status, body).into_response(),
        Behaviour::Hangs => std::future::pending().await,
    }
}

async fn serve() -> (Server, String) {
    let says = Behaviour::Says(StatusCode::OK, json!({ "satisfied": ["refunds", "made up"] }).to_string());
    let server = Server { answer: Arc::new(Mutex::new(says)), asked: Arc::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/decide", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/decide", post(answer)).with_state(server.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (server, url)
}

fn client(url: String, configure: impl FnOnce(&mut PolicyServerConfig)) -> PolicyServer {
    let mut config = PolicyServerConfig { url: Some(url), ..PolicyServerConfig::default() };
    configure(&mut config);
    PolicyServer::new(&config, &Arc::new(Metrics::default())).unwrap().unwrap()
}

fn somebody(name: &str) -> Arc<Principal> {
    let claims = json!({ "sub": name }).as_object().unwrap().clone();
    Arc::new(Principal { claims, source: "id".into(), kind: CredentialKind::Jwt, expires: None })
}

async fn ask(client: &PolicyServer, policies: &[&str], who: Option<&Arc<Principal>>) -> Vec<usize> {
    let policies: Vec<String> = policies.iter().map(|policy| (*policy).to_owned()).collect();
    client.satisfied(&policies, who, Instant::now() + Duration::from_secs(30)).await
}

#[tokio::test]
async fn all_policies_are_decided_in_one_call_and_kept_for_each_client() {
    let (server, url) = serve().await;
    let client = client(url, |config| config.headers = [("x-key".to_owned(), Secret("k".to_owned()))].into());
    let (ann, ben) = (somebody("ann"), somebody("ben"));
    assert_eq!(ask(&client, &["audit", "refunds"], Some(&ann)).await, [1]);
    assert_eq!(ask(&client, &["refunds"], Some(&ann)).await, [0]);
    assert_eq!(ask(&client, &["refunds", "prices"], Some(&ann)).await, [0]);
    assert_eq!(ask(&client, &["refunds"], Some(&ben)).await, [0]);
    assert_eq!(ask(&client, &["audit"], None).await, [0; 0]);
    let said = |name: &str| json!({ "credentials": "jwt", "source": "id", "claims": { "sub": name } });
    let expected = [
        json!({ "policies": ["audit", "refunds"], "client": said("ann") }),
        json!({ "policies": ["prices"], "client": said("ann") }),
        json!({ "policies": ["refunds"], "client": said("ben") }),
        json!({ "policies": ["audit"], "client": null }),
    ];
    assert_eq!(*server.asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_decision_ends() {
    let (server, url) = serve().await;
    let client = client(url, |config| config.keep = braid_settings::Duration(Duration::ZERO));
    assert_eq!(ask(&client, &["refunds"], None).await, [0]);
    *server.answer.lock().unwrap() = Behaviour::Says(StatusCode::OK, r#"{"satisfied":[]}"#.to_owned());
    assert_eq!(ask(&client, &["refunds"], None).await, [0; 0]);
}

#[tokio::test]
async fn a_server_that_fails_opens_nothing_and_nothing_of_it_is_kept() {
    let (server, url) = serve().await;
    let good = server.answer.lock().unwrap().clone();
    let client = client(url, |config| config.timeout = braid_settings::Duration(Duration::from_millis(300)));
    for behaviour in [
        Behaviour::Says(StatusCode::INTERNAL_SERVER_ERROR, r#"{"satisfied":["refunds"]}"#.to_owned()),
        Behaviour::Says(StatusCode::OK, "yes".to_owned()),
        Behaviour::Says(StatusCode::OK, r#"{"satisfied":{"refunds":true}}"#.to_owned()),
        Behaviour::Says(StatusCode::OK, "x".repeat(1 << 20)),
        Behaviour::Hangs,
    ] {
        *server.answer.lock().unwrap() = behaviour;
        let began = Instant::now();
        assert_eq!(ask(&client, &["refunds"], None).await, [0; 0]);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    *server.answer.lock().unwrap() = good;
    assert_eq!(ask(&client, &["refunds"], None).await, [0]);
    let nobody = self::client("http://127.0.0.1:1/".to_owned(), |_| {});
    assert_eq!(ask(&nobody, &["refunds"], None).await, [0; 0]);
}

#[test]
fn what_is_set_wrong_is_refused() {
    let metrics = Arc::new(Metrics::default());
    let new = |config: PolicyServerConfig| PolicyServer::new(&config, &metrics);
    assert!(new(PolicyServerConfig::default()).unwrap().is_none());
    let wrong = PolicyServerConfig { url: Some("decide".to_owned()), ..PolicyServerConfig::default() };
    assert!(matches!(new(wrong).unwrap_err(), PolicyServerError::Url(_)));
    let headers = [("x y".to_owned(), Secret("k".to_owned()))].into();
    let url = Some("http://127.0.0.1:1".to_owned());
    let wrong = PolicyServerConfig { url, headers, ..PolicyServerConfig::default() };
    assert!(new(wrong).unwrap_err().to_string().contains("\"x y\" can't be sent"));
}
