//! From an HTTP request to an HTTP response: who answers which path. Knows no GraphQL and no socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use braid_gateway::Subgraphs;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::admission::Admission;
use crate::negotiate::wants_page;
use crate::observe::{Observed, Observers};
use crate::version::Version;
use crate::{graphql, health, playground, reply};

/// All that answers requests: the version in use, and what outlives it.
#[derive(Debug)]
pub struct Front<S> {
    current: ArcSwap<Version<S>>,
    admission: Admission,
    pub(crate) observers: Observers,
}

impl<S: Subgraphs> Front<S> {
    /// A front that begins with `version`.
    pub fn new(version: Version<S>, observers: Observers) -> Self {
        let front = Self { current: ArcSwap::from_pointee(version), observers, admission: Admission::new() };
        front.note_since();
        front
    }

    /// The version in use. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<Version<S>> {
        self.current.load_full()
    }

    /// Takes a new version up. Requests in flight end with the one they began with.
    pub fn swap(&self, version: Version<S>) {
        self.current.store(Arc::new(version));
        self.note_since();
    }

    /// The router's numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.observers.metrics
    }

    fn note_since(&self) {
        let since = self.current.load().since.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.metrics().schema_since.set(since.as_secs() as i64);
    }

    pub(crate) fn stop(&self) {
        self.admission.stop();
    }

    pub(crate) async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Bytes>, Infallible> {
        let version = self.current();
        let config = &version.config;
        let path = request.uri().path();
        if path == config.path && !is_page(&request) {
            return Ok(self.graphql(&version, request, peer).await);
        }
        if let Some(response) = health::respond(&version.gateway, &self.admission, &request) {
            return Ok(response);
        }
        if version.telemetry.metrics.enabled && path == version.telemetry.metrics.path && is_read(&request) {
            return Ok(health::metrics(self.metrics()));
        }
        if config.playground.enabled
            && is_read(&request)
            && let Some(response) = playground::respond(config, version.gateway.exposure.plan, path, request.headers())
        {
            return Ok(response);
        }
        Ok(reply::not_found(&config.path))
    }

    async fn graphql(&self, version: &Version<S>, request: Request<Incoming>, peer: SocketAddr) -> Response<Bytes> {
        let mut observed = Observed::begin(&self.observers, version, &request, peer);
        let config = &version.config;
        let until = observed.started + config.request_timeout.0;
        let mut response = if request.method() == Method::OPTIONS {
            let mut response = reply::empty(StatusCode::NO_CONTENT);
            version.rules.allow_preflight(request.headers(), response.headers_mut());
            response
        } else if let Some(_admitted) = self.admission.admit(config.max_concurrent_requests, until).await {
            // Boxed, so that requests that wait for their turn take little room.
            let response = Box::pin(graphql::respond(version, request, until, &mut observed)).await;
            // As requests to subgraphs do, answers go out when nothing is left to compute.
            tokio::task::yield_now().await;
            response
        } else {
            graphql::turn_away(version, &request, &mut observed)
        };
        observed.end(&mut response);
        response
    }
}

/// Whether a browser was pointed at the endpoint: it gets the page, unless its address has a query.
fn is_page(request: &Request<Incoming>) -> bool {
    wants_page(request.method(), request.headers())
        && !request.uri().query().is_some_and(|query| query.contains("query="))
}

fn is_read(request: &Request<Incoming>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}
