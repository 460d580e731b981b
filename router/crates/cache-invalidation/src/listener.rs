//! Sockets: accepts connections, speaks HTTP with TLS or without, stops cleanly. Knows nothing of what is answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;

use crate::endpoint::Endpoint;

/// The TLS settings of new connections; none: no TLS.
pub(crate) type Tls = Arc<ArcSwapOption<rustls::ServerConfig>>;

const MAX_CONNECTIONS: usize = 256;
/// The time for the head of a request, and for TLS.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a connection is kept, whatever happens on it.
const LONGEST_CONNECTION: Duration = Duration::from_secs(600);
/// The time that requests have to finish when the router stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop`; then requests in flight finish, within a time.
pub(crate) async fn serve(listener: TcpListener, endpoint: Arc<Endpoint>, tls: Tls, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async { (permits.clone().acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (endpoint, tls, watcher) = (endpoint.clone(), tls.load_full(), connections.watcher());
                tokio::spawn(async move {
                    let connection = connection(stream, peer, tls, endpoint, watcher);
                    let _ = tokio::time::timeout(LONGEST_CONNECTION, connection).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "A connection for invalidations could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("Invalidations in flight were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    endpoint: Arc<Endpoint>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return speak(stream, peer, endpoint, watcher).await };
    match tokio::time::timeout(HEADER_TIMEOUT, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, peer, endpoint, watcher).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS failed"),
        Err(_) => tracing::debug!(%peer, "TLS took too long"),
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    endpoint: Arc<Endpoint>,
    watcher: Watcher,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(16 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(16)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let service = service_fn(move |request| {
        let endpoint = endpoint.clone();
        async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
    });
    if let Err(error) = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await {
        tracing::debug!(%error, %peer, "A connection ended badly");
    }
}
