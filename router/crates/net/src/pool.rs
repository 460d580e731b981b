//! HTTP/1.1 connections to one URL. A connection carries one request at a time, and is driven by the task that awaits the response:
//! an exchange wakes no other task, and ends when that task drops it. Knows no GraphQL.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::{TrySendError, http1};
use tower_service::Service as _;

use crate::client::RequestError;
use crate::config::ClientConfig;
use crate::connect::{Connector, Stream, UrlError};

/// The connections to a URL.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: Connector,
    address: Uri,
    path: Uri,
    host: HeaderValue,
    idle: Arc<Idle>,
}

impl Pool {
    /// A pool without connections yet.
    pub(crate) fn new(connector: Connector, address: Uri, config: &ClientConfig) -> Result<Self, UrlError> {
        let host = host(&address).map_err(|_| UrlError::Host { url: address.to_string() })?;
        // A URI of a path alone has nothing else that could be wrong with it.
        let path = Uri::from(address.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
        let idle = Idle {
            connections: Mutex::default(),
            max: config.max_idle_connections,
            timeout: config.idle_timeout,
            is_swept: AtomicBool::new(false),
        };
        Ok(Self { connector, address, path, host, idle: Arc::new(idle) })
    }

    /// Sends a request. If an idle connection turns out to be closed before any of it was sent, it is sent on another connection.
    pub(crate) async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<PooledBody>, RequestError> {
        *request.uri_mut() = self.path.clone();
        request.headers_mut().entry(header::HOST).or_insert_with(|| self.host.clone());
        loop {
            let (mut connection, was_idle) = match self.idle.take() {
                Some(connection) => (connection, true),
                None => (self.open().await?, false),
            };
            match connection.exchange(request).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let mut body = PooledBody { body, held: Some((connection, self.idle.clone())) };
                    if body.body.is_end_stream() {
                        body.release();
                    }
                    return Ok(Response::from_parts(head, body));
                }
                Err(mut error) => match error.take_message().filter(|_| was_idle) {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
    }

    async fn open(&self) -> Result<Box<Connection>, RequestError> {
        let mut connector = self.connector.clone();
        std::future::poll_fn(|cx| connector.poll_ready(cx)).await.map_err(RequestError::Connect)?;
        let stream = connector.call(self.address.clone()).await.map_err(RequestError::Connect)?;
        let (sender, driver) = http1::Builder::new().handshake(stream).await?;
        Ok(Box::new(Connection { sender, driver: Some(driver) }))
    }
}

/// The `host` header of requests to `address`.
pub(crate) fn host(address: &Uri) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let host = address.host().unwrap_or_default();
    let usual = if address.scheme_str() == Some("https") { 443 } else { 80 };
    match address.port_u16().filter(|port| *port != usual) {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")),
        None => HeaderValue::from_str(host),
    }
}

/// The body of a response, with the connection that it arrives on. The connection becomes idle at the end of the body. If the body is
/// dropped before its end, the connection is closed.
pub struct PooledBody {
    body: Incoming,
    held: Option<(Box<Connection>, Arc<Idle>)>,
}

impl PooledBody {
    fn release(&mut self) {
        if let Some((connection, idle)) = self.held.take() {
            idle.put(connection);
        }
    }
}

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Self { body, held } = &mut *self;
        let mut frame = Pin::new(&mut *body).poll_frame(cx);
        if let (Poll::Pending, Some((connection, _))) = (&frame, held) {
            connection.drive(cx);
            frame = Pin::new(body).poll_frame(cx);
        }
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.release();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An open connection. It reads and writes only while it is driven.
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// None once it is closed.
    driver: Option<http1::Connection<Stream, Full<Bytes>>>,
}

impl Connection {
    /// Sends a request. The error contains the request if none of it was sent.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut response = pin!(self.sender.try_send_request(request));
        std::future::poll_fn(|cx| {
            self.drive(cx);
            response.as_mut().poll(cx)
        })
        .await
    }

    /// Reads and writes as much as possible. If the connection is closed, pending requests on it fail.
    fn drive(&mut self, cx: &mut Context<'_>) {
        self.driver.take_if(|driver| Pin::new(driver).poll(cx).is_ready());
    }

    /// Whether another request can be sent.
    fn is_ready(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Connections that are not in use.
struct Idle {
    connections: Mutex<Vec<(Instant, Box<Connection>)>>,
    max: usize,
    timeout: Duration,
    is_swept: AtomicBool,
}

impl Idle {
    /// The most recently used one, so that the others time out.
    fn take(&self) -> Option<Box<Connection>> {
        self.lock().pop().map(|(_, connection)| connection)
    }

    fn put(self: &Arc<Self>, mut connection: Box<Connection>) {
        if !connection.is_ready() {
            return;
        }
        let mut connections = self.lock();
        if connections.len() < self.max {
            connections.push((Instant::now(), connection));
            drop(connections);
            self.keep_swept();
        }
    }

    /// Starts a task that closes connections which are idle for too long, unless it is running. It ends when none are left.
    fn keep_swept(self: &Arc<Self>) {
        if self.is_swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let (idle, pause) = (Arc::downgrade(self), (self.timeout / 4).max(Duration::from_millis(10)));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(idle) = idle.upgrade() else { return };
                let mut connections = idle.lock();
                connections.retain_mut(|(since, connection)| since.elapsed() < idle.timeout && connection.is_ready());
                if connections.is_empty() {
                    idle.is_swept.store(false, Ordering::Relaxed);
                    return;
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Box<Connection>)>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("connections", &self.lock().len()).finish_non_exhaustive()
    }
}
