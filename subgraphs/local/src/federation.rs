//! Starts the three services and the router, waits until they respond, and stops them. First of all it opens the ports, so that a
//! port that is in use is reported before anything else happens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use braid::{assemble, invalidation};
use braid_cache_invalidation::config::InvalidationConfig;
use braid_composition::SubgraphSdl;
use braid_telemetry::config::OtlpConfig;
use futures_util::future::BoxFuture;
use reqwest::Url;
use service::{Run, ServiceInfo, Serving, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::router::{self, Surroundings};

/// Where the parts listen; port 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The router.
    pub router: SocketAddr,
    /// The users service.
    pub users: SocketAddr,
    /// The orders service.
    pub orders: SocketAddr,
    /// The inventory service.
    pub inventory: SocketAddr,
}

/// The folders that the federation works with.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The folder of the SQLite databases; created if it is missing.
    pub data: PathBuf,
    /// What the names of the services' databases on PostgreSQL begin with, as a URL; without it, they are in the folder. They must exist.
    pub postgres: Option<Url>,
    /// The folder with operations that are tools for agents, if there is one.
    pub operations: Option<PathBuf>,
}

impl Storage {
    /// The URL of a service's database.
    fn database(&self, service: &str) -> String {
        match &self.postgres {
            Some(url) => {
                let mut own = url.clone();
                own.set_path(&format!("{}_{service}", url.path()));
                own.into()
            }
            None => format!("sqlite://{}?mode=rwc", self.data.join(format!("{service}.db")).display()),
        }
    }
}

/// A running federation.
#[derive(Debug)]
pub struct Federation {
    /// Where the parts listen, with the actual ports.
    pub ports: Ports,
    parts: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
}

/// How long the services may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts all parts; when this completes, they respond. In `traces`, each part has its own name as `service_name`. The future is boxed so
/// that it is compiled here and not in each program and test that starts the federation.
pub fn start<'a>(
    ports: Ports,
    storage: &'a Storage,
    traces: &'a OtlpConfig,
) -> BoxFuture<'a, anyhow::Result<Federation>> {
    Box::pin(start_parts(ports, storage, traces))
}

async fn start_parts(ports: Ports, storage: &Storage, traces: &OtlpConfig) -> anyhow::Result<Federation> {
    let (listener, router_address) = listen(ports.router, "--port or ROUTER_PORT").await?;
    let (users, users_address) = listen(ports.users, "--users-port or USERS_PORT").await?;
    let (orders, orders_address) = listen(ports.orders, "--orders-port or ORDERS_PORT").await?;
    let (inventory, inventory_address) = listen(ports.inventory, "--inventory-port or INVENTORY_PORT").await?;
    let ports =
        Ports { router: router_address, users: users_address, orders: orders_address, inventory: inventory_address };
    std::fs::create_dir_all(&storage.data)
        .with_context(|| format!("could not create the folder {}", storage.data.display()))?;

    let stop = CancellationToken::new();
    let surroundings = Surroundings {
        jwks_url: format!("http://{}{}", reachable(ports.users), users::JWKS_PATH),
        router_token: Uuid::new_v4().to_string(),
        cache_secret: Uuid::new_v4().to_string(),
    };
    // Only this process needs it.
    let (invalidations, invalidations_address) =
        listen((Ipv4Addr::LOCALHOST, 0).into(), "--port or ROUTER_PORT").await?;
    let cache = service::config::CacheConfig {
        invalidation_url: Some(format!("http://{invalidations_address}{}", InvalidationConfig::default().path)),
        invalidation_secret: Some(surroundings.cache_secret.clone()),
    };
    let internal_token = Uuid::new_v4().to_string();
    let shared = Shared { ports, storage, traces, cache, internal_token, surroundings: &surroundings };
    let mut parts = JoinSet::new();
    parts.spawn(users::serve(shared.users(), Run::Serve(users), until(&stop)));
    parts.spawn(inventory::serve(shared.config(&inventory::INFO), Run::Serve(inventory), until(&stop)));
    parts.spawn(orders::serve(shared.orders(), Run::Serve(orders), until(&stop)));
    let mut federation = Federation { ports, parts, stop: stop.clone() };
    federation.wait_for([users_address, orders_address, inventory_address]).await?;

    let (front, config) = router::front(ports.router, &surroundings, storage, traces, subgraphs(ports)).await?;
    let front = Arc::new(front);
    let ways = invalidation::ways(&front);
    ways.listen_on(invalidations, &config.cache.invalidation).await?;
    let until_stop = until(&stop);
    federation.parts.spawn(async move {
        assemble::serve(listener, front, until_stop).await;
        ways.shut_down().await;
        Ok(())
    });
    Ok(federation)
}

