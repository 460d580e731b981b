//! Configuration of the HTTP front. Knows no file and no environment.

use std::net::SocketAddr;

use braid_net::config::TlsServerConfig;
use braid_net::tls::TlsError;
use braid_request_context::client_ip::{ClientIpConfig, NoAddress};
use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::streams::config::{StreamsConfig, WebSocketConfig};

/// Why settings of the HTTP front can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Certificates or keys can't be used.
    #[error("server.tls can't be used")]
    Tls(#[from] TlsError),
    /// A text that can't be part of a header.
    #[error("server.cors: \"{}\" can't be part of a header", .0.escape_debug())]
    CorsValue(String),
    /// A text that is not a header name.
    #[error("server.csrf: \"{0}\" is not a header name")]
    CsrfHeader(String),
    /// A text that is not a header name.
    #[error("telemetry.access_log: \"{0}\" is not a header name")]
    ClientHeader(String),
    /// A text that is not a header name.
    #[error("server.streams.websocket.init_headers: \"{0}\" is not a header name")]
    InitHeader(String),
    /// A text that is not a header name.
    #[error("telemetry.request_id.header: \"{0}\" is not a header name")]
    RequestIdHeader(String),
    /// A proxy that is no address.
    #[error(transparent)]
    ClientIp(#[from] NoAddress),
    /// Which requests are for a graph can't be told: the graph, and the problem.
    #[error("graphs.{0}.match.{1}")]
    Graph(String, String),
    /// A text that is not the path of a claim.
    #[error("telemetry.access_log.claims: {0}")]
    Claim(String),
}

/// The HTTP front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The path of the GraphQL endpoint.
    pub path: String,
    /// The maximum number of open connections; further ones wait to be accepted.
    pub max_connections: usize,
    /// The time to send the head of a request, and the time a connection can be idle.
    pub header_timeout: Duration,
    /// The time to send the body of a request.
    pub body_timeout: Duration,
    /// The time a client can stop reading a response; then its connection is closed.
    pub write_timeout: Duration,
    /// The time a request can take in total; after that the response is 504.
    pub request_timeout: Duration,
    /// The maximum number of headers in a request; with more, the response is 431.
    pub max_headers: usize,
    /// The maximum size of a request's head; above it, the response is 431.
    pub max_header_bytes: ByteSize,
    /// The maximum size of a request's body; above it, the response is 413.
    pub max_body_bytes: ByteSize,
    /// The maximum number of requests in flight or queued; for further ones, the response is 503 with Retry-After.
    pub max_concurrent_requests: usize,
    /// The maximum number of open streams per HTTP/2 connection.
    pub max_http2_streams: u32,
    /// The time the router keeps serving after it is told to stop, with readiness already down.
    pub shutdown_delay: Duration,
    /// The time for requests in flight to finish when the router stops.
    pub shutdown_grace: Duration,
    /// How the address of a client behind proxies is found.
    pub client_ip: ClientIpConfig,
    /// Whether queries can be sent with GET.
    pub get: bool,
    /// Whether equal queries of clients that are executed at the same time share one execution: the same operation and variables, from
    /// clients of whom the subgraphs see the same. Each query then costs a key.
    pub deduplicate: bool,
    /// TLS for connections from clients.
    pub tls: Option<TlsServerConfig>,
    /// Several operations in one request.
    pub batching: BatchingConfig,
    /// Requests with files.
    pub uploads: UploadsConfig,
    /// Compression of responses.
    pub compression: CompressionConfig,
    /// CORS: which origins' pages can send requests.
    pub cors: CorsConfig,
    /// Protection against requests that another site's page makes a browser send.
    pub csrf: CsrfConfig,
    /// Responses that are streams.
    pub streams: StreamsConfig,
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
            client_ip: ClientIpConfig::default(),
            get: true,
            deduplicate: false,
            tls: None,
            batching: BatchingConfig::default(),
            uploads: UploadsConfig::default(),
            compression: CompressionConfig::default(),
            cors: CorsConfig::default(),
            csrf: CsrfConfig::default(),
            streams: StreamsConfig::default(),
            playground: PlaygroundConfig::default(),
        }
    }
}

/// Several operations in one request, as a JSON array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchingConfig {
    /// Whether arrays are accepted.
    pub enabled: bool,
    /// The maximum number of operations in one request.
    pub max: usize,
}

