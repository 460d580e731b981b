//! From an HTTP request to an HTTP response: who answers which path. Knows no GraphQL and no socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::admission::Admission;
use super::negotiate::wants_page;
use super::observe::Observed;
use super::{graphql, health, playground, reply};
use crate::router::Router;
use crate::telemetry::access_log::AccessLog;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::otlp::Exporter;
use crate::version::Version;

/// All that answers requests.
#[derive(Debug)]
pub struct Front {
    pub(super) router: Arc<Router>,
    pub(super) admission: Admission,
    pub(super) access_log: Option<AccessLog>,
    pub(super) exporter: Option<Exporter>,
}

impl Front {
    /// A front of `router`.
    pub fn new(router: Arc<Router>, access_log: Option<AccessLog>, exporter: Option<Exporter>) -> Self {
        Self { router, access_log, exporter, admission: Admission::new() }
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        self.router.metrics()
    }

    pub(super) fn stop(&self) {
        self.admission.stop();
    }

    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Bytes>, Infallible> {
        let version = self.router.current();
        let config = &version.config;
        let path = request.uri().path();
        if path == config.server.path && !is_page(&request) {
            return Ok(self.graphql(&version, request, peer).await);
        }
        if let Some(response) = health::respond(self, &version, &request) {
            return Ok(response);
        }
        if config.telemetry.metrics.enabled && path == config.telemetry.metrics.path && is_read(&request) {
            return Ok(health::metrics(self));
        }
        if config.server.playground.enabled
            && is_read(&request)
            && let Some(response) = playground::respond(&config.server, config.exposure.plan, path, request.headers())
        {
            return Ok(response);
        }
        Ok(reply::not_found(&config.server.path))
    }

    async fn graphql(&self, version: &Arc<Version>, request: Request<Incoming>, peer: SocketAddr) -> Response<Bytes> {
        let mut observed = Observed::begin(self, version, &request, peer);
        let config = &version.config.server;
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
