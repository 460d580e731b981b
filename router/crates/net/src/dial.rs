//! Connections to one URL for protocols other than HTTP, such as the WebSocket. Knows no protocol.

use http::{HeaderValue, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service as _;

use crate::config::{ClientConfig, Protocol};
use crate::connect::{ConnectError, Connector, UrlError};
use crate::pool::host;

/// Opens connections to a URL, as a [`crate::Client`] does: over TCP, TLS or a Unix socket.
#[derive(Debug, Clone)]
pub struct Dialer {
    connector: Connector,
    address: Uri,
    host: HeaderValue,
}

impl Dialer {
    /// A dialer of `url`. TLS negotiates no HTTP/2.
    pub fn new(url: &str, config: &ClientConfig) -> Result<Self, UrlError> {
        let config = ClientConfig { protocol: Protocol::Http1, ..config.clone() };
        let (connector, address) = Connector::new(url, &config)?;
        let host = host(&address).map_err(|_| UrlError::Host { url: url.to_owned() })?;
        Ok(Self { connector, address, host })
    }

    /// The URL that is asked for over the connections.
    pub fn address(&self) -> &Uri {
        &self.address
    }

    /// The value of a `host` header.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Opens a connection.
    pub async fn dial(&self) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, ConnectError> {
        let mut connector = self.connector.clone();
        std::future::poll_fn(|cx| connector.poll_ready(cx)).await?;
        connector.call(self.address.clone()).await.map(TokioIo::new)
    }
}
