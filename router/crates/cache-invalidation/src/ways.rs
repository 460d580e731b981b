//! All ways in, as they are configured: started, kept over reloads, stopped. Knows no request and no message.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use braid_events::config::EventsConfig;
use braid_net::tls::{TlsError, server_config};
use braid_telemetry::metrics::Metrics;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::InvalidationConfig;
use crate::endpoint::Endpoint;
use crate::listener::{Tls, serve};
use crate::nats::{Listening, NatsError};
use crate::target::Targets;

/// The ways by which invalidations come to a router.
#[derive(Debug)]
pub struct Ways {
    targets: Arc<dyn Targets>,
    metrics: Arc<Metrics>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    http: Option<Http>,
    nats: Option<Listening>,
}

/// A listener and what answers on it.
#[derive(Debug)]
struct Http {
    /// As it is configured, which may be port 0.
    configured: Option<SocketAddr>,
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    tls: Tls,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Why a way can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum WaysError {
    /// The address can't be listened on.
    #[error("cache.invalidation.listen: could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// TLS can't be used.
    #[error("cache.invalidation.tls can't be used")]
    Tls(#[from] TlsError),
    /// Messages can't be taken.
    #[error("cache.invalidation.nats: {0}")]
    Nats(#[from] NatsError),
}

impl Ways {
    /// Nothing is open yet.
    pub fn new(targets: Arc<dyn Targets>, metrics: Arc<Metrics>) -> Self {
        Self { targets, metrics, running: Mutex::default() }
    }

    /// Opens, keeps, changes and closes ways, so that they are as configured. What can't be opened leaves the others as they were. `group`
    /// is the name of the routers that share invalidations, if they do. Must be called on a runtime.
    pub async fn follow(
        &self,
        config: Option<&InvalidationConfig>,
        brokers: &EventsConfig,
        group: Option<&str>,
    ) -> Result<(), WaysError> {
        let mut running = self.running.lock().await;
        let http = self.follow_http(&mut running.http, config).await;
        let nats = config.and_then(|config| config.nats.as_ref());
        let nats = Listening::follow(&mut running.nats, nats, brokers, group, &self.targets, &self.metrics);
        http?;
        Ok(nats?)
    }

    async fn follow_http(
        &self,
        running: &mut Option<Http>,
        config: Option<&InvalidationConfig>,
    ) -> Result<(), WaysError> {
        let Some((config, address)) = config.and_then(|config| Some((config, config.listen?))) else {
            stop(running.take());
            return Ok(());
        };
        let tls = config.tls.as_ref().map(server_config).transpose()?.map(Arc::new);
        if let Some(http) = running.as_ref().filter(|http| http.configured == Some(address)) {
            http.tls.store(tls);
            http.endpoint.set(config);
            return Ok(());
        }
        let failed = |source| WaysError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        stop(running.take());
        *running = Some(self.open(listener, Some(address), config, tls).map_err(failed)?);
        Ok(())
    }

    /// Takes invalidations on a listener that is open already, instead of `listen`.
    pub async fn listen_on(&self, listener: TcpListener, config: &InvalidationConfig) -> Result<(), WaysError> {
        let tls = config.tls.as_ref().map(server_config).transpose()?.map(Arc::new);
        let http = self.open(listener, config.listen, config, tls);
        let address = config.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let http = http.map_err(|source| WaysError::Listen { address, source })?;
        stop(self.running.lock().await.http.replace(http));
        Ok(())
    }

    fn open(
        &self,
        listener: TcpListener,
        configured: Option<SocketAddr>,
        config: &InvalidationConfig,
        tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
    ) -> std::io::Result<Http> {
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint::new(config, self.targets.clone(), self.metrics.clone()));
        let (tls, stop) = (Arc::new(ArcSwapOption::from(tls)), CancellationToken::new());
        let task = tokio::spawn(serve(listener, endpoint.clone(), tls.clone(), stop.clone()));
        let scheme = if tls.load().is_some() { "https" } else { "http" };
        tracing::info!("Invalidations are taken at {scheme}://{address}{}", config.path);
        Ok(Http { configured, address, endpoint, tls, stop, task })
    }

    /// Where it listens, if it does.
    pub async fn address(&self) -> Option<SocketAddr> {
        self.running.lock().await.http.as_ref().map(|http| http.address)
    }

    /// Closes all ways. Returns when what was being taken is done, or its time is over.
    pub async fn shut_down(&self) {
        let Running { http, nats } = std::mem::take(&mut *self.running.lock().await);
        if let Some(nats) = nats {
            nats.stop().await;
        }
        if let Some(mut http) = http {
            http.stop.cancel();
            // It ends by itself, within its grace.
            let _ = (&mut http.task).await;
        }
    }
}

/// Has a listener end in the background.
fn stop(http: Option<Http>) {
    if let Some(http) = http {
        http.stop.cancel();
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
