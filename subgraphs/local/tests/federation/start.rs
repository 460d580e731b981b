//! How the shop starts, and what happens when it can't.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid::assemble;
use braid::config::Config;
use braid_composition::{Composer, SubgraphSdl};
use braid_settings::expand::Values;
use braid_telemetry::config::OtlpConfig;
use braid_telemetry::metrics::Metrics;
use local::{Ports, Storage};
use serde_json::{Value, json};
use service::Run;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let ports = Ports { router: free, users: free, orders: taken.local_addr().unwrap(), inventory: free };
    let data = tempfile::tempdir().unwrap();
    let error = local::start(
        ports,
        &Storage { data: data.path().to_owned(), postgres: None, operations: None },
        &OtlpConfig::default(),
    )
    .await
    .unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains(&taken.local_addr().unwrap().port().to_string()), "{error}");
    // The settings that it names exist.
    assert!(error.contains("--orders-port or ORDERS_PORT"), "{error}");
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_local")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for setting in [
        "--port",
        "ROUTER_PORT",
        "--users-port",
        "USERS_PORT",
        "--orders-port",
        "ORDERS_PORT",
        "--inventory-port",
        "INVENTORY_PORT",
    ] {
        assert!(help.contains(setting), "{setting} is not in: {help}");
    }
}

#[test]
fn a_url_of_no_database_is_refused() {
    for wrong in ["shop", "http://127.0.0.1/shop", "postgres://127.0.0.1"] {
        let program =
            std::process::Command::new(env!("CARGO_BIN_EXE_local")).args(["--postgres", wrong]).output().unwrap();
        let said = String::from_utf8(program.stderr).unwrap();
        assert!(!program.status.success() && said.contains("--postgres"), "{wrong}: {said}");
    }
}

/// What docker-compose.yml gives the router.
struct Environment(SocketAddr);

impl Values for Environment {
    fn env(&self, name: &str) -> Option<String> {
        match name {
            "JWKS_URL" => Some(format!("http://{}{}", self.0, users::JWKS_PATH)),
            "ROUTER_TOKEN" => Some("of the router".to_owned()),
            "CACHE_INVALIDATION_SECRET" => Some("of the cache".to_owned()),
            _ => None,
        }
    }

    fn file(&self, _: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// The users service alone, at this address.
async fn start_users(
    address: SocketAddr,
    data: &Path,
) -> (SocketAddr, JoinHandle<anyhow::Result<()>>, CancellationToken) {
    let mut config = users::Config::new();
    config.service.database.url = format!("sqlite://{}/users.db?mode=rwc", data.display());
    config.service.auth.router_token = Some("of the router".to_owned());
    let listener = TcpListener::bind(address).await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let serving = tokio::spawn(users::serve(config, Run::Serve(listener), Box::pin(stop.clone().cancelled_owned())));
    (address, serving, stop)
}

async fn ask(address: SocketAddr, token: Option<&str>, query: &str) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{address}/graphql")).json(&json!({ "query": query }));
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// By the file that docker-compose.yml gives the router.
#[tokio::test(flavor = "multi_thread")]
async fn the_router_starts_before_users_does() {
    let data = tempfile::tempdir().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let (users, serving, stop) = start_users(free, data.path()).await;
    let sign_in = format!(
        "mutation {{ login(input: {{ username: \"grace\", password: \"{}\" }}) {{ session {{ accessToken }} }} }}",
        service::sample::PASSWORD
    );
    let (_, answer) = ask(users, None, &sign_in).await;
    let token = answer["data"]["login"]["session"]["accessToken"].as_str().unwrap();
    stop.cancel();
    serving.await.unwrap().unwrap();

    let config = Config::parse(include_str!("../../../../schema/docker/router.yaml"), &Environment(users)).unwrap();
    let subgraph =
        SubgraphSdl { name: "users".to_owned(), url: format!("http://{users}/graphql"), sdl: users::sdl(), file: None };
    let (composed, ..) = braid::source::compose_subgraphs(vec![subgraph], &mut Composer::default()).await.unwrap();
    let metrics = Arc::new(Metrics::default());
    let version = assemble::version(&config, &composed.supergraph_sdl, None, &metrics, None).unwrap();
    let front = Arc::new(assemble::front(&config, version, metrics).unwrap());
    let listener = TcpListener::bind(free).await.unwrap();
    let (router, stop_router) = (listener.local_addr().unwrap(), CancellationToken::new());
    let routing = tokio::spawn(assemble::serve(listener, front, Box::pin(stop_router.clone().cancelled_owned())));

    let (status, answer) = ask(router, None, "{ __typename }").await;
    assert_eq!((status, &answer["data"]["__typename"]), (200, &json!("Query")));
    let (status, answer) = ask(router, Some(token), "{ __typename }").await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("JWT_KEYS_UNAVAILABLE")));

    let (_, serving, stop) = start_users(users, data.path()).await;
    let (query, since) = ("{ me { username } }", Instant::now());
    let mut found = ask(router, Some(token), query).await;
    while found.0 == 503 && since.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        found = ask(router, Some(token), query).await;
    }
    assert_eq!(found, (200, json!({ "data": { "me": { "username": "grace" } } })));
    stop_router.cancel();
    routing.await.unwrap();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
