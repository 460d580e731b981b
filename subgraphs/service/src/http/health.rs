//! How the process is, for whoever starts it and whoever sends requests to it. Knows no GraphQL.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::worker::Worker;

/// What the routes look at.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) database: Database,
    pub(super) workers: Vec<Worker>,
    /// Cancelled when the service was told to stop.
    pub(super) leaving: CancellationToken,
}

/// `/health/live` says whether the process runs: if not, restart it. `/health/ready` says whether it can answer: if not, send requests
/// elsewhere. `/health` is the latter, under the name that tools look for.
pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health", get(ready))
        .with_state(health)
}

async fn live() -> Response {
    say(StatusCode::OK, "ok")
}

async fn ready(State(Health { database, workers, leaving }): State<Health>) -> Response {
    if leaving.is_cancelled() {
        return say(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping");
    }
    match (database.ping().await, workers.iter().find(|worker| worker.is_failing())) {
        (Ok(()), None) => say(StatusCode::OK, "ok"),
        (Ok(()), Some(worker)) => say(StatusCode::SERVICE_UNAVAILABLE, &format!("the {} is failing", worker.name())),
        (Err(error), _) => {
            tracing::warn!(error = format!("{error:#}"), "The database does not respond");
            say(StatusCode::SERVICE_UNAVAILABLE, "the database does not respond")
        }
    }
}

fn say(status: StatusCode, text: &str) -> Response {
    (status, Json(serde_json::json!({ "status": text }))).into_response()
}
