//! How a subgraph's address is reached: TCP, TLS or a Unix socket, with the HTTP client over it. Knows no GraphQL.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::config::{Protocol, Traffic};
use super::tls;

/// An HTTP client with its pool of connections.
#[derive(Debug, Clone)]
pub(super) enum HttpClient {
    Tcp(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    #[cfg(unix)]
    Unix(Client<UnixConnector, Full<Bytes>>),
}

/// Where requests go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) client: HttpClient,
    pub(super) uri: Uri,
}

impl HttpClient {
    pub(super) fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Tcp(client) => client.request(request),
            Self::Tls(client) => client.request(request),
            #[cfg(unix)]
            Self::Unix(client) => client.request(request),
        }
    }
}

/// The client for an address, or why it can't be one.
pub(super) fn target(url: &str, traffic: &Traffic) -> Result<Target, String> {
    if url.is_empty() {
        return Err(
            "it has no address; give routing_url in supergraph.yaml, or traffic.subgraphs.<name>.url".to_owned()
        );
    }
    if let Some(path) = url.strip_prefix("unix://") {
        return unix(path, traffic);
    }
    let uri: Uri = url.parse().map_err(|error| format!("\"{url}\" is not an address: {error}"))?;
    if uri.host().is_none() {
        return Err(format!("\"{url}\" is not an address: it has no host"));
    }
    match uri.scheme_str() {
        Some("http") => Ok(Target { client: HttpClient::Tcp(builder(traffic).build(tcp(traffic))), uri }),
        Some("https") => Ok(Target { client: HttpClient::Tls(builder(traffic).build(https(traffic)?)), uri }),
        _ => Err(format!("\"{url}\" is not an address: it must begin with http://, https:// or unix://")),
    }
}

fn builder(traffic: &Traffic) -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(traffic.idle_timeout)
        .pool_max_idle_per_host(traffic.max_idle_connections)
        .http1_max_headers(200)
        .http2_only(traffic.protocol == Protocol::Http2)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(std::time::Duration::from_secs(20))
        .http2_keep_alive_timeout(std::time::Duration::from_secs(20));
    builder
}

fn tcp(traffic: &Traffic) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(traffic.connect_timeout));
    connector.set_keepalive(Some(std::time::Duration::from_secs(60)));
    connector
}

fn https(traffic: &Traffic) -> Result<HttpsConnector<HttpConnector>, String> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls::client_config(&traffic.tls)?).https_only();
    let tcp = tcp(traffic);
    Ok(match traffic.protocol {
        Protocol::Http1 => builder.enable_http1().wrap_connector(tcp),
        Protocol::Http2 => builder.enable_http2().wrap_connector(tcp),
        Protocol::Auto => builder.enable_all_versions().wrap_connector(tcp),
    })
}

/// `unix:///run/users.sock?path=/graphql`
#[cfg(unix)]
fn unix(address: &str, traffic: &Traffic) -> Result<Target, String> {
    let (socket, query) = address.split_once('?').unwrap_or((address, ""));
    let path = query.strip_prefix("path=").unwrap_or("/");
    let uri = format!("http://localhost{path}").parse().map_err(|_| format!("\"{path}\" is not a path"))?;
    let connector = UnixConnector { socket: socket.into(), timeout: traffic.connect_timeout };
    Ok(Target { client: HttpClient::Unix(builder(traffic).build(connector)), uri })
}

#[cfg(not(unix))]
fn unix(_: &str, _: &Traffic) -> Result<Target, String> {
    Err("this system has no Unix sockets".to_owned())
}

/// Opens connections to one Unix socket, whatever the address asked for.
#[cfg(unix)]
#[derive(Debug, Clone)]
pub(super) struct UnixConnector {
    socket: PathBuf,
    timeout: std::time::Duration,
}

#[cfg(unix)]
impl tower_service::Service<Uri> for UnixConnector {
    type Response = TokioIo<tokio::net::UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { socket, timeout } = self.clone();
        Box::pin(async move {
            let stream = tokio::time::timeout(timeout, tokio::net::UnixStream::connect(socket)).await;
            Ok(TokioIo::new(stream.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??))
        })
    }
}
