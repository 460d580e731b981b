//! A path beside the endpoint at which something else is answered than GraphQL requests of clients. Knows nothing of what that is.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use braid_gateway::refusal::RefusalStatus;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Body;

use crate::{body, reply};

/// Answers requests to paths of its own. Asked about every request that nothing else answers, so it must be quick to say no.
pub trait Route: Debug + Send + Sync {
    /// The method of requests to this path that it answers; `None` if it answers none.
    fn method(&self, path: &str) -> Option<Method>;

    /// The most bytes that the body of a request may have.
    fn max_body_bytes(&self) -> usize;

    /// The answer, if it is known before the body is read.
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>>;

    /// The answer.
    fn answer(self: Arc<Self>, head: Parts, body: Bytes) -> BoxFuture<'static, Response<Bytes>>;
}

/// Reads the body of a request, and has it answered.
pub(crate) async fn respond<B>(
    route: Arc<dyn Route>,
    method: Method,
    head: Parts,
    body: B,
    time: Duration,
) -> Response<Bytes>
where
    B: Body<Data = Bytes> + Unpin,
{
    if head.method != method {
        return reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(refused) = route.refuse(&head) {
        return refused;
    }
    if method == Method::GET {
        return route.answer(head, Bytes::new()).await;
    }
    match body::read(&head.headers, body, route.max_body_bytes(), time).await {
        Ok(body) => route.answer(head, body).await,
        Err(refusal) => {
            let status = match refusal.status {
                RefusalStatus::Fixed(status) => status,
                RefusalStatus::Request => StatusCode::BAD_REQUEST,
            };
            reply::json(status, refusal.body())
        }
    }
}
