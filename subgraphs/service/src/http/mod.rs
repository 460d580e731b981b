//! The HTTP side of a service: routes, start and stop. Knows no schema; the GraphQL exchange itself is in `exchange`.

mod exchange;
mod playground;
mod socket;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use crate::auth::Authenticator;
use crate::config::{Config, ServiceInfo};
use crate::database::Database;
use crate::events::{EventBus, Relay};
use crate::graphql::Executable;
use crate::metrics::Metrics;
use crate::worker::Worker;

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
    /// Background work: `/health` reports when it fails.
    pub workers: Vec<Worker>,
    /// Where the events of the database's outbox are published; none if the service has no such table.
    pub events: Option<EventBus>,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// More routes, beside those that all services have.
    pub routes: Router,
}

/// Serves until told to stop; then requests in flight finish, and the database is closed.
///
/// The future is boxed, like all futures between this crate and a service: an `async fn` is compiled in the crate that awaits
/// it, so each service would compile the HTTP server again.
pub fn serve(listener: TcpListener, subgraph: Subgraph, config: &Config, shutdown: Shutdown) -> Serving {
    let stop = CancellationToken::new();
    let mut subgraph = subgraph;
    let relay = subgraph.events.clone().map(|events| Relay::new(subgraph.database.clone(), events, &subgraph.metrics));
    let relaying = relay.clone().map(|relay| {
        let (worker, relaying) = Worker::start("relay of events", stop.clone(), move |stop| relay.clone().run(stop));
        subgraph.workers.push(worker);
        relaying
    });
    let (routes, grace) = (routes(subgraph.clone(), config, stop.clone(), relay), config.shutdown_grace());
    // Sockets end when the service begins to stop: the server does not wait for them.
    let stopping = stop.clone();
    let shutdown = Box::pin(async move {
        shutdown.await;
        stopping.cancel();
    });
    Box::pin(async move {
        let served = serve_routes(listener, &subgraph, routes, grace, shutdown).await;
        stop.cancel();
        if let Some(relaying) = relaying {
            relaying.await.context("the relay of events failed")?;
        }
        subgraph.database.close().await.context("could not close the database")?;
        tracing::info!(service = subgraph.info.name, "Stopped");
        served
    })
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
    routes(subgraph, config, CancellationToken::new(), None)
}

fn routes(subgraph: Subgraph, config: &Config, stop: CancellationToken, relay: Option<Relay>) -> Router {
    let Subgraph { info, schema, database, authenticator, workers, routes, metrics, .. } = subgraph;
    let exchange = exchange::Exchange { schema, authenticator, stop };
    Router::new()
        .route("/graphql", get(exchange::get).post(exchange::post))
        .with_state(exchange)
        .route("/health", get(health).with_state(Health { database, workers }))
        .route("/metrics", get(show_metrics).with_state(Shown { metrics, relay }))
        .merge(playground::routes(info.name))
        .merge(routes)
        .layer(DefaultBodyLimit::max(config.limits.body_bytes))
        .layer(CatchPanicLayer::new())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(request_span(info.name)).on_response(log_response()))
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

#[derive(Clone)]
struct Health {
    database: Database,
    workers: Vec<Worker>,
}

async fn health(State(Health { database, workers }): State<Health>) -> Response {
    let (status, text) = match (database.ping().await, workers.iter().find(|worker| worker.is_failing())) {
        (Ok(()), None) => (StatusCode::OK, "ok".to_owned()),
        (Ok(()), Some(worker)) => (StatusCode::SERVICE_UNAVAILABLE, format!("the {} is failing", worker.name())),
        (Err(error), _) => {
            tracing::warn!(error = format!("{error:#}"), "The database does not respond");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not respond".to_owned())
        }
    };
    (status, Json(serde_json::json!({ "status": text }))).into_response()
}

#[derive(Clone)]
struct Shown {
    metrics: Metrics,
    relay: Option<Relay>,
}

async fn show_metrics(State(Shown { metrics, relay }): State<Shown>) -> Response {
    if let Some(relay) = relay
        && let Err(error) = relay.measure().await
    {
        tracing::warn!(%error, "The events that wait can't be counted");
    }
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn request_span(service: &'static str) -> impl Fn(&Request) -> Span + Clone {
    move |request| {
        let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        tracing::info_span!("request", service, id, method = %request.method(), path = request.uri().path())
    }
}

fn log_response() -> DefaultOnResponse {
    DefaultOnResponse::new().level(Level::DEBUG)
}
