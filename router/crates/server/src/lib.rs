//! The HTTP front: listens, accepts connections, speaks HTTP/1.1 and HTTP/2 (with TLS or without), and stops cleanly. What is
//! answered is the business of `front`. Knows no transport to subgraphs and no file of configuration.
//!
//! [`serve`] listens on a socket. [`Front::service`] is the same without one: a [`tower_service::Service`] for a server, middleware or test
//! of one's own, over any subgraphs that implement [`braid_gateway::Subgraphs`], such as one in this process:
//!
//! ```
//! use std::sync::Arc;
//!
//! use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
//! use braid_gateway::{Gateway, GatewayConfig};
//! use braid_request_context::SubgraphContext;
//! use braid_request_context::headers::SubgraphHeaders;
//! use braid_server::config::ServerConfig;
//! use braid_server::{Front, Observers, Version};
//! use braid_supergraph::Supergraph;
//! use braid_telemetry::config::TelemetryConfig;
//! use http_body_util::{BodyExt, Full};
//! use tower_service::Service;
//!
//! /// Answers whatever it is asked with the same product.
//! struct Products;
//!
//! impl SubgraphService for Products {
//!     type Context = SubgraphContext;
//!     type Meta = SubgraphHeaders;
//!
//!     async fn call(
//!         &self,
//!         request: SubgraphRequest,
//!         context: &SubgraphContext,
//!     ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
//!         let body = r#"{"data":{"product":{"name":"Chair"}}}"#.into();
//!         Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use braid_composition::{SubgraphSdl, compose};
//! # let sdl = "type Query { product: Product } type Product { name: String }".to_owned();
//! # let products = SubgraphSdl { name: "products".to_owned(), sdl, ..SubgraphSdl::default() };
//! # let supergraph_sdl = compose(&[products]).result.map_err(|errors| format!("{errors:?}"))?.supergraph_sdl;
//! let supergraph = Arc::new(Supergraph::read(&supergraph_sdl)?);
//! let observers = Observers::default();
//! let gateway = Gateway::new(supergraph, Products, &GatewayConfig::default(), &observers.metrics)?;
//! let version = Version::new(gateway, ServerConfig::default(), TelemetryConfig::default())?;
//! let mut router = Arc::new(Front::new(version, observers)).service();
//!
//! let request = http::Request::post("/graphql")
//!     .header("content-type", "application/json")
//!     .body(Full::new(r#"{"query":"{ product { name } }"}"#.into()))?;
//! let response = router.call(request).await?;
//! let body = response.into_body().collect().await?.to_bytes();
//! assert_eq!(body, r#"{"data":{"product":{"name":"Chair"}}}"#);
//! # Ok(())
//! # }
//! ```

mod admission;
mod batch;
mod body;
mod compress;
pub mod config;
mod endpoint;
mod exchange;
mod front;
mod graphql;
pub mod graphs;
mod health;
mod logged_client;
mod negotiate;
mod observe;
mod page_files;
mod playground;
mod reply;
mod revalidate;
mod route;
mod rules;
mod scheduler;
mod stalled;
mod state;
mod streams;
mod uploads;
mod url_ids;
mod version;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use braid_authentication::ClientCertificate;
use braid_gateway::Subgraphs;
use braid_telemetry::metrics::Metrics;
use http::Request;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use config::ServerConfig;
pub use endpoint::{Call, Endpoint, EndpointReply};
pub use front::{FrontService, Peer};
pub use observe::Observers;
pub use route::Route;
use stalled::Stalled;
pub use state::Front;
pub use version::Version;

/// Listens on an address, or says why it can't.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => BindError::Taken(address),
        _ => BindError::Other { address, source: error },
    })
}

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Someone else does.
    #[error("port {} on {} is taken by another process; stop it, or choose another address with --listen", .0.port(), .0.ip())]
    Taken(SocketAddr),
    /// Another reason.
    #[error("could not listen on {address}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
}

