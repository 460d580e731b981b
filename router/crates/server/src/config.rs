//! What can be set about the HTTP front. Knows no file and no environment.

use std::net::SocketAddr;

use braid_net::config::TlsServerConfig;
use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The HTTP front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Path of the GraphQL endpoint.
    pub path: String,
    /// The most connections that are open at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a connection may take to send the head of a request, and how long it may stay idle.
    pub header_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long a client may leave unread what is sent to it; then its connection is closed.
    pub write_timeout: Duration,
    /// How long a request may take in all; then it is answered 504.
    pub request_timeout: Duration,
    /// The most headers of a request; more is answered 431.
    pub max_headers: usize,
    /// The most bytes of a request's head; more is answered 431.
    pub max_header_bytes: ByteSize,
    /// The most bytes of a request's body; more is answered 413.
    pub max_body_bytes: ByteSize,
    /// The most requests under way at once, those that wait to begin included; more are answered 503 with Retry-After.
    pub max_concurrent_requests: usize,
    /// The most streams that one HTTP/2 connection has open.
    pub max_http2_streams: u32,
    /// How long the router goes on serving after it was told to stop, with readiness already down.
    pub shutdown_delay: Duration,
    /// How long requests in flight have to finish when the router stops.
    pub shutdown_grace: Duration,
    /// Whether queries can be sent by GET.
    pub get: bool,
    /// Encrypts connections.
    pub tls: Option<TlsServerConfig>,
    /// Several requests in one.
    pub batching: BatchingConfig,
    /// Compresses answers.
    pub compression: CompressionConfig,
    /// Which sites' pages may call.
    pub cors: CorsConfig,
    /// Protects users whose browser sends their cookies along.
    pub csrf: CsrfConfig,
    /// The page for browsers.
    pub playground: PlaygroundConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
            path: "/graphql".to_owned(),
            max_connections: 20_000,
            header_timeout: Duration::seconds(30),
            body_timeout: Duration::seconds(10),
            write_timeout: Duration::seconds(30),
            request_timeout: Duration::seconds(60),
            max_headers: 100,
            max_header_bytes: ByteSize(32 << 10),
            max_body_bytes: ByteSize(2_000_000),
            max_concurrent_requests: 10_000,
            max_http2_streams: 200,
            shutdown_delay: Duration::seconds(0),
            shutdown_grace: Duration::seconds(30),
            get: true,
            tls: None,
            batching: BatchingConfig::default(),
            compression: CompressionConfig::default(),
            cors: CorsConfig::default(),
            csrf: CsrfConfig::default(),
            playground: PlaygroundConfig::default(),
        }
    }
}

/// Several requests in one JSON array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchingConfig {
    /// Whether an array of requests is taken.
    pub enabled: bool,
    /// The most requests in one.
    pub max: usize,
}

impl Default for BatchingConfig {
    fn default() -> Self {
        Self { enabled: false, max: 10 }
    }
}

/// Compression of answers, by what the client accepts: gzip or br.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionConfig {
    /// Whether answers are compressed.
    pub enabled: bool,
    /// Smaller answers are sent as they are.
    pub min_bytes: ByteSize,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        Self { enabled: true, min_bytes: ByteSize(2048) }
    }
}

/// Cross-origin resource sharing. Without origins, browsers keep other sites' pages from reading answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorsConfig {
    /// Origins whose pages may call, as in `https://shop.example`.
    pub origins: Vec<String>,
    /// Whether pages of any origin may call, without credentials.
    pub any_origin: bool,
    /// Whether the browser sends cookies and authorization along.
    pub credentials: bool,
    /// Request headers that pages may set; empty allows those that a page asks for.
    pub headers: Vec<String>,
    /// Response headers that pages may read.
    pub expose_headers: Vec<String>,
    /// How long a browser remembers what is allowed.
    pub max_age: Option<Duration>,
}

/// Protection from requests that another site's page makes a browser send without asking first (simple requests). A request
/// with a JSON content type or with one of the headers is never simple, one of an allowed origin is welcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsrfConfig {
    /// Whether simple requests that a browser marks as coming from another site are refused.
    pub enabled: bool,
    /// Whether simple requests are refused wherever they come from: for users with browsers older than 2023.
    pub strict: bool,
    /// Headers that show that a request is not simple.
    pub headers: Vec<String>,
}

impl Default for CsrfConfig {
    fn default() -> Self {
        let headers = ["x-apollo-operation-name", "apollo-require-preflight", "graphql-require-preflight"];
        Self { enabled: true, strict: false, headers: headers.map(str::to_owned).to_vec() }
    }
}

/// The page with GraphiQL that browsers get at `/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlaygroundConfig {
    /// Whether there is a page.
    pub enabled: bool,
    /// The page's title.
    pub title: String,
    /// Queries to start from, a tab each.
    pub queries: Vec<ExampleQuery>,
    /// A folder to serve the page from instead of the built-in one.
    pub folder: Option<String>,
}

impl Default for PlaygroundConfig {
    fn default() -> Self {
        Self { enabled: true, title: "Braid".to_owned(), queries: Vec::new(), folder: None }
    }
}

/// A query to start from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleQuery {
    /// What it shows.
    pub title: String,
    /// Its text.
    pub query: String,
    /// Its variables, as JSON.
    #[serde(default)]
    pub variables: String,
    /// Headers to send along, as JSON.
    #[serde(default)]
    pub headers: String,
}
