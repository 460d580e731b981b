//! One version of everything that a request depends on: the gateway, and how the front serves it. Built beside the one in use, never
//! changed, swapped whole. Knows no connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use braid_authentication::Authenticator;
use braid_gateway::{Gateway, Subgraphs};
use braid_net::tls::server_config;
use braid_rate_limit::RateLimits;
use braid_request_context::RequestContext;
use braid_request_context::client_ip::ClientIp;
use braid_telemetry::config::TelemetryConfig;
use http::HeaderName;
use http::request::Parts;
use tokio_rustls::rustls;

use crate::config::{ServerConfig, SettingsError};
use crate::endpoint::Endpoint;
use crate::observe::LoggedClient;
use crate::route::Route;
use crate::rules::HttpRules;
use crate::url_ids::UrlIds;

/// A version.
#[derive(Debug)]
pub struct Version<S> {
    /// What answers.
    pub gateway: Arc<Gateway<S>>,
    /// How requests are taken.
    pub config: ServerConfig,
    /// What operators see.
    pub telemetry: TelemetryConfig,
    /// When it was built.
    pub since: SystemTime,
    /// Tells who asks; without it, every request is anonymous.
    pub authenticator: Option<Authenticator>,
    /// How much clients may ask, if that is limited.
    pub rate_limits: Option<Arc<RateLimits>>,
    /// Where clients ask in another protocol than GraphQL over HTTP, if they can.
    pub endpoint: Option<Arc<dyn Endpoint<S>>>,
    pub(crate) client_ip: ClientIp,
    pub(crate) rules: HttpRules,
    pub(crate) logged_client: LoggedClient,
    pub(crate) url_ids: UrlIds,
    /// The headers that clients of WebSockets can give when they begin.
    pub(crate) init_headers: Vec<HeaderName>,
    /// Answers requests to paths that belong to this version.
    pub(crate) route: Option<Arc<dyn Route>>,
    /// How connections are encrypted, if they are.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
}

impl<S> Version<S> {
    /// A version with these settings, to which all requests are anonymous.
    pub fn new(gateway: Gateway<S>, config: ServerConfig, telemetry: TelemetryConfig) -> Result<Self, SettingsError> {
        let tls = config.tls.as_ref().map(server_config).transpose()?;
        let name = |text: &String| text.parse().map_err(|_| SettingsError::InitHeader(text.clone()));
        let init_headers = config.streams.websocket.init_headers.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Self {
            init_headers,
            url_ids: UrlIds::new(&gateway.documents.ids),
            gateway: Arc::new(gateway),
            authenticator: None,
            rate_limits: None,
            endpoint: None,
            client_ip: ClientIp::new(&config.client_ip)?,
            rules: HttpRules::new(&config)?,
            logged_client: LoggedClient::new(&telemetry.access_log)?,
            route: None,
            tls: tls.map(Arc::new),
            since: SystemTime::now(),
            config,
            telemetry,
        })
    }

    /// The same, where `authenticator` tells who asks.
    #[must_use]
    pub fn with_authenticator(self, authenticator: Authenticator) -> Self {
        Self { authenticator: Some(authenticator), ..self }
    }

    /// The same with another endpoint beside the GraphQL one.
    #[must_use]
    pub fn with_endpoint(self, endpoint: Option<Arc<dyn Endpoint<S>>>) -> Self {
        Self { endpoint, ..self }
    }

    /// The same, where `route` answers what nothing else does.
    #[must_use]
    pub fn with_route(self, route: Arc<dyn Route>) -> Self {
        Self { route: Some(route), ..self }
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_rate_limits(self, rate_limits: Option<RateLimits>) -> Self {
        Self { rate_limits: rate_limits.map(Arc::new), ..self }
    }
}

impl<S: Subgraphs> Version<S> {
    /// The context of a request from `peer` with this head.
    pub(crate) fn context(&self, head: Parts, peer: Option<SocketAddr>) -> RequestContext {
        let mut context = self.gateway.context(head, peer, self.config.request_timeout.0);
        context.client = peer.map(|peer| self.client_ip.of(peer, &context.headers));
        self.gateway.identified(&mut context);
        context
    }
}