impl Default for BatchingConfig {
    fn default() -> Self {
        Self { enabled: false, max: 10 }
    }
}

/// Requests with files, as the GraphQL multipart request specification has them. A file goes on to its subgraph while it comes; none is
/// kept. Such a request needs one of `csrf.headers`, since a page of another site could send it otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UploadsConfig {
    /// Whether files are accepted.
    pub enabled: bool,
    /// The maximum number of files in one request.
    pub max_files: usize,
    /// The maximum size of a file.
    pub max_file_bytes: ByteSize,
    /// The maximum size of all files of a request.
    pub max_total_bytes: ByteSize,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self { enabled: false, max_files: 5, max_file_bytes: ByteSize(10 << 20), max_total_bytes: ByteSize(20 << 20) }
    }
}

/// Compression of responses with gzip or br, as the client accepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionConfig {
    /// Whether responses are compressed.
    pub enabled: bool,
    /// Smaller responses are not compressed.
    pub min_bytes: ByteSize,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        Self { enabled: true, min_bytes: ByteSize(2048) }
    }
}

/// Cross-origin resource sharing. Without origins, browsers keep other sites' pages from reading responses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorsConfig {
    /// The origins whose pages can send requests, such as `https://shop.example`.
    pub origins: Vec<String>,
    /// Whether pages of any origin can send requests, without credentials.
    pub any_origin: bool,
    /// Whether the browser includes cookies and authorization.
    pub credentials: bool,
    /// The request headers that pages can set; if empty, all.
    pub headers: Vec<String>,
    /// The response headers that pages can read.
    pub expose_headers: Vec<String>,
    /// How long browsers cache the result of a preflight request.
    pub max_age: Option<Duration>,
}

/// Protection against requests that another site's page makes a browser send without a preflight request (simple requests). A
/// request with a JSON content type or one of the headers is never simple; those of allowed origins are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsrfConfig {
    /// Whether simple requests are refused if the browser marks them as cross-site.
    pub enabled: bool,
    /// Whether all simple requests are refused: for users with browsers from before 2023.
    pub strict: bool,
    /// The headers that prove that a request is not simple.
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
    /// Whether the page is served.
    pub enabled: bool,
    /// The page's title.
    pub title: String,
    /// Example queries: a list with their titles, and a tab for each.
    pub queries: Vec<ExampleQuery>,
    /// How the page signs its user in, if it shows a form for that.
    pub sign_in: Option<SignInConfig>,
    /// Whether the page shows the supergraph, with what is `@inaccessible`, and the schemas of subgraphs, and checks changes of them. For
    /// development: everybody who reaches the page can read them.
    pub schema_tools: bool,
    /// A folder with a page to serve instead of the built-in one.
    pub folder: Option<String>,
}

impl Default for PlaygroundConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            title: "Braid".to_owned(),
            queries: Vec::new(),
            sign_in: None,
            schema_tools: false,
            folder: None,
        }
    }
}

/// A form with which the page signs its user in: it sends a mutation, and gives all later requests a header with the token from the answer.
/// The token stays in the browser's tab, and is in no link that the page makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// The mutation.
    pub mutation: String,
    /// The fields of the form.
    pub fields: Vec<SignInField>,
    /// The path to the token in the answer, such as `data.login.session.accessToken`.
    pub token: String,
    /// The path to a name of the user in the answer, for display.
    #[serde(default)]
    pub user: Option<String>,
    /// The header with the token.
    #[serde(default = "authorization")]
    pub header: String,
    /// What is before the token in the header.
    #[serde(default = "bearer")]
    pub prefix: String,
}

/// A field of the form with which the page signs its user in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInField {
    /// The variable of the mutation that has its value.
    pub variable: String,
    /// Its label.
    pub label: String,
    /// Whether it is hidden while it is typed.
    #[serde(default)]
    pub secret: bool,
}

fn authorization() -> String {
    "authorization".to_owned()
}

fn bearer() -> String {
    "Bearer ".to_owned()
}

/// An example query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleQuery {
    /// Its title in the list.
    pub title: String,
    /// The collection that it belongs to; those without one come first.
    #[serde(default)]
    pub collection: String,
    /// Its text.
    pub query: String,
    /// Its variables, as JSON.
    #[serde(default)]
    pub variables: String,
    /// Its request headers, as JSON.
    #[serde(default)]
    pub headers: String,
}
