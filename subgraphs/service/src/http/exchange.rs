//! GraphQL over HTTP: from an HTTP request to a GraphQL request, and back with the right status. Knows no schema.
//!
//! The rules are those of the GraphQL-over-HTTP draft: a client that accepts
//! `application/graphql-response+json` gets 400 for a request that was refused; other clients get 200.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Executor, Request, Response as GraphQLResponse, Variables};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::observe::Operation;
use super::socket;
use crate::auth::{self, Authenticator};
use crate::error::{Code, Error};
use crate::graphql::{Executable, cache_control, error_code, is_request_error};
use crate::trace;

/// What the two handlers need.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) schema: Executable,
    pub(super) authenticator: Authenticator,
    /// Cancelled when the service begins to stop.
    pub(super) stop: CancellationToken,
}

/// `POST /graphql`.
pub(super) async fn post(
    State(exchange): State<Exchange>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let accepted = Accepted::of(&headers);
    if !is_json(&headers) {
        let message = "Send the request as JSON, with `content-type: application/json`.";
        return accepted.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", message);
    }
    let body = match body {
        Ok(body) => body,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = "The request's body is larger than this service accepts.";
            return accepted.refuse(error.status(), "PAYLOAD_TOO_LARGE", message);
        }
        Err(error) => return accepted.refuse(error.status(), "BAD_REQUEST", error.body_text()),
    };
    match read_json(&body) {
        Ok(request) => run(exchange, request, &headers, peer(&extensions), accepted).await,
        Err(message) => accepted.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", message),
    }
}

/// `GET /graphql`: queries only, since a link must not change anything; or a WebSocket.
pub(super) async fn get(
    State(exchange): State<Exchange>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return socket::upgrade(exchange, headers, peer(&extensions), upgrade);
    }
    let accepted = Accepted::of(&headers);
    let mut request =
        match parameters.map_err(|error| error.body_text()).and_then(|Query(parameters)| parameters.read()) {
            Ok(request) => request,
            Err(message) => return accepted.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", message),
        };
    if changes_something(&mut request) {
        let message = "A mutation must be sent by POST.";
        let mut response = accepted.refuse(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    run(exchange, request, &headers, peer(&extensions), accepted).await
}

async fn run(
    exchange: Exchange,
    request: Request,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    accepted: Accepted,
) -> Response {
    match exchange.authenticator.authenticate(headers).await {
        Ok(viewer) => {
            let mut request = request.data(viewer);
            if let Some(address) = auth::address(headers, peer) {
                request = request.data(address);
            }
            let mut operation = chosen(&mut request);
            let answer = exchange.schema.execute(request).await;
            for code in answer.errors.iter().filter_map(error_code) {
                if !operation.codes.iter().any(|known| known == code) {
                    operation.codes.push(code.to_owned());
                }
            }
            let mut response = accepted.give(&answer);
            response.extensions_mut().insert(operation);
            response
        }
        Err(error) => {
            let status = match error.code() {
                Code::Unauthenticated => StatusCode::UNAUTHORIZED,
                Code::Forbidden => StatusCode::FORBIDDEN,
                Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            refuse_error(accepted, status, &error)
        }
    }
}

/// The operation that is to run: the one with the name that the request gives, or the only one. A request that can't be parsed is refused
/// later, by the schema.
fn chosen(request: &mut Request) -> Operation {
    let wanted = request.operation_name.clone();
    let (name, kind) = match request.parsed_query().map(|document| &document.operations) {
        Ok(DocumentOperations::Single(operation)) => (None, Some(operation.node.ty)),
        Ok(DocumentOperations::Multiple(operations)) => {
            let mut fitting =
                operations.iter().filter(|(name, _)| wanted.as_deref().is_none_or(|wanted| wanted == name.as_str()));
            match (fitting.next(), fitting.next()) {
                (Some((name, operation)), None) => (Some(name.to_string()), Some(operation.node.ty)),
                _ => (None, None),
            }
        }
        Err(_) => (None, None),
    };
    let kind = kind.map(|kind| match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    });
    Operation { name: name.or(wanted), kind, codes: Vec::new() }
}

/// Who is at the other end of the connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

fn refuse_error(accepted: Accepted, status: StatusCode, error: &Error) -> Response {
    accepted.refuse(status, error.code().as_str(), error)
}

/// The parameters of a request by GET.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Parameters {
    fn read(self) -> Result<Request, String> {
        let query = self.query.ok_or("The parameter `query` is missing.")?;
        let variables: Option<serde_json::Value> = read_parameter("variables", self.variables)?;
        let extensions = read_parameter("extensions", self.extensions)?;
        let mut request = Request::new(query);
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.variables = variables.map(Variables::from_json).unwrap_or_default();
        request.extensions = extensions.unwrap_or_default();
        Ok(request)
    }
}

