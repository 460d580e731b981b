//! What probes and collectors ask for: health, readiness, metrics. Knows no GraphQL.

use braid_executor::SubgraphService;
use braid_gateway::Gateway;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::header::HeaderValue;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use crate::admission::Admission;
use crate::reply;

/// Answers `/health`, `/health/live` and `/health/ready`; with `?subgraphs` the last says how each subgraph is doing.
pub(crate) fn respond<S: SubgraphService, B>(
    gateway: &Gateway<S>,
    admission: &Admission,
    request: &Request<B>,
) -> Option<Response<Bytes>> {
    let rest = request.uri().path().strip_prefix("/health")?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let ready = match rest {
        // Alive is who answers.
        "" | "/" | "/live" => return Some(reply::json(StatusCode::OK, r#"{"status":"UP"}"#)),
        "/ready" => admission.is_ready(),
        _ => return None,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "status": if ready { "UP" } else { "DOWN" } });
    if request.uri().query().is_some_and(|query| query.split('&').any(|part| part.starts_with("subgraphs"))) {
        let states = gateway.supergraph.subgraph_ids().filter_map(|subgraph| {
            let state = gateway.subgraphs.state(subgraph)?;
            let name = &gateway.supergraph.subgraph(subgraph).name;
            let health = match state.failed_in_a_row {
                _ if state.is_circuit_open => "CIRCUIT_OPEN",
                0 => "UP",
                _ => "FAILING",
            };
            let under_way = state.under_way;
            Some(
                json!({ "name": name, "status": health, "failedInARow": state.failed_in_a_row, "underWay": under_way }),
            )
        });
        body["subgraphs"] = states.collect();
    }
    Some(reply::json(status, body.to_string()))
}

/// Answers a collector of metrics.
pub(crate) fn metrics(metrics: &Metrics) -> Response<Bytes> {
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    reply::file(content_type, "no-store", metrics.encode().into())
}
