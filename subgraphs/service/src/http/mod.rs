//! The HTTP side of a service: routes, start and stop. Knows no schema; the GraphQL exchange itself is in `exchange`.

mod exchange;
#[cfg(feature = "lambda")]
mod function;
mod health;
mod observe;
mod playground;
mod reconcile;
mod socket;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use braid_telemetry::otlp::Exporter;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use self::health::Health;
use self::observe::Observer;
use crate::auth::Authenticator;
use crate::config::{Config, ServiceInfo};
use crate::database::Database;
use crate::events::{EventBus, Relay};
use crate::graphql::Executable;
use crate::metrics::Metrics;
use crate::trace::Current;
use crate::worker::{Work, Worker};

/// Completes when the service is to stop.
pub type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A running service; completes when it has stopped.
pub type Serving = BoxFuture<'static, anyhow::Result<()>>;

/// What a service hands over to be served.
#[derive(Debug, Clone)]
pub struct Subgraph {
    /// The name of the service, and where it listens.
    pub info: ServiceInfo,
    /// The schema.
    pub schema: Executable,
    /// The database: `/health` checks it, and it is closed at the end.
    pub database: Database,
    /// Who may call.
    pub authenticator: Authenticator,
    /// What is done beside requests, from the start of the service to its end. `/health` reports when it fails, and a service ends when its
    /// work has failed too often.
    pub work: Vec<Work>,
    /// Where the events of the database's outbox are published; none if the service has no such table.
    pub events: Option<EventBus>,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// More routes, beside those that all services have.
    pub routes: Router,
}

/// How a service runs.
#[derive(Debug)]
pub enum Run {
    /// It takes requests from a socket until it is told to stop, and works beside them.
    Serve(TcpListener),
    /// It does what is due beside requests, prints how much that was, and stops.
    Reconcile,
    /// It is a function of AWS Lambda, which does what is due beside requests when a schedule invokes it.
    #[cfg(feature = "lambda")]
    Function(braid_lambda::InvokeMode),
}

/// Serves until told to stop; then requests in flight finish, and the database is closed.
///
/// The future is boxed, like all futures between this crate and a service: an `async fn` is compiled in the crate that awaits
/// it, so each service would compile the HTTP server again.
pub fn serve(run: Run, mut subgraph: Subgraph, config: &Config, shutdown: Shutdown) -> Serving {
    let exporter = match config.traces.exporter(subgraph.info.name, &subgraph.metrics) {
        Ok(exporter) => exporter,
        Err(error) => {
            let error = anyhow::Error::new(error).context("spans can't be sent as the OTEL_ variables say");
            return Box::pin(std::future::ready(Err(error)));
        }
    };
    subgraph.database.show(&subgraph.metrics);
    if let Some(events) = subgraph.events.clone() {
        let relay = Relay::new(subgraph.database.clone(), events, &subgraph.metrics);
        let published = relay.clone();
        let work = Work::new("relay of events", move |stop| relay.clone().run(stop)).by_turns(move || {
            let relay = published.clone();
            async move { relay.publish_due().await.map_err(anyhow::Error::new) }
        });
        subgraph.work.push(work);
    }
    match run {
        Run::Serve(listener) => serve_on(listener, subgraph, config, shutdown, exporter),
        Run::Reconcile => Box::pin(reconcile::run(subgraph, exporter, shutdown)),
        #[cfg(feature = "lambda")]
        Run::Function(mode) => Box::pin(function::run(mode, subgraph, config.clone(), exporter, shutdown)),
    }
}

