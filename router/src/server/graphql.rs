//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>): from a request to the endpoint to its response.
//! Knows no socket and no schema.

use std::sync::Arc;
use std::time::Instant;

use braid_graphql::OperationType;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER, VARY};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::negotiate::{self, BodyType, Media};
use super::observe::Observed;
use super::{body, compress, reply};
use crate::refusal::{Refusal, RefusalStatus};
use crate::request::{GraphQLRequest, Unreadable};
use crate::router::{self, Answer, Call};
use crate::version::Version;

const METHODS: &str = "GET, POST";

/// Answers a request to the endpoint, whose time ends at `deadline`.
pub(super) async fn respond(
    version: &Arc<Version>,
    request: Request<Incoming>,
    deadline: Instant,
    observed: &mut Observed<'_>,
) -> Response<Bytes> {
    let (parts, incoming) = request.into_parts();
    let media = negotiate::accepted(&parts.headers);
    let outcome = match media {
        None => Err(not_acceptable()),
        Some(_) => outcome(version, &parts, incoming, deadline, observed).await,
    };
    let media = media.unwrap_or(Media::Json);
    let (status, bytes, mut headers) = match outcome {
        Ok(outcome) => outcome,
        Err(refusal) => refused(&refusal, media, observed),
    };
    headers.insert(http::header::CONTENT_TYPE, media.content_type());
    version.rules.allow_origin(&parts.headers, &mut headers);
    finish(version, &parts, status, bytes, headers).await
}

/// The response to a request that comes when too many run already.
pub(super) fn turn_away(
    version: &Version,
    request: &Request<Incoming>,
    observed: &mut Observed<'_>,
) -> Response<Bytes> {
    let message = "The router has as many requests under way as it takes; try again in a moment.";
    let refusal = Refusal::fixed(StatusCode::SERVICE_UNAVAILABLE, "REQUEST_CONCURRENCY_LIMITED", message);
    let media = negotiate::accepted(request.headers()).unwrap_or(Media::Json);
    let (status, bytes, headers) = refused(&refusal, media, observed);
    let mut response = reply::with_body(status, media.content_type(), bytes);
    response.headers_mut().extend(headers);
    version.rules.allow_origin(request.headers(), response.headers_mut());
    response
}

type Outcome = (StatusCode, Bytes, HeaderMap);

async fn outcome(
    version: &Arc<Version>,
    parts: &Parts,
    incoming: Incoming,
    deadline: Instant,
    observed: &mut Observed<'_>,
) -> Result<Outcome, Refusal> {
    let server = &version.config.server;
    check_head(version, parts)?;
    let is_get = parts.method == Method::GET;
    let body = match is_get {
        true => Bytes::new(),
        false => body::read(parts, incoming, server.max_body_bytes.0, server.body_timeout.0).await?,
    };
    observed.request_bytes = body.len();
    if is_batch(&body) {
        // Boxed, so that single requests don't carry what only a batch needs.
        return Box::pin(batch(version, parts, &body, deadline, observed)).await;
    }
    let request = match is_get {
        true => GraphQLRequest::from_query_string(parts.uri.query().unwrap_or_default()),
        false => GraphQLRequest::from_json(&body),
    };
    let request = request.map_err(unreadable)?;
    let answer = router::answer(version, &request, call(parts, observed, !is_get, deadline)).await?;
    Ok(answered(version, parts, answer, observed))
}

fn call<'a>(parts: &'a Parts, observed: &Observed<'_>, may_mutate: bool, deadline: Instant) -> Call<'a> {
    Call { headers: &parts.headers, trace: observed.trace(), may_mutate, deadline }
}

/// What can be refused before the body is read.
fn check_head(version: &Version, parts: &Parts) -> Result<(), Refusal> {
    let body = negotiate::body_type(&parts.headers);
    match parts.method {
        Method::POST if body != BodyType::Json => Err(unsupported_type()),
        // A body type that a form can send, on a request that needs none, is somebody's trick.
        Method::GET if body == BodyType::Other => Err(unsupported_type()),
        Method::GET if !version.config.server.get => Err(wrong_method("POST")),
        Method::GET | Method::POST if version.rules.is_forgeable(&parts.headers) => {
            let headers = version.rules.csrf_headers();
            let message = format!(
                "A page of another site may have sent this request unasked. Send a content-type of application/json, or one of the headers {headers}."
            );
            Err(Refusal::fixed(StatusCode::FORBIDDEN, "CSRF_PREVENTION_FAILED", message))
        }
        Method::GET | Method::POST => Ok(()),
        _ => Err(wrong_method(METHODS)),
    }
}

