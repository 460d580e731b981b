//! A request whose response is used as it arrives: by a list that is delivered item by item. Knows nothing of items.
//!
//! It passes the stages of other queries, but it is not shared with equal ones, and not hedged: two responses would have to be read at the same
//! pace. It is sent again as long as nothing of a response was passed on. It has ended, for the circuit breaker and in the metrics, when all of its response was read.
//!
//! Who takes the body drives the exchange. So nothing is read that is not asked for, and dropping the body ends it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use braid_executor::{ArrivingResponse, OpenResponse, SubgraphError, SubgraphRequest, SubgraphResponse};
use braid_net::{chain, receive};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use bytes::Bytes;
use futures_util::Stream;
use http::header::HeaderMap;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use tokio::select;
use tokio::sync::mpsc;

use crate::Outcome;
use crate::endpoints::Tried;
use crate::exchange::{Attempt, Exchange, answered, body_error, check_head, timeout, transport};
use crate::subgraph::{Sending, Subgraph};

/// What is passed on of a response.
pub(crate) enum Piece {
    /// First what it is, without its body.
    Head(SubgraphResponse<SubgraphHeaders>),
    Data(Bytes),
}

/// Where the pieces go, one at a time.
pub(crate) type Pieces = mpsc::Sender<Piece>;

impl Subgraph {
    /// Makes a request, and waits for the beginning of its response.
    pub(crate) async fn open(
        self: &Arc<Self>,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<OpenResponse<SubgraphHeaders>, SubgraphError> {
        if context.uploads().is_some() {
            return self.call(request, context).await.map(OpenResponse::Whole);
        }
        let (sender, pieces) = mpsc::channel(1);
        let (subgraph, context, request) = (self.clone(), context.clone(), self.with_extensions(request, context));
        let running = async move { subgraph.pass_on(request, &context, sender).await };
        let mut body = Body { running: Some(Box::pin(running)), outcome: None, pieces };
        let head = std::future::poll_fn(|cx| body.poll_piece(cx)).await;
        match (head, body.outcome.take()) {
            (Some(Piece::Head(SubgraphResponse { status, meta, .. })), outcome) => {
                body.outcome = outcome;
                Ok(OpenResponse::Arriving(ArrivingResponse { status, meta, body: Box::pin(body) }))
            }
            (_, Some(outcome)) => outcome.map(OpenResponse::Whole),
            _ => Err(transport("the request ended without a response".to_owned(), false)),
        }
    }

    /// Makes a request and passes its response on. The outcome has the response if nothing was passed on.
    async fn pass_on(&self, request: SubgraphRequest, context: &SubgraphContext, pieces: Pieces) -> Outcome {
        let started = Instant::now();
        let passage = self.pass(started)?;
        let _admitted = self.admit()?;
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let sending =
            Sending { request: &request, context, span: span.as_ref(), deadline: started + self.traffic.timeout };
        let is_probe = passage.as_ref().is_some_and(|passage| passage.is_probe);
        let (attempt, attempts) = self.retry_open(&sending, is_probe, &pieces).await;
        self.ended(started, passage, span.as_mut(), attempt, attempts)
    }

    async fn retry_open(&self, sending: &Sending<'_>, is_probe: bool, pieces: &Pieces) -> (Attempt, u32) {
        let Sending { request, context, deadline, .. } = *sending;
        let useful_until = request.deadline.map_or(deadline, |client| client.min(deadline));
        self.retries.earn();
        let (mut tried, mut attempts, mut has_begun) = (Tried::default(), 0, false);
        loop {
            let (url, headers) = self.next(sending, &mut tried);
            let passing = PassOn { request, context, deadline, pieces, has_begun: &mut has_begun };
            let attempt = self.endpoints.pass_on(url, passing, headers).await;
            attempts += 1;
            let may_succeed = !has_begun && !is_probe && self.is_retryable(&attempt.outcome, tried);
            let pause = self.retries.pause(attempts);
            if !(may_succeed && self.retries.spend(attempts)) || Instant::now() + pause >= useful_until {
                return (attempt, attempts);
            }
            self.metrics.retries.inc();
            tokio::time::sleep(pause).await;
        }
    }
}

/// An attempt whose response is passed on.
pub(crate) struct PassOn<'a> {
    request: &'a SubgraphRequest,
    context: &'a SubgraphContext,
    deadline: Instant,
    pieces: &'a Pieces,
    /// Whether anything was passed on.
    has_begun: &'a mut bool,
}

