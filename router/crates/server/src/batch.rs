//! Several GraphQL requests in one HTTP request: run together, answered in their order, each as it would be alone. Knows no socket.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, Subgraphs, answer, extend, forbid_caching};
use braid_request_context::RequestContext;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesOrdered, Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use hyper::body::{Body, Frame};

use crate::config::BatchingConfig;
use crate::exchange::Exchange;
use crate::observe::Observed;
use crate::version::Version;

/// The answers of a batch, as they come.
pub(crate) struct Batch(FuturesOrdered<BoxFuture<'static, Result<Executed, Refusal>>>);

impl Batch {
    /// Begins to answer the requests in `body`, or says why there is no such batch.
    pub(crate) fn begin<S: Subgraphs>(
        version: &Arc<Version<S>>,
        context: &Arc<RequestContext>,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let requests = read(&version.config.batching, body)?;
        let answers = requests.into_iter().map(|request| {
            let (version, mut context, mut request) = (version.clone(), context.clone(), request.into_owned());
            let answered = async move {
                extend::operation(&version.gateway, &mut context, &mut request).await?;
                answer(&version.gateway, &request, &context, Accepts::WHOLE).await?.executed()
            };
            Box::pin(answered) as BoxFuture<'static, _>
        });
        Ok(Self(answers.collect()))
    }

    /// The number of requests.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole body, and the headers that the rules make of all subgraphs' headers.
    pub(crate) async fn whole<S>(mut self, gateway: &Gateway<S>, observed: &mut Observed) -> (Bytes, HeaderMap) {
        let (mut out, mut merged, mut is_whole) = (Vec::new(), HeaderMap::new(), true);
        while let Some(answer) = self.0.next().await {
            match &answer {
                // Nobody keeps the answer to a POST of several requests.
                Ok(executed) if gateway.tells_caches() => executed.merge_headers(gateway, &mut merged),
                Ok(executed) => executed.write_headers(gateway, &mut merged),
                Err(_) => is_whole = false,
            }
            append(answer, out.is_empty(), observed, &mut out);
        }
        out.push(b']');
        if !is_whole {
            forbid_caching(&mut merged);
        }
        (out.into(), merged)
    }

    /// A body that is sent as answers come. The exchange ends with it.
    pub(crate) fn stream<S>(self, exchange: Exchange<S>) -> BatchBody<S> {
        BatchBody { batch: self, exchange: Some(exchange), sent: 0 }
    }
}

fn read<'a>(config: &BatchingConfig, body: &'a [u8]) -> Result<Vec<GraphQLRequest<'a>>, Refusal> {
    if !config.enabled {
        let message = "Batches are switched off (server.batching): send one request as a JSON object.";
        return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "BATCHING_NOT_ENABLED", message));
    }
    let requests = GraphQLRequest::batch_from_json(body)?;
    if requests.is_empty() {
        return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", "The batch has no request."));
    }
    if requests.len() > config.max {
        let message = format!("A batch may have {} requests, this one has {}.", config.max, requests.len());
        return Err(Refusal::fixed(StatusCode::UNPROCESSABLE_ENTITY, "BATCH_LIMIT_EXCEEDED", message));
    }
    Ok(requests)
}

fn append(answer: Result<Executed, Refusal>, is_first: bool, observed: &mut Observed, out: &mut Vec<u8>) {
    out.push(if is_first { b'[' } else { b',' });
    match answer {
        Ok(executed) => {
            out.extend_from_slice(&executed.response.bytes);
            observed.answered(executed);
        }
        Err(refusal) => {
            out.extend_from_slice(&refusal.body());
            observed.refused(&refusal);
        }
    }
}

/// A batch on its way to the client.
pub(crate) struct BatchBody<S> {
    batch: Batch,
    /// None once all is sent.
    exchange: Option<Exchange<S>>,
    sent: u64,
}

impl<S> Body for BatchBody<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { batch, exchange, sent } = &mut *self;
        let Some(open) = exchange else { return Poll::Ready(None) };
        let mut out = Vec::new();
        let is_last = match Pin::new(&mut batch.0).poll_next(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(answer)) => {
                append(answer, *sent == 0, &mut open.observed, &mut out);
                false
            }
            Poll::Ready(None) => {
                out.push(b']');
                true
            }
        };
        *sent += out.len() as u64;
        if is_last {
            open.end(StatusCode::OK, *sent);
            *exchange = None;
        }
        Poll::Ready(Some(Ok(Frame::data(out.into()))))
    }
}
