//! From an HTTP request to an HTTP response: who answers which path. Knows no GraphQL and no socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use braid_gateway::{Body, Subgraphs};
use bytes::Bytes;
use futures_util::future::Either;
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::exchange::Exchange;
use crate::graphql::Reply;
use crate::negotiate::wants_page;
use crate::route::Route;
use crate::state::Front;
use crate::streams::socket;
use crate::url_ids::UrlIds;
use crate::version::Version;
use crate::{endpoint, graphql, health, playground, reply, route};

impl<S: Subgraphs> Front<S> {
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
        B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
    {
        let version = self.current();
        if socket::is_asked(&request) && version.is_endpoint(request.uri().path()) {
            let response = socket::respond(self, version, request, peer).map(Body::Whole);
            return Either::Left(std::future::ready(response));
        }
        let is_exact = version.is_endpoint(request.uri().path()) && !is_page(&request, &version.url_ids);
        if !is_exact
            && let Some(endpoint) = version.endpoint.clone().filter(|other| other.is_path(request.uri().path()))
        {
            let (head, body) = request.into_parts();
            let exchange = Exchange::begin(version, &self.observers, head, peer);
            let front = self.clone();
            let answered = Box::pin(async move { endpoint::respond(exchange, body, &front, endpoint).await });
            return Either::Right(Either::Left(answered));
        }
        let file = if is_exact { None } else { self.file(&version, &request) };
        let begun = match file {
            Some(file) => Err(Ok(file)),
            None if is_exact || version.url_ids.is_path(request.uri().path()) => {
                let (head, body) = request.into_parts();
                let exchange = Exchange::begin(version, &self.observers, head, peer);
                Ok((exchange, body, self.clone()))
            }
            None => Err(match self.route(&version, request.uri().path()) {
                Some((route, method)) => {
                    let (head, body) = request.into_parts();
                    Err(Box::pin(route::respond(route, method, head, body, version.config.body_timeout.0)))
                }
                None => Ok(reply::not_found(&version.config.path)),
            }),
        };
        Either::Right(Either::Right(async {
            match begun {
                Ok((exchange, body, front)) => respond(exchange, body, &front).await,
                Err(Ok(file)) => file.map(Body::Whole),
                Err(Err(routed)) => routed.await.map(Body::Whole),
            }
        }))
    }

    /// Who answers requests to a path that nothing else answers, and their method.
    fn route(&self, version: &Version<S>, path: &str) -> Option<(Arc<dyn Route>, Method)> {
        let routes = self.route.iter().chain(&version.route);
        routes.filter_map(|route| Some((route.clone(), route.method(path)?))).next()
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
        if is_read(request) {
            let page = version.page(request.headers(), request.uri())?;
            return playground::respond(config, &page, &version.gateway.exposure, path, request.headers());
        }
        None
    }
}

/// Answers a request to the endpoint.
async fn respond<S: Subgraphs, B>(mut exchange: Exchange<S>, body: B, front: &Arc<Front<S>>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
{
    let response = if exchange.context.method == Method::OPTIONS {
        preflight(&exchange)
    } else if exchange.admit(&front.admission).await {
        // Boxed, so that requests that wait to begin take little room.
        let mut reply = Box::pin(graphql::respond(&mut exchange, body, front)).await;
        exchange.context.id.write_response(reply.headers_mut());
        match reply {
            Reply::Whole(response) => {
                // As requests to subgraphs do, responses go out when nothing is left to compute.
                tokio::task::yield_now().await;
                response
            }
            Reply::Batch(response) => return response.map(|batch| Body::stream(batch.stream(exchange))),
            Reply::Stream(response) => return response.map(|streamed| streamed.body(exchange, front)),
        }
    } else {
        let mut response = graphql::refuse(&mut exchange, &graphql::too_many());
        exchange.context.id.write_response(response.headers_mut());
        response
    };
    exchange.end(response.status(), response.body().len() as u64);
    response.map(Body::Whole)
}

pub(crate) fn preflight<S>(exchange: &Exchange<S>) -> Response<Bytes> {
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