/// The status of what was executed is the same in both forms.
fn answered(version: &Version, parts: &Parts, answer: Answer, observed: &mut Observed<'_>) -> Outcome {
    let mut headers = HeaderMap::new();
    if !answer.response.subgraph_answers.is_empty() {
        version.service.subgraphs().merge_headers(&answer.response.subgraph_answers, &mut headers);
    }
    let bytes =
        super::observe::exposed(version, &parts.headers, &answer).unwrap_or_else(|| answer.response.bytes.clone());
    let status = answer.status();
    observed.answered(answer);
    (status, bytes, headers)
}

fn refused(refusal: &Refusal, media: Media, observed: &mut Observed<'_>) -> Outcome {
    observed.refused(refusal);
    let mut headers = HeaderMap::new();
    let status = match refusal.status {
        RefusalStatus::Request => media.refused(),
        RefusalStatus::Fixed(status) => status,
    };
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let only_post = refusal.errors.iter().any(|error| error.code() == Some("MUTATION_NOT_ALLOWED_OVER_HTTP_GET"));
        headers.insert(http::header::ALLOW, HeaderValue::from_static(if only_post { "POST" } else { METHODS }));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    (status, refusal.body(), headers)
}

fn is_batch(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// Several requests in one: run together, answered in their order, each as it would be alone.
async fn batch(
    version: &Arc<Version>,
    parts: &Parts,
    body: &[u8],
    deadline: Instant,
    observed: &mut Observed<'_>,
) -> Result<Outcome, Refusal> {
    let config = &version.config.server.batching;
    if !config.enabled {
        let message = "Batches are switched off (server.batching): send one request as a JSON object.";
        return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "BATCHING_NOT_ENABLED", message));
    }
    let requests = GraphQLRequest::batch_from_json(body).map_err(unreadable)?;
    if requests.is_empty() {
        return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", "The batch has no request."));
    }
    if requests.len() > config.max {
        let message = format!("A batch may have {} requests, this one has {}.", config.max, requests.len());
        return Err(Refusal::fixed(StatusCode::UNPROCESSABLE_ENTITY, "BATCH_LIMIT_EXCEEDED", message));
    }
    let answers =
        requests.iter().map(|request| router::answer(version, request, call(parts, observed, true, deadline)));
    let answers = futures_util::future::join_all(answers).await;
    let (mut out, mut headers) = (vec![b'['], HeaderMap::new());
    for (index, answer) in answers.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match answer {
            Ok(answer) => {
                version.service.subgraphs().merge_headers(&answer.response.subgraph_answers, &mut headers);
                out.extend_from_slice(&answer.response.bytes);
                observed.answered(answer);
            }
            Err(refusal) => {
                out.extend_from_slice(&refusal.body());
                observed.refused(&refusal);
            }
        }
    }
    out.push(b']');
    Ok((StatusCode::OK, out.into(), headers))
}

async fn finish(
    version: &Version,
    parts: &Parts,
    status: StatusCode,
    bytes: Bytes,
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let config = &version.config.server.compression;
    let mut bytes = bytes;
    if config.enabled && bytes.len() >= config.min_bytes.0 {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = compress::wanted(config, &parts.headers, bytes.len())
            && let Some(packed) = compress::pack(encoding, bytes.clone()).await
        {
            headers.insert(CONTENT_ENCODING, encoding.name());
            bytes = packed;
        }
    }
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What logs call a kind of operation.
pub(super) fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

fn unreadable(error: Unreadable) -> Refusal {
    if error.wants_persisted {
        return braid_graphql::error::GraphQLError::new("PERSISTED_QUERY_NOT_SUPPORTED", error.message).into();
    }
    Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", error.message)
}

fn not_acceptable() -> Refusal {
    let message = "Answers come as application/graphql-response+json or application/json: accept one of them.";
    Refusal::fixed(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
}

fn unsupported_type() -> Refusal {
    let message = "Send the request as JSON in UTF-8, with `content-type: application/json`.";
    Refusal::fixed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_CONTENT_TYPE", message)
}

fn wrong_method(allowed: &str) -> Refusal {
    let message = format!("The endpoint takes {allowed}.");
    Refusal::fixed(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
}
