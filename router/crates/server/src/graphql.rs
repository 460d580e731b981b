//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>): from a request to the endpoint to its response.
//! Knows no socket and no schema.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use braid_gateway::refusal::{Refusal, RefusalStatus};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Answer, Executed, Gateway, Subgraphs, answer, extend, forbid_caching};
use braid_graphql::OperationType;
use braid_rate_limit::RequestLimits;
use braid_request_context::RequestContext;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};

use crate::batch::Batch;
use crate::exchange::{self, Exchange};
use crate::negotiate::{self, Accepted, BodyType, Media, ResponseMedia};
use crate::observe::Observed;
use crate::state::Front;
use crate::streams::{self, Begun, Streamed};
use crate::uploads::{self, Uploading};
use crate::version::Version;
use crate::{body, compress, reply, revalidate};

const METHODS: &str = "GET, POST";

/// What a request to the endpoint is answered with.
pub(crate) enum Reply {
    /// A body that is there.
    Whole(Response<Bytes>),
    /// A body that is sent as the answers come.
    Batch(Response<Batch>),
    /// A body that is sent as events come.
    Stream(Response<Streamed>),
}

impl Reply {
    /// The headers of the response.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::Whole(response) => response.headers_mut(),
            Self::Batch(response) => response.headers_mut(),
            Self::Stream(response) => response.headers_mut(),
        }
    }
}

/// Answers a request to the endpoint.
pub(crate) async fn respond<S: Subgraphs, B>(exchange: &mut Exchange<S>, body: B, front: &Front<S>) -> Reply
where
    B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
{
    let accepted = negotiate::accepted(&exchange.context.headers);
    let outcome = match begin(exchange, accepted).await {
        Err(refusal) => Err(refusal),
        // Boxed, so that other requests don't carry it.
        Ok(()) if negotiate::body_type(&exchange.context.headers) == BodyType::Multipart => {
            Box::pin(with_files(exchange, body)).await
        }
        Ok(()) => {
            let Exchange { version, context, observed, .. } = &mut *exchange;
            outcome(front, version, context, body, observed, accepted).await
        }
    };
    let Exchange { version, context, observed, .. } = exchange;
    let (version, context) = (&*version, &*context);
    let gateway = &version.gateway;
    let media = accepted.whole.unwrap_or(Media::Json);
    let (plans, compression) = (&version.gateway.headers, &version.config.compression);
    let (mut status, bytes, mut headers) = match outcome {
        Ok(Outcome::Whole(whole)) => whole,
        Ok(Outcome::Batch(batch)) if plans.read_responses() || compress::may_be(compression, &context.headers) => {
            let (bytes, headers) = batch.whole(&version.gateway, observed).await;
            (StatusCode::OK, bytes, headers)
        }
        // The head depends on none of the answers.
        Ok(Outcome::Batch(batch)) => {
            let mut response = Response::new(batch);
            response.headers_mut().insert(http::header::CONTENT_TYPE, media.content_type());
            keep_to_the_told(version, response.headers_mut());
            version.rules.allow_origin(&context.headers, response.headers_mut());
            write_limits(context, response.headers_mut());
            match change_head(gateway, context, &mut response).await {
                Ok(()) => return Reply::Batch(response),
                Err(refusal) => refused(&refusal, media, observed),
            }
        }
        Ok(Outcome::Stream(streamed)) => {
            let mut response = Response::new(streamed);
            streams::write_head(response.body().media, response.headers_mut());
            version.rules.allow_origin(&context.headers, response.headers_mut());
            write_limits(context, response.headers_mut());
            match change_head(gateway, context, &mut response).await {
                Ok(()) => return Reply::Stream(response),
                Err(refusal) => refused(&refusal, media, observed),
            }
        }
        Err(refusal) => refused(&refusal, media, observed),
    };
    let mut bytes = match accepted.only_streams().filter(|_| status == StatusCode::OK) {
        Some(stream) => {
            streams::write_head(stream, &mut headers);
            streams::whole(stream, &bytes)
        }
        None => {
            headers.insert(http::header::CONTENT_TYPE, media.content_type());
            bytes
        }
    };
    version.rules.allow_origin(&context.headers, &mut headers);
    write_limits(context, &mut headers);
    keep_to_the_told(version, &mut headers);
    if let Err(refusal) = extend::response(gateway, context, &mut status, &mut headers, Some(&mut bytes)).await {
        (status, bytes, headers) = refused(&refusal, media, observed);
        headers.insert(http::header::CONTENT_TYPE, media.content_type());
        version.rules.allow_origin(&context.headers, &mut headers);
    }
    Reply::Whole(finish(version, context, status, bytes, headers).await)
}

