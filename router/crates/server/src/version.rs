//! One version of everything that a request depends on: the gateway, and how the front serves it. Built beside the one in use, never
//! changed, swapped whole. Knows no connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use braid_authentication::Authenticator;
use braid_gateway::graphs::not_found;
use braid_gateway::refusal::Refusal;
use braid_gateway::{Gateway, Subgraphs};
use braid_net::tls::server_config;
use braid_rate_limit::{LimitsByGraph, RateLimits};
use braid_request_context::RequestContext;
use braid_request_context::client_ip::ClientIp;
use braid_request_context::request_id::RequestIds;
use braid_telemetry::config::TelemetryConfig;
use braid_telemetry::metrics::Metrics;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use tokio_rustls::rustls;

use crate::config::{ServerConfig, SettingsError};
use crate::endpoint::Endpoint;
use crate::graphs::{GraphSetup, Graphs, Page};
use crate::logged_client::LoggedClient;
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
    pub rate_limits: Option<LimitsByGraph>,
    /// Where clients ask in another protocol than GraphQL over HTTP, if they can.
    pub endpoint: Option<Arc<dyn Endpoint<S>>>,
    pub(crate) client_ip: ClientIp,
    pub(crate) rules: HttpRules,
    pub(crate) logged_client: LoggedClient,
    pub(crate) url_ids: UrlIds,
    request_ids: Arc<RequestIds>,
    /// The headers that clients of WebSockets can give when they begin.
    pub(crate) init_headers: Vec<HeaderName>,
    /// The graphs that requests can be for; `None` if they are for the whole graph.
    pub(crate) graphs: Option<Graphs>,
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
        let request_ids = RequestIds::new(&telemetry.request_id);
        let header = &telemetry.request_id.header;
        let request_ids = request_ids.map_err(|_| SettingsError::RequestIdHeader(header.clone()))?;
        Ok(Self {
            request_ids: Arc::new(request_ids),
            init_headers,
            url_ids: UrlIds::new(&gateway.documents.ids),
            gateway: Arc::new(gateway),
            authenticator: None,
            rate_limits: None,
            endpoint: None,
            graphs: None,
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

    /// The same, where requests are for one of these graphs; for the whole graph, if there is none.
    pub fn with_graphs(self, graphs: &[GraphSetup], metrics: &Metrics) -> Result<Self, SettingsError> {
        let graphs = if graphs.is_empty() { None } else { Some(Graphs::new(graphs, &self.config.path, metrics)?) };
        Ok(Self { graphs, ..self })
    }

    /// Whether GraphQL requests are taken at this path.
    pub(crate) fn is_endpoint(&self, path: &str) -> bool {
        self.graphs.as_ref().map_or(path == self.config.path, |graphs| graphs.is_endpoint(path))
    }

    /// The endpoint that a request is for, by its path. Ids of persisted operations can follow it.
    fn endpoint_of<'p>(&'p self, path: &'p str) -> &'p str {
        if self.url_ids.is_path(path) { &self.config.path } else { path }
    }

    /// Finds out which graph a request is for, once its client is known.
    pub(crate) fn choose_graph(&self, context: &mut RequestContext) -> Result<(), Refusal> {
        let Some(graphs) = &self.graphs else { return Ok(()) };
        let path = self.endpoint_of(context.uri.path());
        let graph = graphs.of(context, path).cloned();
        context.graph = Some(graph.ok_or_else(not_found)?);
        Ok(())
    }

    /// Refuses a request that is for none of the graphs, whoever sends it.
    pub(crate) fn check_graph(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
        let path = self.endpoint_of(uri.path());
        let can_be = |graphs: &Graphs| graphs.can_be(headers, uri, path);
        if self.graphs.as_ref().is_none_or(can_be) { Ok(()) } else { Err(not_found()) }
    }

    /// The page for a request, if there is one.
    pub(crate) fn page(&self, headers: &HeaderMap, uri: &Uri) -> Option<Page<'_>> {
        let config = &self.config.playground;
        let Some(graphs) = &self.graphs else {
            let page = Page { title: &config.title, endpoint: &self.config.path, is_part: false };
            return config.enabled.then_some(page);
        };
        // The page says where it is when it asks for its settings.
        let mut parameters = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let asked = parameters.find(|(name, _)| name == "page").map(|(_, path)| path);
        let path = asked.as_deref().filter(|_| uri.path().starts_with("/playground/")).unwrap_or(uri.path());
        graphs.page((headers, uri), path, config)
    }

    /// The same, where `route` answers what nothing else does.
    #[must_use]
    pub fn with_route(self, route: Arc<dyn Route>) -> Self {
        Self { route: Some(route), ..self }
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_rate_limits(self, rate_limits: Option<LimitsByGraph>) -> Self {
        Self { rate_limits, ..self }
    }

    /// The limits of a request, of which it is known for which graph it is, if it is limited.
    pub(crate) fn limits_of(&self, context: &RequestContext) -> Option<&Arc<RateLimits>> {
        self.rate_limits.as_ref()?.of(context.graph.as_deref())
    }
}

impl<S: Subgraphs> Version<S> {
    /// The context of a request from `peer` with this head.
    pub(crate) fn context(&self, head: Parts, peer: Option<SocketAddr>) -> RequestContext {
        let mut context = self.gateway.context(head, peer, self.config.request_timeout.0);
        self.request_ids.apply(&mut context.id, &context.headers);
        context.client = peer.map(|peer| self.client_ip.of(peer, &context.headers));
        self.gateway.identified(&mut context);
        context
    }
}
