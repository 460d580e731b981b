//! What probes and collectors ask for: health, readiness, metrics. Knows no GraphQL.

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::front::Front;
use super::reply;
use crate::version::Version;

/// Answers `/health`, `/health/live` and `/health/ready`; with `?subgraphs` the last says how each subgraph is doing.
pub(super) fn respond(front: &Front, version: &Version, request: &Request<Incoming>) -> Option<Response<Bytes>> {
    let rest = request.uri().path().strip_prefix("/health")?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let ready = match rest {
        // Alive is who answers.
        "" | "/" | "/live" => return Some(reply::json(StatusCode::OK, r#"{"status":"UP"}"#)),
        "/ready" => front.admission.is_ready(),
        _ => return None,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "status": if ready { "UP" } else { "DOWN" } });
    if request.uri().query().is_some_and(|query| query.split('&').any(|part| part.starts_with("subgraphs"))) {
        let states = version.service.subgraphs().states().map(|(name, state)| {
            let health = if state.failed_in_a_row == 0 { "UP" } else { "FAILING" };
            let under_way = state.under_way;
            json!({ "name": name, "status": health, "failedInARow": state.failed_in_a_row, "underWay": under_way })
        });
        body["subgraphs"] = states.collect();
    }
    Some(reply::json(status, body.to_string()))
}

/// Answers a collector of metrics.
pub(super) fn metrics(front: &Front) -> Response<Bytes> {
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    reply::file(content_type, "no-store", front.metrics().encode().into())
}