/// Lets plugins change the head of a response whose body is sent as it comes.
async fn change_head<S, B>(
    gateway: &Gateway<S>,
    context: &Arc<RequestContext>,
    response: &mut Response<B>,
) -> Result<(), Refusal> {
    let (mut status, mut headers) = (response.status(), std::mem::take(response.headers_mut()));
    let changed = extend::response(gateway, context, &mut status, &mut headers, None).await;
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    changed
}

/// What can be said before the body is read: whether the request can be taken at all, and who asks.
async fn begin<S: Subgraphs>(exchange: &mut Exchange<S>, accepted: Accepted) -> Result<(), Refusal> {
    if accepted.is_nothing() {
        return Err(not_acceptable());
    }
    check_head(&exchange.version, &exchange.context)?;
    let identified = exchange.identify().await;
    let chosen = exchange.choose_graph();
    // A request whose credentials are refused, or that is for no graph, counts too, so that nobody guesses them fast.
    exchange.limit().await?;
    identified?;
    chosen
}

/// Where answers say who may keep them, what does not say it may be kept by nobody: caches would keep some of it for a time of their choice.
fn keep_to_the_told<S>(version: &Version<S>, headers: &mut HeaderMap) {
    if version.gateway.tells_caches() && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Says in a response how its client stands under the rate limits.
pub(crate) fn write_limits(context: &RequestContext, headers: &mut HeaderMap) {
    if let Some(limits) = context.extensions.get::<Arc<RequestLimits>>() {
        limits.write_headers(headers);
    }
}

/// A request came when too many run already.
pub(crate) fn too_many() -> Refusal {
    let message = "The router has as many requests under way as it takes; try again in a moment.";
    Refusal::fixed(StatusCode::SERVICE_UNAVAILABLE, "REQUEST_CONCURRENCY_LIMITED", message)
}

/// The response to a request that is refused before anything is done for it.
pub(crate) fn refuse<S>(exchange: &mut Exchange<S>, refusal: &Refusal) -> Response<Bytes> {
    let Exchange { version, context, observed, .. } = exchange;
    let media = negotiate::accepted(&context.headers).whole.unwrap_or(Media::Json);
    let (status, bytes, headers) = refused(refusal, media, observed);
    let mut response = reply::with_body(status, media.content_type(), bytes);
    response.headers_mut().extend(headers);
    version.rules.allow_origin(&context.headers, response.headers_mut());
    keep_to_the_told(version, response.headers_mut());
    response
}

type Whole = (StatusCode, Bytes, HeaderMap);

enum Outcome {
    Whole(Whole),
    Batch(Batch),
    Stream(Streamed),
}

async fn outcome<S: Subgraphs, B>(
    front: &Front<S>,
    version: &Arc<Version<S>>,
    context: &mut Arc<RequestContext>,
    body: B,
    observed: &mut Observed,
    accepted: Accepted,
) -> Result<Outcome, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let server = &version.config;
    let is_get = context.method == Method::GET;
    let mut body = match is_get {
        true => Bytes::new(),
        false => body::read(&context.headers, body, server.max_body_bytes.0, server.body_timeout.0).await?,
    };
    observed.request_bytes = body.len();
    extend::request(&version.gateway, context, &mut body).await?;
    if is_batch(&body) {
        let batch = Batch::begin(version, context, &body)?;
        if let Some(limits) = context.extensions.get::<Arc<RequestLimits>>() {
            // One was counted before the body was read.
            limits.check_head(context, batch.len().saturating_sub(1) as u64).await?;
        }
        return Ok(Outcome::Batch(batch));
    }
    let request = match is_get {
        true => GraphQLRequest::from_query_string(context.uri.query().unwrap_or_default()),
        false => GraphQLRequest::from_json(&body),
    };
    let mut request = request?;
    take_url_id(&mut request, version, context);
    extend::operation(&version.gateway, context, &mut request).await?;
    let Accepted { stream, parts, .. } = accepted;
    let accepts = Accepts { mutations: !is_get, subscriptions: stream.is_some(), incremental: parts.is_some() };
    let executed = match (answer(&version.gateway, &request, context, accepts).await?, stream, parts) {
        (Answer::Subscription(subscription), Some(media), _) => {
            let begun = Begun::open(front, version, context, *subscription, media.protocol())?;
            return Ok(Outcome::Stream(Streamed { begun, media: ResponseMedia::Events(media) }));
        }
        (Answer::Incremental(incremental), _, Some(media)) => {
            let (format, protocol) = (media.format(), media.protocol());
            // Boxed, so that others don't carry what only parts need.
            let begun = Box::pin(Begun::parts(front, version, context, *incremental, format, protocol)).await?;
            match begun {
                Ok(begun) => return Ok(Outcome::Stream(Streamed { begun, media: ResponseMedia::Parts(media) })),
                Err(executed) => *executed,
            }
        }
        (answer, ..) => answer.executed()?,
    };
    Ok(Outcome::Whole(answered(&version.gateway, executed, observed)))
}