fn serve_on(
    listener: TcpListener,
    subgraph: Subgraph,
    config: &Config,
    shutdown: Shutdown,
    exporter: Option<Exporter>,
) -> Serving {
    let (leaving, stop) = (CancellationToken::new(), CancellationToken::new());
    let (workers, ends): (Vec<Worker>, Vec<_>) =
        subgraph.work.iter().map(|work| work.begin(stop.clone(), Current::new(exporter.clone()))).unzip();
    let life =
        Life { leaving: leaving.clone(), stop: stop.clone(), workers: workers.clone(), exporter: exporter.clone() };
    let (routes, grace, delay) =
        (routes(subgraph.clone(), config, life), config.shutdown_grace(), config.shutdown_delay());
    // Sockets and work end when the service begins to stop: the server does not wait for sockets, and the database is closed after the
    // last request. A service that can't do its work must not take requests that need it.
    let stopping = {
        let (stop, workers) = (stop.clone(), workers.clone());
        Box::pin(async move {
            tokio::select! {
                () = shutdown => {
                    leaving.cancel();
                    tokio::time::sleep(delay).await;
                }
                () = any_given_up(&workers) => leaving.cancel(),
            }
            stop.cancel();
        })
    };
    let name = subgraph.info.name;
    let serving = async move {
        let served = serve_routes(listener, &subgraph, routes, grace, stopping).await;
        stop.cancel();
        for (worker, end) in workers.iter().zip(ends) {
            end.await.with_context(|| format!("the {} failed", worker.name()))?;
        }
        subgraph.database.close().await.context("could not close the database")?;
        if let Some(worker) = workers.iter().find(|worker| worker.has_given_up()) {
            bail!("the {} failed too often in a row; the log says why", worker.name());
        }
        served
    };
    Box::pin(async move {
        let served = serving.await;
        if let Some(exporter) = exporter {
            exporter.shut_down(LAST_SPANS.min(grace)).await;
        }
        tracing::info!(service = name, "Stopped");
        served
    })
}

/// How long the collector has to take the last spans. Whoever stops a service gives it more than the grace of its requests.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Completes when one of them has failed too often; never if there are none.
async fn any_given_up(workers: &[Worker]) {
    match workers {
        [] => std::future::pending().await,
        workers => {
            futures_util::future::select_all(workers.iter().map(|worker| Box::pin(worker.given_up()))).await;
        }
    }
}

async fn serve_routes(
    listener: TcpListener,
    subgraph: &Subgraph,
    routes: Router,
    grace: Duration,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let name = subgraph.info.name;
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(service = name, url = format!("http://{address}/graphql"), "Serving");

    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
        shutdown.await;
        tracing::info!(service = name, "Stopping");
        let _ = stopping.send(());
    });
    let out_of_time = async {
        // An error here means that the server has already stopped.
        if stopped.await.is_ok() {
            tokio::time::sleep(grace).await;
        }
    };
    tokio::select! {
        served = server => served.context("the HTTP server failed"),
        () = out_of_time => {
            tracing::warn!(service = name, "Requests in flight were aborted");
            Ok(())
        }
    }
}

/// The routes of the service, for tests and for processes that serve them differently.
pub fn router(subgraph: Subgraph, config: &Config) -> Router {
    routes(subgraph, config, Life::default())
}

/// How far the life of a service has come.
#[derive(Debug, Clone, Default)]
struct Life {
    /// Cancelled when it was told to stop; it may go on for a while.
    leaving: CancellationToken,
    /// Cancelled when it begins to stop.
    stop: CancellationToken,
    workers: Vec<Worker>,
    exporter: Option<Exporter>,
}

fn routes(subgraph: Subgraph, config: &Config, life: Life) -> Router {
    let Subgraph { info, schema, database, authenticator, routes, metrics, .. } = subgraph;
    let exchange = exchange::Exchange { schema, authenticator, stop: life.stop };
    let health = Health { database, workers: life.workers, leaving: life.leaving };
    let observer = Arc::new(Observer::new(info.name, config.access_log, &metrics, life.exporter));
    Router::new()
        .route("/graphql", get(exchange::get).post(exchange::post))
        .with_state(exchange)
        .merge(health::routes(health))
        .route("/metrics", get(show_metrics).with_state(metrics))
        .merge(playground::routes(info.name))
        .merge(routes)
        .layer(DefaultBodyLimit::max(config.limits.body_bytes))
        .layer(CatchPanicLayer::new())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(axum::middleware::from_fn_with_state(observer, observe::observe))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Listens on an address. The error names `setting`, such as "--listen or LISTEN", as the way to choose another one.
pub async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {} on {} is in use by another process; stop it, or choose another port with {setting}",
            address.port(),
            address.ip()
        ),
        bound => bound.with_context(|| format!("could not listen on {address}")),
    }
}

async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
