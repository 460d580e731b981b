//! Opens connections to a URL: TCP, TLS or a Unix socket. Knows no HTTP and no GraphQL.

#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
#[cfg(unix)]
use hyper_util::rt::TokioIo;
use tower_service::Service;

use crate::config::{ClientConfig, Protocol};
use crate::tls::{self, TlsError};

/// Why requests can't be sent to a URL.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It is not a URL.
    #[error("\"{url}\" is not a URL")]
    Syntax {
        /// What was given.
        url: String,
        /// The cause.
        source: http::uri::InvalidUri,
    },
    /// It names no host, or one that a `host` header can't have.
    #[error("\"{url}\" has no valid host; write it as http://host:port/path")]
    Host {
        /// What was given.
        url: String,
    },
    /// It has another scheme.
    #[error("\"{url}\" must begin with http://, https:// or unix://")]
    Scheme {
        /// What was given.
        url: String,
    },
    /// A Unix socket, on a system without them.
    #[error("\"{url}\" is a Unix socket, which this system does not support; give an http:// or https:// URL")]
    NoUnixSockets {
        /// What was given.
        url: String,
    },
    /// Its TLS settings can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Opens connections to a URL.
#[derive(Debug, Clone)]
pub(crate) enum Connector {
    Tcp(HttpConnector),
    Tls(HttpsConnector<HttpConnector>),
    #[cfg(unix)]
    Unix {
        socket: PathBuf,
        timeout: Duration,
    },
}

/// A connection of any kind.
pub(crate) struct Stream(Box<dyn Transport>);

/// A connection as hyper needs it.
trait Transport: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Transport for T {}

/// Why a connection could not be opened.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

type Opening = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

impl Connector {
    /// The connector for `url`, and the URL that requests over its connections have.
    pub(crate) fn new(url: &str, config: &ClientConfig) -> Result<(Self, Uri), UrlError> {
        if let Some(path) = url.strip_prefix("unix://") {
            return unix(path, config);
        }
        let uri: Uri = url.parse().map_err(|source| UrlError::Syntax { url: url.to_owned(), source })?;
        if uri.host().is_none() {
            return Err(UrlError::Host { url: url.to_owned() });
        }
        match uri.scheme_str() {
            Some("http") => Ok((Self::Tcp(tcp(config)), uri)),
            Some("https") => Ok((Self::Tls(https(config)?), uri)),
            _ => Err(UrlError::Scheme { url: url.to_owned() }),
        }
    }
}

fn tcp(config: &ClientConfig) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(config.connect_timeout));
    connector.set_keepalive(Some(config.keepalive));
    connector.set_keepalive_interval(Some(config.keepalive));
    connector.set_keepalive_retries(Some(3));
    connector
}

fn https(config: &ClientConfig) -> Result<HttpsConnector<HttpConnector>, TlsError> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls::client_config(&config.tls)?).https_only();
    let tcp = tcp(config);
    Ok(match config.protocol {
        Protocol::Http1 => builder.enable_http1().wrap_connector(tcp),
        Protocol::Http2 => builder.enable_http2().wrap_connector(tcp),
        Protocol::Auto => builder.enable_all_versions().wrap_connector(tcp),
    })
}

/// `unix:///run/users.sock?path=/graphql`
#[cfg(unix)]
fn unix(address: &str, config: &ClientConfig) -> Result<(Connector, Uri), UrlError> {
    let (socket, query) = address.split_once('?').unwrap_or((address, ""));
    let path = query.strip_prefix("path=").unwrap_or("/");
    let uri = format!("http://localhost{path}").parse();
    let uri = uri.map_err(|source| UrlError::Syntax { url: format!("unix://{address}"), source })?;
    Ok((Connector::Unix { socket: socket.into(), timeout: config.connect_timeout }, uri))
}

#[cfg(not(unix))]
fn unix(address: &str, _: &ClientConfig) -> Result<(Connector, Uri), UrlError> {
    Err(UrlError::NoUnixSockets { url: format!("unix://{address}") })
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Opening;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        match self {
            Self::Tcp(connector) => connector.poll_ready(cx).map_err(Into::into),
            Self::Tls(connector) => connector.poll_ready(cx),
            #[cfg(unix)]
            Self::Unix { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Tcp(connector) => stream(connector.call(uri)),
            Self::Tls(connector) => stream(connector.call(uri)),
            #[cfg(unix)]
            Self::Unix { socket, timeout } => {
                let opening = tokio::time::timeout(*timeout, tokio::net::UnixStream::connect(socket.clone()));
                stream(async move {
                    let stream = opening.await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?;
                    stream.map(TokioIo::new)
                })
            }
        }
    }
}

fn stream<T, E>(opening: impl Future<Output = Result<T, E>> + Send + 'static) -> Opening
where
    T: Transport + 'static,
    E: Into<ConnectError>,
{
    Box::pin(async move { Ok(Stream(Box::new(opening.await.map_err(Into::into)?))) })
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