/// Serves until `shutdown` completes; then requests in flight finish, as long as they have time to.
///
/// What concerns sockets (whether there is TLS, limits of connections) is taken from the configuration at the start; the rest,
/// certificates included, follows reloads.
pub async fn serve<S: Subgraphs>(listener: TcpListener, front: Arc<Front<S>>, shutdown: impl Future<Output = ()>) {
    let (server, tls) = {
        // The version is not kept, so that it goes when another one takes its place.
        let version = front.current();
        (version.config.clone(), version.tls.clone())
    };
    let exporter = front.observers.exporter.clone();
    let acceptor = Acceptor {
        front,
        http: http(&server),
        tls,
        header_timeout: server.header_timeout.0,
        write_timeout: server.write_timeout.0,
    };
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(server.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let stopping = async {
        shutdown.await;
        // Load balancers see it and send no more, while those that do not yet are still served.
        acceptor.front.stop();
        tokio::time::sleep(server.shutdown_delay.0).await;
    };
    accept(&acceptor, &listener, &connections, &permits, stopping).await;
    drop(listener);
    let streams = acceptor.front.streams.clone();
    streams.stop(server.shutdown_grace.0 / 2);
    let leave = async { tokio::join!(connections.shutdown(), streams.sockets.wait()) };
    let finished = tokio::time::timeout(server.shutdown_grace.0, leave).await;
    if finished.is_err() {
        tracing::warn!("Requests in flight were cut off");
    }
    let usage = acceptor.front.current().gateway.usage.clone();
    if let Some(usage) = usage {
        let flushed = tokio::task::spawn_blocking(move || usage.flush());
        if flushed.await.is_err() {
            tracing::error!("Writing the usage log failed");
        }
    }
    if let Some(exporter) = exporter {
        let timeout = acceptor.front.current().telemetry.trace.otlp.timeout.0;
        exporter.shut_down(timeout).await;
    }
}

async fn accept<S: Subgraphs>(
    acceptor: &Acceptor<S>,
    listener: &TcpListener,
    connections: &GracefulShutdown,
    permits: &Arc<Semaphore>,
    stopping: impl Future<Output = ()>,
) {
    let mut stopping = pin!(stopping);
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        // While no permit is free too: who stops the router must not wait for clients to leave.
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = &mut stopping => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (acceptor, watcher) = (acceptor.clone(), connections.watcher());
                let open = OpenConnection::new(permit.ok(), acceptor.front.metrics());
                tokio::spawn(async move { acceptor.connection(stream, peer, watcher, open).await });
            }
            Err(error) => {
                // Most often there are too many open files: others must end first.
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A connection while it is open, also after it has become a WebSocket.
pub(crate) struct OpenConnection {
    _permit: Option<OwnedSemaphorePermit>,
    metrics: Arc<Metrics>,
}

impl OpenConnection {
    fn new(permit: Option<OwnedSemaphorePermit>, metrics: &Arc<Metrics>) -> Arc<Self> {
        metrics.connections.inc();
        Arc::new(Self { _permit: permit, metrics: metrics.clone() })
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

/// What is done with a connection.
struct Acceptor<S> {
    front: Arc<Front<S>>,
    http: Builder<TokioExecutor>,
    /// That of the first version: by it connections are encrypted or not.
    tls: Option<Arc<rustls::ServerConfig>>,
    header_timeout: Duration,
    write_timeout: Duration,
}

impl<S> Clone for Acceptor<S> {
    fn clone(&self) -> Self {
        Self {
            front: self.front.clone(),
            http: self.http.clone(),
            tls: self.tls.clone(),
            header_timeout: self.header_timeout,
            write_timeout: self.write_timeout,
        }
    }
}

impl<S: Subgraphs> Acceptor<S> {
    async fn connection(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher, open: Arc<OpenConnection>) {
        let _ = stream.set_nodelay(true);
        match self.tls.clone().map(|first| TlsAcceptor::from(self.front.current().tls.clone().unwrap_or(first))) {
            None => self.speak(stream, peer, None, watcher, open).await,
            Some(tls) => match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let certificate = client_certificate(&stream, peer);
                    self.speak(stream, peer, certificate, watcher, open).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS failed"),
                Err(_) => tracing::debug!(%peer, "TLS took too long"),
            },
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        certificate: Option<Arc<ClientCertificate>>,
        watcher: Watcher,
        open: Arc<OpenConnection>,
    ) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.write_timeout));
        let (begun, is_http2) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let stalled = Arc::new(Stalled::default());
        let (front, answers) = (self.front.clone(), stalled.clone());
        let (has_begun, has_http2) = (begun.clone(), is_http2.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(certificate) = &certificate {
                request.extensions_mut().insert(certificate.clone());
            }
            if streams::socket::is_asked(&request) {
                request.extensions_mut().insert(open.clone());
            }
            let is_http2 = request.version() == http::Version::HTTP_2;
            has_http2.store(is_http2, Ordering::Relaxed);
            has_begun.store(true, Ordering::Relaxed);
            let answers = is_http2.then(|| answers.clone());
            let response = front.handle(request, Some(peer));
            // Boxed, since a connection keeps room for what it runs, also while it is idle.
            Box::pin(async move {
                let response = response.await;
                Ok::<_, Infallible>(response.map(|body| match answers {
                    Some(answers) => Either::Right(answers.watch(body)),
                    None => Either::Left(body),
                }))
            })
        });
        let connection =
            watcher.watch(self.http.serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service));
        let mut connection = pin!(connection);
        // HTTP's own timer runs only once the version is known: a connection that says nothing would stay for ever.
        let silent = tokio::select! {
            ended = &mut connection => return ended_badly(ended, peer),
            () = tokio::time::sleep(self.header_timeout) => !begun.load(Ordering::Relaxed),
        };
        if silent {
            return;
        }
        while is_http2.load(Ordering::Relaxed) {
            tokio::select! {
                ended = &mut connection => return ended_badly(ended, peer),
                () = tokio::time::sleep(self.write_timeout / 2) => {}
            }
            if stalled.is_stuck(self.write_timeout) {
                tracing::debug!(%peer, "A client does not read its answers");
                return;
            }
        }
        ended_badly(connection.await, peer);
    }
}

/// The certificate of the client, where it has one that can be read.
fn client_certificate(stream: &TlsStream<TcpStream>, peer: SocketAddr) -> Option<Arc<ClientCertificate>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let read = ClientCertificate::read(certificate);
    read.inspect_err(|problem| tracing::warn!(problem, %peer, "A client's certificate can't be read"))
        .ok()
        .map(Arc::new)
}

fn ended_badly<E: std::fmt::Display>(ended: Result<(), E>, peer: SocketAddr) {
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "A connection ended badly");
    }
}

fn http(config: &ServerConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout.0)
        .max_headers(config.max_headers)
        // hyper's own minimum.
        .max_buf_size(config.max_header_bytes.0.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.max_http2_streams)
        .max_header_list_size(u32::try_from(config.max_header_bytes.0).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
