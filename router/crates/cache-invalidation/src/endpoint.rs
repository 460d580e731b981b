//! The answer to a request that invalidates. Knows no socket.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use braid_graphql::error::GraphQLError;
use braid_telemetry::metrics::{InvalidationOutcome, InvalidationWay, Metrics};
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::config::InvalidationConfig;
use crate::request::{self, BodyError, MAX_BYTES};
use crate::target::Targets;

/// Takes invalidations over HTTP.
#[derive(Debug)]
pub(crate) struct Endpoint {
    config: ArcSwap<InvalidationConfig>,
    targets: Arc<dyn Targets>,
    metrics: Arc<Metrics>,
}

/// The time in which a body has to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that is not carried out.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let code = match error {
            BodyError::Unknown { .. } => "INVALIDATION_UNKNOWN",
            _ => "INVALIDATION_MALFORMED",
        };
        Self::new(StatusCode::BAD_REQUEST, code, format!("Nothing was invalidated: {error}."))
    }
}

impl Endpoint {
    pub(crate) fn new(config: &InvalidationConfig, targets: Arc<dyn Targets>, metrics: Arc<Metrics>) -> Self {
        Self { config: ArcSwap::from_pointee(config.clone()), targets, metrics }
    }

    /// Takes over settings; requests that have begun are answered by the old ones.
    pub(crate) fn set(&self, config: &InvalidationConfig) {
        self.config.store(Arc::new(config.clone()));
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        match self.invalidate(&head, body).await {
            Ok(body) => {
                self.metrics.invalidation(InvalidationWay::Http, InvalidationOutcome::Done);
                response(StatusCode::OK, &body)
            }
            Err(refusal) => {
                let outcome = match refusal.status {
                    StatusCode::SERVICE_UNAVAILABLE => InvalidationOutcome::Failed,
                    _ => InvalidationOutcome::Refused,
                };
                self.metrics.invalidation(InvalidationWay::Http, outcome);
                refused(refusal)
            }
        }
    }

    async fn invalidate<B>(&self, head: &Parts, body: B) -> Result<serde_json::Value, Refusal>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let config = self.config.load_full();
        if head.uri.path() != config.path {
            let message = format!("There is nothing at this path; invalidations go to {}.", config.path);
            return Err(Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", message));
        }
        may_invalidate(&config, &head.headers)?;
        if head.method != Method::POST {
            let message = "Send invalidations by POST.";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message));
        }
        if !is_json(&head.headers) {
            let message = "Send JSON, with content-type: application/json.";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALIDATION_MALFORMED", message));
        }
        let items = request::items(&read(body).await?)?;
        let unavailable =
            |message: String| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "INVALIDATION_NOT_ACKNOWLEDGED", message);
        let target = self.targets.current().ok_or_else(|| unavailable("There is no cache now.".to_owned()))?;
        let invalidations = request::checked(&items, &target.supergraph)?;
        let position = target.invalidate(&invalidations).await.map_err(|error| {
            tracing::warn!(%error, "An invalidation was not acknowledged");
            unavailable(format!("The invalidation was not acknowledged: {error}."))
        })?;
        tracing::debug!(items = items.len(), position = position.0, "Invalidated");
        // As a text: it has more digits than numbers of JavaScript.
        Ok(json!({ "count": items.len(), "position": position.0.to_string() }))
    }
}

fn may_invalidate(config: &InvalidationConfig, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(secret) = &config.secret else {
        // Browsers let any website send requests to this machine, and say so by this header.
        return match headers.contains_key(ORIGIN) {
            true => {
                let message = "Without cache.invalidation.secret, browsers may not invalidate.";
                Err(Refusal::new(StatusCode::FORBIDDEN, "INVALIDATION_UNAUTHORIZED", message))
            }
            false => Ok(()),
        };
    };
    let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let bearer = match given.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => given,
    };
    let is_secret = given.ct_eq(secret.0.as_bytes()) | bearer.ct_eq(secret.0.as_bytes());
    match bool::from(is_secret) {
        true => Ok(()),
        false => {
            let message = "Send the secret of cache.invalidation in the header authorization.";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "INVALIDATION_UNAUTHORIZED", message))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

async fn read<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let read = tokio::time::timeout(BODY_TIMEOUT, std::pin::pin!(Limited::new(body, MAX_BYTES)).collect()).await;
    let refusal = |status, message: &str| Refusal::new(status, "INVALIDATION_MALFORMED", message);
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = "The body has more than 1 MB; send it in several requests.";
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        Ok(Err(_)) => Err(refusal(StatusCode::BAD_REQUEST, "The body could not be read.")),
        Err(_) => Err(refusal(StatusCode::REQUEST_TIMEOUT, "The body did not come in time.")),
    }
}

fn response(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    let error = GraphQLError::new(refusal.code, refusal.message);
    let mut response = response(refusal.status, &json!({ "errors": [error] }));
    let header = match refusal.status {
        StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Bearer"),
        StatusCode::METHOD_NOT_ALLOWED => (ALLOW, "POST"),
        StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, "1"),
        _ => return response,
    };
    response.headers_mut().insert(header.0, HeaderValue::from_static(header.1));
    response
}
