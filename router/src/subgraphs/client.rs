//! An HTTP client of one address: connections with a request each in HTTP/1.1, one for all in HTTP/2. Knows no GraphQL.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Multiplexer;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::config::{Protocol, Traffic};
use super::connect::{ConnectError, Connector};
use super::pool::{self, Pool};
use crate::line::Line;

/// The body of an answer.
pub(super) type Answer = Either<pool::Answer, Incoming>;

/// The client of an address.
#[derive(Debug)]
pub(super) struct Client {
    connections: Connections,
    line: Arc<Line>,
}

#[derive(Debug)]
enum Connections {
    Http1(Pool),
    /// Also where TLS chooses the version.
    Http2(Multiplexer<Connector, Full<Bytes>>, Uri),
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("no connection")]
    Connect(#[source] ConnectError),
    #[error(transparent)]
    Http1(#[from] hyper::Error),
    #[error(transparent)]
    Http2(#[from] hyper_util::client::legacy::Error),
}

impl Client {
    /// A client of `url`, or why there can be none.
    pub(super) fn new(url: &str, traffic: &Traffic) -> Result<Self, String> {
        let (connector, address) = Connector::new(url, traffic)?;
        Ok(match traffic.protocol {
            Protocol::Http1 => Self {
                connections: Connections::Http1(Pool::new(connector, address, traffic)?),
                line: Line::new(traffic.max_connections),
            },
            Protocol::Http2 | Protocol::Auto => Self {
                connections: Connections::Http2(multiplexer(connector, traffic), address),
                line: Line::new(usize::MAX),
            },
        })
    }

    /// The line for places to send a request from: as many as there may be connections.
    pub(super) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Sends a request, whose address is set here.
    pub(super) async fn request(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Answer>, RequestError> {
        match &self.connections {
            Connections::Http1(pool) => Ok(pool.request(request).await?.map(Either::Left)),
            Connections::Http2(client, address) => {
                *request.uri_mut() = address.clone();
                Ok(client.request(request).await?.map(Either::Right))
            }
        }
    }
}

fn multiplexer(connector: Connector, traffic: &Traffic) -> Multiplexer<Connector, Full<Bytes>> {
    let alive = Duration::from_secs(20);
    Multiplexer::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(traffic.idle_timeout)
        .pool_max_idle_per_host(traffic.max_idle_connections)
        .http2_only(traffic.protocol == Protocol::Http2)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(alive)
        .http2_keep_alive_timeout(alive)
        .build(connector)
}
