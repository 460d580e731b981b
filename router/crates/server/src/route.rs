//! A path beside the endpoint at which something else is answered than GraphQL requests of clients. Knows nothing of what that is.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use braid_gateway::refusal::RefusalStatus;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Body;

use crate::{body, reply};

/// Answers requests to paths of its own. Asked about every request that nothing else answers, so it must be quick to say no.
pub trait Route: Debug + Send + Sync {
    /// Whether it answers POST requests to this path.
    fn is_path(&self, path: &str) -> bool;

    /// The most bytes that the body of a request may have.
    fn max_body_bytes(&self) -> usize;

    /// The answer, if it is known before the body is read.
    fn refuse(&self, path: &str) -> Option<Response<Bytes>>;

    /// The answer.
    fn answer(&self, path: &str, body: &Bytes) -> Response<Bytes>;
}

/// Reads the body of a request, and has it answered.
pub(crate) async fn respond<B>(route: Arc<dyn Route>, head: Parts, body: B, time: Duration) -> Response<Bytes>
where
    B: Body<Data = Bytes> + Unpin,
{
    let path = head.uri.path();
    if head.method != Method::POST {
        return reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(refused) = route.refuse(path) {
        return refused;
    }
    match body::read(&head.headers, body, route.max_body_bytes(), time).await {
        Ok(body) => route.answer(path, &body),
        Err(refusal) => {
            let status = match refusal.status {
                RefusalStatus::Fixed(status) => status,
                RefusalStatus::Request => StatusCode::BAD_REQUEST,
            };
            reply::json(status, refusal.body())
        }
    }
}