/// Gives a request the id of a document that its URL has, unless it has one itself.
fn take_url_id<S>(request: &mut GraphQLRequest<'_>, version: &Version<S>, context: &RequestContext) {
    if request.document_id.is_none() {
        request.document_id = version.url_ids.of(&context.uri).map(Cow::Owned);
    }
}

/// Answers a request with files, which are read while it is answered.
async fn with_files<S: Subgraphs, B>(exchange: &mut Exchange<S>, body: B) -> Result<Outcome, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
{
    let Exchange { version, context, observed, .. } = exchange;
    let server = &version.config;
    let (max, time) = (server.max_body_bytes.0, server.body_timeout.0);
    extend::request(&version.gateway, context, &mut Bytes::new()).await?;
    let uploading = Uploading::begin(&context.headers, body, &server.uploads, max, time).await?;
    let (operations, uploads, files) = uploading.split();
    observed.request_bytes = operations.len();
    exchange::own(context)?.extensions.insert(Arc::new(uploads));
    let mut request = GraphQLRequest::from_json(&operations)?;
    take_url_id(&mut request, version, context);
    extend::operation(&version.gateway, context, &mut request).await?;
    let answering = pin!(answer(&version.gateway, &request, context, Accepts::WHOLE));
    let passing_on = pin!(files.pass_on());
    let executed = match select(answering, passing_on).await {
        Either::Left((answer, _)) => answer?,
        // What a subgraph has begun to take is cut off.
        Either::Right((Err(refusal), _)) => return Err(refusal),
        Either::Right((Ok(()), answering)) => answering.await?,
    };
    Ok(Outcome::Whole(answered(&version.gateway, executed.executed()?, observed)))
}

/// What can be refused before the body is read.
fn check_head<S>(version: &Version<S>, context: &RequestContext) -> Result<(), Refusal> {
    let headers = &context.headers;
    let body = negotiate::body_type(headers);
    match context.method {
        Method::POST if body == BodyType::Multipart && !version.config.uploads.enabled => Err(uploads::not_enabled()),
        Method::POST if !matches!(body, BodyType::Json | BodyType::Multipart) => Err(unsupported_type()),
        // A body type that a form can send, on a request that needs none, is somebody's trick.
        Method::GET if matches!(body, BodyType::Other | BodyType::Multipart) => Err(unsupported_type()),
        Method::GET if !version.config.get => Err(wrong_method("POST")),
        Method::GET | Method::POST if version.rules.is_forgeable(headers) => {
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

/// The status of what was executed is the same for both media types.
fn answered<S>(gateway: &Gateway<S>, executed: Executed, observed: &mut Observed) -> Whole {
    let mut headers = HeaderMap::new();
    executed.write_headers(gateway, &mut headers);
    let bytes = match executed.exposed_bytes() {
        Some(exposed) => {
            forbid_caching(&mut headers);
            exposed
        }
        None => executed.response.bytes.clone(),
    };
    let status = executed.status();
    observed.answered(executed);
    (status, bytes, headers)
}

fn refused(refusal: &Refusal, media: Media, observed: &mut Observed) -> Whole {
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
    // The client sends the text next, and a cache in between must not answer this again.
    if refusal.errors.iter().any(|error| error.code() == Some("PERSISTED_QUERY_NOT_FOUND")) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(given) = &refusal.given {
        headers.extend(given.headers.clone());
    }
    if let Some(challenge) = &refusal.challenge {
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    (status, refusal.body(), headers)
}

fn is_batch(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

async fn finish<S>(
    version: &Version<S>,
    context: &RequestContext,
    status: StatusCode,
    bytes: Bytes,
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let (config, request) = (&version.config.compression, &context.headers);
    let (mut status, mut bytes) = (status, bytes);
    let is_compressible = config.enabled && bytes.len() >= config.min_bytes.0;
    if is_compressible {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if version.gateway.tells_caches() && revalidate::is_known(&context.method, status, request, &bytes, &mut headers) {
        (status, bytes) = (StatusCode::NOT_MODIFIED, Bytes::new());
    } else if is_compressible
        && let Some(encoding) = compress::wanted(config, request, bytes.len())
        && let Some(packed) = compress::pack(encoding, bytes.clone()).await
    {
        headers.insert(CONTENT_ENCODING, encoding.name());
        bytes = packed;
    }
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What logs call a kind of operation.
pub(crate) fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

fn not_acceptable() -> Refusal {
    let message = "Answers come as application/graphql-response+json or application/json, and as text/event-stream or multipart/mixed where they are streams: accept one of them.";
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