fn read_parameter<T: for<'de> Deserialize<'de>>(name: &str, text: Option<String>) -> Result<Option<T>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    serde_json::from_str(&text).map_err(|error| format!("The parameter `{name}` is not a JSON object: {error}."))
}

fn read_json(body: &[u8]) -> Result<Request, String> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err("Batches are not supported: send one request as a JSON object.".to_owned());
    }
    let request: Request =
        serde_json::from_slice(body).map_err(|error| format!("The body is not a request: {error}."))?;
    if request.query.is_empty() {
        return Err("The request has no `query`.".to_owned());
    }
    Ok(request)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case(RESPONSE_JSON)
}

/// Whether the operation that would run is not a query. A request that can't be parsed is refused later, by the schema.
fn changes_something(request: &mut Request) -> bool {
    let wanted = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return false;
    };
    match &document.operations {
        DocumentOperations::Single(operation) => operation.node.ty != OperationType::Query,
        DocumentOperations::Multiple(operations) => operations
            .iter()
            .filter(|(name, _)| wanted.as_deref().is_none_or(|wanted| wanted == name.as_str()))
            .any(|(_, operation)| operation.node.ty != OperationType::Query),
    }
}

/// The media type that the client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepted {
    /// `application/graphql-response+json`: the status says whether the request was refused.
    Modern,
    /// `application/json`: 200 for every GraphQL response.
    Legacy,
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.into_iter().any(|value| value.to_ascii_lowercase().contains(RESPONSE_JSON)) {
            Self::Modern
        } else {
            Self::Legacy
        }
    }

    /// The status of a request that was valid as HTTP and refused as GraphQL.
    fn refused(self) -> StatusCode {
        match self {
            Self::Modern => StatusCode::BAD_REQUEST,
            Self::Legacy => StatusCode::OK,
        }
    }

    fn give(self, response: &GraphQLResponse) -> Response {
        let refused = response.errors.iter().any(is_request_error);
        let status = if refused { self.refused() } else { StatusCode::OK };
        let body = if refused {
            // Without `data`, because nothing ran.
            serde_json::to_vec(&json!({ "errors": response.errors }))
        } else {
            serde_json::to_vec(response)
        };
        match body {
            Ok(body) => {
                let mut answer = self.send(status, body);
                if let Some(value) = cache_control(response).and_then(|value| HeaderValue::try_from(value).ok()) {
                    answer.headers_mut().insert(header::CACHE_CONTROL, value);
                }
                answer
            }
            Err(error) => {
                tracing::error!(%error, "A response can't be written as JSON");
                self.refuse(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal.as_str(), "Internal error.")
            }
        }
    }

    fn refuse(self, status: StatusCode, code: &str, message: impl Display) -> Response {
        let mut error = json!({ "message": message.to_string(), "extensions": { "code": code } });
        if code == Code::Internal.as_str() {
            error["extensions"]["requestId"] = json!(trace::request_id());
        }
        self.send(status, json!({ "errors": [error] }).to_string().into_bytes())
    }

    fn send(self, status: StatusCode, body: Vec<u8>) -> Response {
        let content_type = match self {
            Self::Modern => HeaderValue::from_static(RESPONSE_JSON),
            Self::Legacy => HeaderValue::from_static("application/json"),
        };
        (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
    }
}

const RESPONSE_JSON: &str = "application/graphql-response+json";
