//! A path beside the GraphQL endpoint at which clients ask in another protocol. Its requests are admitted, identified, limited and logged as
//! those to the GraphQL endpoint are. Knows nothing of the protocol.

use std::fmt::Debug;
use std::sync::Arc;

use braid_authentication::AuthenticationError;
use braid_gateway::refusal::{Refusal, RefusalStatus};
use braid_gateway::{Body, Executed, Gateway, Subgraphs, extend};
use braid_request_context::{Identity, RequestContext};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::exchange::Exchange;
use crate::state::Front;
use crate::{body, exchange, front, graphql, reply};

/// Answers requests of clients at paths of its own. It belongs to one version, and is swapped with it.
pub trait Endpoint<S>: Debug + Send + Sync {
    /// What its protocol is called in the access log.
    fn protocol(&self) -> &'static str;

    /// Whether it answers requests to this path. Asked about every request that is not for the GraphQL endpoint, so it must be quick to say no.
    fn is_path(&self, path: &str) -> bool;

    /// What anybody may read at a path, without credentials.
    fn file(&self, context: &RequestContext) -> Option<Response<Bytes>>;

    /// The graph that its requests are for, where there are several.
    fn graph(&self) -> Option<Arc<str>>;

    /// The most bytes that the body of a request may have.
    fn max_body_bytes(&self) -> usize;

    /// Whether anonymous clients are refused.
    fn needs_credentials(&self) -> bool;

    /// What `WWW-Authenticate` says beside `challenge` to a client that has to say who it is.
    fn challenge(&self, challenge: HeaderValue, context: &RequestContext) -> HeaderValue;

    /// Whether a name is one of this router's. A page that is served under another name is foreign, even if the name leads here.
    fn is_own_host(&self, host: &str) -> bool;

    /// The answer to a request whose client is known.
    fn answer<'a>(&'a self, call: Call<'a, S>) -> BoxFuture<'a, EndpointReply>;
}

/// A request to an [`Endpoint`]: its client is known, and it is within the limits that need nothing of its body.
#[derive(Debug)]
pub struct Call<'a, S> {
    /// What answers GraphQL requests.
    pub gateway: &'a Arc<Gateway<S>>,
    /// What is known of the request: its head, and who asks.
    pub context: &'a Arc<RequestContext>,
    /// The body.
    pub body: Bytes,
}

/// What an [`Endpoint`] answers, and what was done for it.
#[derive(Debug)]
pub struct EndpointReply {
    /// The response.
    pub response: Response<Bytes>,
    /// The operations that were executed.
    pub executed: Vec<Executed>,
    /// The operations that were refused.
    pub refused: Vec<Refusal>,
    /// What was called, for the access log.
    pub called: Option<String>,
}

/// Answers a request to an endpoint.
pub(crate) async fn respond<S: Subgraphs, B>(
    mut exchange: Exchange<S>,
    body: B,
    front: &Arc<Front<S>>,
    endpoint: Arc<dyn Endpoint<S>>,
) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
{
    exchange.observed.protocol = Some(endpoint.protocol());
    let response = if exchange.context.method == Method::OPTIONS {
        front::preflight(&exchange)
    } else if let Some(file) = endpoint.file(&exchange.context) {
        file
    } else if exchange.admit(&front.admission).await {
        match answer(&mut exchange, body, &*endpoint).await {
            Ok(response) => response,
            Err(refusal) => refused(&mut exchange, &refusal, &*endpoint),
        }
    } else {
        refused(&mut exchange, &graphql::too_many(), &*endpoint)
    };
    let mut response = response;
    let Exchange { version, context, .. } = &exchange;
    if context.method != Method::OPTIONS {
        version.rules.allow_origin(&context.headers, response.headers_mut());
        graphql::write_limits(context, response.headers_mut());
        context.id.write_response(response.headers_mut());
    }
    exchange.end(response.status(), response.body().len() as u64);
    response.map(Body::Whole)
}

async fn answer<S: Subgraphs, B>(
    exchange: &mut Exchange<S>,
    body: B,
    endpoint: &dyn Endpoint<S>,
) -> Result<Response<Bytes>, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let (context, rules) = (&exchange.context, &exchange.version.rules);
    if rules.is_foreign_page(&context.headers, context.uri.authority(), &|host| endpoint.is_own_host(host)) {
        let message = "Pages of this origin may not ask here: server.cors does not allow them.";
        return Err(Refusal::fixed(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", message));
    }
    let identified = exchange.identify().await;
    exchange::own(&mut exchange.context)?.graph = endpoint.graph();
    // A request whose credentials are refused counts too, so that nobody guesses them fast.
    exchange.limit().await?;
    identified?;
    if endpoint.needs_credentials() && matches!(exchange.context.identity, Identity::Anonymous) {
        let error = AuthenticationError::Missing;
        let challenge = exchange.version.authenticator.as_ref().map(|authenticator| authenticator.challenge(error));
        return Err(Refusal { challenge, ..Refusal::fixed(error.status(), error.code(), error.to_string()) });
    }
    let Exchange { version, context, observed, .. } = exchange;
    let mut body = match context.method == Method::POST {
        true => body::read(&context.headers, body, endpoint.max_body_bytes(), version.config.body_timeout.0).await?,
        false => Bytes::new(),
    };
    observed.request_bytes = body.len();
    extend::request(&version.gateway, context, &mut body).await?;
    let call = Call { gateway: &version.gateway, context, body };
    let EndpointReply { response, executed, refused, called } = endpoint.answer(call).await;
    executed.into_iter().for_each(|executed| observed.answered(executed));
    refused.iter().for_each(|refusal| observed.refused(refusal));
    observed.called = called;
    let (mut head, mut bytes) = response.into_parts();
    extend::response(&version.gateway, context, &mut head.status, &mut head.headers, Some(&mut bytes)).await?;
    Ok(Response::from_parts(head, bytes))
}

fn refused<S>(exchange: &mut Exchange<S>, refusal: &Refusal, endpoint: &dyn Endpoint<S>) -> Response<Bytes> {
    exchange.observed.refused(refusal);
    let status = match refusal.status {
        RefusalStatus::Fixed(status) => status,
        RefusalStatus::Request => StatusCode::BAD_REQUEST,
    };
    let mut response = reply::json(status, refusal.body());
    if let Some(challenge) = &refusal.challenge {
        let challenge = endpoint.challenge(challenge.clone(), &exchange.context);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