impl Federation {
    /// Runs until `shutdown` completes or a part fails; then all parts finish their requests and stop.
    pub fn run_until(self, shutdown: Shutdown) -> Serving {
        Box::pin(self.run(shutdown))
    }

    async fn run(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = shutdown => None,
            ended = self.parts.join_next() => ended,
        };
        self.stop.cancel();
        let mut outcome = ended.map_or(Ok(()), |part| part.context("a part failed").and_then(|done| done));
        while let Some(part) = self.parts.join_next().await {
            outcome = outcome.and(part.context("a part failed").and_then(|done| done));
        }
        outcome
    }

    /// Stops all parts.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.run_until(Box::pin(std::future::ready(()))).await
    }

    /// Waits until the services respond. By then their databases are created and filled.
    async fn wait_for(&mut self, services: [SocketAddr; 3]) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        let all_answer = async {
            for address in services {
                let health = format!("http://{}/health", reachable(address));
                while !client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::select! {
            answered = tokio::time::timeout(START_TIMEOUT, all_answer) => {
                answered.context("the services did not respond in time")
            }
            ended = self.parts.join_next() => match ended {
                Some(part) => part.context("a service failed")?.and_then(|()| bail!("a service stopped during its start")),
                None => bail!("no service was started"),
            },
        }
    }
}

/// What all services must know.
struct Shared<'a> {
    ports: Ports,
    storage: &'a Storage,
    traces: &'a OtlpConfig,
    cache: service::config::CacheConfig,
    /// New at every start, because only this process needs it.
    internal_token: String,
    surroundings: &'a Surroundings,
}

impl Shared<'_> {
    fn config(&self, info: &ServiceInfo) -> service::Config {
        let mut config = service::Config::new(info);
        config.database.url = self.storage.database(info.name);
        // It never enters a database that has anything else.
        config.sample_data = Some(true);
        config.auth.jwks_url = self.surroundings.jwks_url.clone();
        config.auth.internal_token = Some(self.internal_token.clone());
        config.auth.router_token = Some(self.surroundings.router_token.clone());
        config.cache = self.cache.clone();
        config.traces.otlp = OtlpConfig { service_name: info.name.to_owned(), ..self.traces.clone() };
        config
    }

    fn users(&self) -> users::Config {
        users::Config { service: self.config(&users::INFO), ..users::Config::new() }
    }

    fn orders(&self) -> orders::Config {
        orders::Config {
            service: self.config(&orders::INFO),
            inventory_url: graphql_url(self.ports.inventory),
            ..orders::Config::new()
        }
    }
}

/// The services' own schemas, and where the router reaches them.
fn subgraphs(ports: Ports) -> Vec<SubgraphSdl> {
    let subgraph = |name: &str, address, sdl: String| SubgraphSdl {
        name: name.to_owned(),
        url: graphql_url(address),
        sdl,
        file: None,
    };
    vec![
        subgraph(users::INFO.name, ports.users, users::sdl()),
        subgraph(orders::INFO.name, ports.orders, orders::sdl()),
        subgraph(inventory::INFO.name, ports.inventory, inventory::sdl()),
    ]
}

/// `setting` is the name of the setting for this port, for the error message.
async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = service::http::bind(address, setting).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    Ok((listener, address))
}

fn until(stop: &CancellationToken) -> Shutdown {
    Box::pin(stop.clone().cancelled_owned())
}

fn graphql_url(address: SocketAddr) -> String {
    format!("http://{}/graphql", reachable(address))
}

/// An address that a client on this machine can use, also for one that means "every interface".
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}
