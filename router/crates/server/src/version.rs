//! One version of everything that a request depends on: the gateway, and how the front serves it. Built beside the one in use, never
//! changed, swapped whole. Knows no connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use braid_authentication::Authenticator;
use braid_gateway::Gateway;
use braid_net::tls::server_config;
use braid_rate_limit::{RateLimits, RequestLimits};
use braid_request_context::RequestContext;
use braid_telemetry::config::TelemetryConfig;
use http::HeaderName;
use tokio_rustls::rustls;

use crate::config::{ServerConfig, SettingsError};
use crate::observe::LoggedClient;
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
    pub(crate) rules: HttpRules,
    pub(crate) logged_client: LoggedClient,
    pub(crate) url_ids: UrlIds,
    /// The headers that clients of WebSockets can give when they begin.
    pub(crate) init_headers: Vec<HeaderName>,
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
            rules: HttpRules::new(&config)?,
            logged_client: LoggedClient::new(&telemetry.access_log)?,
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

    /// The same with these limits.
    #[must_use]
    pub fn with_rate_limits(self, rate_limits: Option<RateLimits>) -> Self {
        Self { rate_limits: rate_limits.map(Arc::new), ..self }
    }

    /// The address of the client of a request, also behind proxies where rate limits say whom to believe.
    pub(crate) fn address(&self, context: &RequestContext) -> Option<IpAddr> {
        match context.extensions.get::<Arc<RequestLimits>>() {
            Some(limits) => limits.client(),
            None => context.peer.map(|peer| peer.ip().to_canonical()),
        }
    }
}
