//! From an HTTP request to an HTTP response: who answers which path. Knows no GraphQL and no socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use braid_gateway::{Body, Subgraphs, Subscriptions};
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::Exporter;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::admission::Admission;
use crate::exchange::Exchange;
use crate::graphql::Reply;
use crate::negotiate::wants_page;
use crate::observe::Observers;
use crate::route::{self, Route};
use crate::url_ids::UrlIds;
use crate::version::Version;
use crate::{graphql, health, playground, reply};

/// All that answers requests: the version in use, and what outlives it.
#[derive(Debug)]
pub struct Front<S> {
    current: ArcSwap<Version<S>>,
    admission: Arc<Admission>,
    /// The subscriptions, whichever version they began with.
    pub(crate) subscriptions: Subscriptions<S>,
    pub(crate) observers: Arc<Observers>,
    route: Option<Arc<dyn Route>>,
}

impl<S: Subgraphs> Front<S> {
    /// A front that begins with `version`.
    pub fn new(version: Version<S>, observers: Observers) -> Self {
        let observers = Arc::new(observers);
        let subscriptions = Subscriptions::new(version.gateway.clone());
        let (current, admission) = (ArcSwap::from_pointee(version), Admission::new());
        let front = Self { current, observers, admission, subscriptions, route: None };
        front.note_since();
        front
    }

    /// The same, where `route` answers what nothing else does.
    #[must_use]
    pub fn with_route(self, route: Arc<dyn Route>) -> Self {
        Self { route: Some(route), ..self }
    }

    /// The version in use. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<Version<S>> {
        self.current.load_full()
    }

    /// Takes a new version up. Requests in flight end with the one they began with; subscriptions move to it.
    pub fn swap(&self, version: Version<S>) {
        let gateway = version.gateway.clone();
        self.current.store(Arc::new(version));
        self.subscriptions.swap(gateway);
        self.note_since();
    }

    /// The router's numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.observers.metrics
    }

    /// Where spans go, if they are exported.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.observers.exporter.as_ref()
    }

    fn note_since(&self) {
        let since = self.current.load().since.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.metrics().schema_since.set(since.as_secs() as i64);
    }

    pub(crate) fn stop(&self) {
        self.admission.stop();
    }

    /// The front as a service, for any server or middleware of the tower family.
    pub fn service(self: &Arc<Self>) -> FrontService<S> {
        FrontService(self.clone())
    }

    /// Answers one request of a client at `peer`.
    ///
    /// The head is taken apart before the first wait, so that it is not moved from future to future.
    pub(crate) fn handle<B>(
        self: &Arc<Self>,
        request: Request<B>,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Response<Body>> + use<S, B>
    where
        B: hyper::body::Body<Data = Bytes> + Unpin,
    {
        let version = self.current();
        let is_exact = request.uri().path() == version.config.path && !is_page(&request, &version.url_ids);
        let file = if is_exact { None } else { self.file(&version, &request) };
        let begun = match file {
            Some(file) => Err(Ok(file)),
            None if is_exact || version.url_ids.is_path(request.uri().path()) => {
                let (head, body) = request.into_parts();
                let exchange = Exchange::begin(version, &self.observers, head, peer);
                Ok((exchange, body, self.admission.clone()))
            }
            None => Err(match self.route.clone().filter(|route| route.is_path(request.uri().path())) {
                Some(route) => {
                    let (head, body) = request.into_parts();
                    Err(Box::pin(route::respond(route, head, body, version.config.body_timeout.0)))
                }
                None => Ok(reply::not_found(&version.config.path)),
            }),
        };
        async {
            match begun {
                Ok((exchange, body, admission)) => respond(exchange, body, &admission).await,
                Err(Ok(file)) => file.map(Body::Whole),
                Err(Err(routed)) => routed.await.map(Body::Whole),
            }
        }
    }

    /// What is no GraphQL: health, metrics, the page.
    fn file<B>(&self, version: &Version<S>, request: &Request<B>) -> Option<Response<Bytes>> {
        let (config, path) = (&version.config, request.uri().path());
        if let Some(response) = health::respond(&version.gateway, &self.admission, request) {
            return Some(response);
        }
        if version.telemetry.metrics.enabled && path == version.telemetry.metrics.path && is_read(request) {
            return Some(health::metrics(self.metrics()));
        }
        if config.playground.enabled && is_read(request) {
            return playground::respond(config, version.gateway.exposure.plan, path, request.headers());
        }
        None
    }
}

/// Answers a request to the endpoint.
async fn respond<S: Subgraphs, B>(mut exchange: Exchange<S>, body: B, admission: &Arc<Admission>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let response = if exchange.context.method == Method::OPTIONS {
        preflight(&exchange)
    } else if exchange.admit(admission).await {
        // Boxed, so that requests that wait to begin take little room.
        match Box::pin(graphql::respond(&mut exchange, body)).await {
            Reply::Whole(response) => {
                // As requests to subgraphs do, responses go out when nothing is left to compute.
                tokio::task::yield_now().await;
                response
            }
            Reply::Batch(response) => return response.map(|batch| Body::stream(batch.stream(exchange))),
        }
    } else {
        graphql::turn_away(&mut exchange)
    };
    exchange.end(response.status(), response.body().len() as u64);
    response.map(Body::Whole)
}

fn preflight<S>(exchange: &Exchange<S>) -> Response<Bytes> {
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    exchange.version.rules.allow_preflight(&exchange.context.headers, response.headers_mut());
    response
}

/// The address of a client, as an extension of its request: for the access log.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// A [`Front`] as a [`Service`]. It is always ready: what is too much is answered with 503.
#[derive(Debug)]
pub struct FrontService<S>(Arc<Front<S>>);

impl<S> Clone for FrontService<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S, B> Service<Request<B>> for FrontService<S>
where
    S: Subgraphs,
    B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let response = self.0.handle(request, peer);
        Box::pin(async { Ok(response.await) })
    }
}

/// Whether a browser was pointed at the endpoint: it gets the page, unless its address has a query or the id of one.
fn is_page<B>(request: &Request<B>, ids: &UrlIds) -> bool {
    const DOCUMENTS: [&str; 4] = ["query=", "documentId=", "doc_id=", "extensions="];
    let names_document = |query: &str| DOCUMENTS.iter().any(|parameter| query.contains(parameter));
    wants_page(request.method(), request.headers())
        && !request.uri().query().is_some_and(names_document)
        && ids.of(request.uri()).is_none()
}

fn is_read<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}
