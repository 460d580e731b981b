//! An HTTP client of one URL: a connection per request in HTTP/1.1, one for all requests in HTTP/2. Knows no GraphQL.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::{Client as Multiplexer, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::{ClientConfig, Protocol};
use crate::connect::{ConnectError, Connector, UrlError};
use crate::permits::PermitQueue;
use crate::pool::{self, Pool};

/// The body of a response, read as it arrives.
pub type ResponseBody = Either<pool::PooledBody, Incoming>;

/// The body of a request that is sent as it comes.
pub type StreamBody = UnsyncBoxBody<Bytes, ConnectError>;

/// The client of a URL.
#[derive(Debug)]
pub struct Client {
    connections: Connections,
    permits: Arc<PermitQueue>,
    /// For requests whose body is a stream: such a request may last, and has a connection of its own in HTTP/1.1.
    streaming: Multiplexer<Connector, StreamBody>,
    address: Uri,
}

#[derive(Debug)]
enum Connections {
    Http1(Pool),
    /// Also if TLS negotiates the version.
    Http2(Multiplexer<Connector, Full<Bytes>>, Uri),
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No connection could be opened.
    #[error("no connection could be opened")]
    Connect(#[source] ConnectError),
    /// HTTP/1.1 failed.
    #[error(transparent)]
    Http1(#[from] hyper::Error),
    /// HTTP/2 failed.
    #[error(transparent)]
    Http2(#[from] hyper_util::client::legacy::Error),
}

impl Client {
    /// A client of `url`.
    pub fn new(url: &str, config: &ClientConfig) -> Result<Self, UrlError> {
        let (connector, address) = Connector::new(url, config)?;
        let streaming = multiplexer(connector.clone(), config);
        let (connections, permits) = match config.protocol {
            Protocol::Http1 => {
                (Connections::Http1(Pool::new(connector, address.clone(), config)?), config.max_connections)
            }
            Protocol::Http2 | Protocol::Auto => {
                (Connections::Http2(multiplexer(connector, config), address.clone()), usize::MAX)
            }
        };
        Ok(Self { connections, permits: PermitQueue::new(permits), streaming, address })
    }

    /// Sends a request whose body comes bit by bit. Its URL is set here. It needs no permit.
    pub async fn request_streaming(
        &self,
        mut request: Request<StreamBody>,
    ) -> Result<Response<ResponseBody>, RequestError> {
        *request.uri_mut() = self.address.clone();
        Ok(streamed(&self.streaming, request).await?.map(Either::Right))
    }

    /// The permits to send a request: one per connection that may be open.
    pub fn permits(&self) -> &Arc<PermitQueue> {
        &self.permits
    }

    /// Sends a request. Its URL is set here.
    pub async fn request(&self, mut request: Request<Full<Bytes>>) -> Result<Response<ResponseBody>, RequestError> {
        match &self.connections {
            Connections::Http1(pool) => Ok(pool.request(request).await?.map(Either::Left)),
            Connections::Http2(client, address) => {
                *request.uri_mut() = address.clone();
                Ok(multiplexed(client, request).await?.map(Either::Right))
            }
        }
    }
}

/// Not within an `async fn`, so that HTTP/2 is compiled here and not in each crate that awaits one.
fn multiplexed(client: &Multiplexer<Connector, Full<Bytes>>, request: Request<Full<Bytes>>) -> ResponseFuture {
    client.request(request)
}

/// As [`multiplexed`], for bodies that are streams.
fn streamed(client: &Multiplexer<Connector, StreamBody>, request: Request<StreamBody>) -> ResponseFuture {
    client.request(request)
}

fn multiplexer<B>(connector: Connector, config: &ClientConfig) -> Multiplexer<Connector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    let alive = Duration::from_secs(20);
    Multiplexer::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(config.idle_timeout)
        .pool_max_idle_per_host(config.max_idle_connections)
        .http2_only(config.protocol == Protocol::Http2)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(alive)
        .http2_keep_alive_timeout(alive)
        .build(connector)
}