impl Exchange {
    /// Sends the request once, and passes the response on if it is a success.
    pub(crate) async fn pass_on(&self, passing: PassOn<'_>, headers: HeaderMap) -> Attempt {
        let mut status = None;
        let outcome = self.passed_on(passing, headers, &mut status).await;
        Attempt::new(outcome, status)
    }

    async fn passed_on(&self, passing: PassOn<'_>, headers: HeaderMap, status: &mut Option<StatusCode>) -> Outcome {
        let PassOn { request, context, deadline, pieces, has_begun } = passing;
        let mut timer = pin!(tokio::time::sleep_until(deadline.into()));
        let _permit = match self.client.permits().acquire(request.deadline.unwrap_or(deadline)) {
            Ok(permit) => Some(permit),
            Err(waiting) => select! {
                biased;
                () = &mut timer => return Err(timeout("no connection became free in time")),
                permit = waiting => permit,
            },
        };
        let mut http = Request::new(Full::new(request.body.clone()));
        *http.method_mut() = Method::POST;
        *http.headers_mut() = headers;
        timer.as_mut().reset(deadline.min(Instant::now() + self.first_byte_timeout).into());
        let response = select! {
            biased;
            response = self.client.request(http) => response,
            () = &mut timer => return Err(timeout("the response did not start in time")),
        };
        let (parts, body) = response.map_err(|error| transport(chain(&error), true))?.into_parts();
        *status = Some(parts.status);
        check_head(&parts)?;
        timer.as_mut().reset(deadline.into());
        if !parts.status.is_success() {
            let body = select! {
                biased;
                body = receive::body(&parts, body, self.max_response_bytes) => body,
                () = &mut timer => return Err(timeout("the response did not end in time")),
            };
            return Ok(answered(request, context, parts, body.map_err(|error| body_error(&error))?));
        }
        let arriving = receive::Arriving::new(&parts, body, self.max_response_bytes);
        let mut arriving = arriving.map_err(|error| body_error(&error))?;
        let head = answered(request, context, parts, Bytes::new());
        let whole = head.clone();
        let passing = async {
            let mut piece = Piece::Head(head);
            loop {
                // Where nobody takes it, nobody drives this either.
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
                *has_begun = true;
                match arriving.next().await.map_err(|error| body_error(&error))? {
                    Some(data) => piece = Piece::Data(data),
                    None => return Ok(()),
                }
            }
        };
        select! {
            biased;
            passed = passing => passed.map(|()| whole),
            () = &mut timer => Err(timeout("the response did not end in time")),
        }
    }
}

/// The body of a response, with the exchange that it comes from.
struct Body {
    running: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    /// How the exchange has ended.
    outcome: Option<Outcome>,
    pieces: mpsc::Receiver<Piece>,
}

impl Body {
    /// The next piece; `None` when all were taken and the exchange has ended.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        // What is there is taken first: the exchange reads on only for who has taken it.
        if let Poll::Ready(Some(piece)) = self.pieces.poll_recv(cx) {
            return Poll::Ready(Some(piece));
        }
        if let Some(running) = &mut self.running
            && let Poll::Ready(outcome) = running.as_mut().poll(cx)
        {
            (self.running, self.outcome) = (None, Some(outcome));
        }
        self.pieces.poll_recv(cx)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, SubgraphError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.poll_piece(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Piece::Data(data))) => Poll::Ready(Some(Ok(data))),
            Poll::Ready(Some(Piece::Head(_))) => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(self.outcome.take().and_then(Result::err).map(Err)),
        }
    }
}
