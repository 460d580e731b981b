//! A Redis server that the router can do without: it is asked within a short time, and not at all from its first failure until it answers
//! again. Knows nothing of what is asked.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use braid_net::config::TlsClientConfig;
use braid_telemetry::metrics::RedisMetrics;
use braid_telemetry::trace::random;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ClientTlsConfig, RedisError, RedisResult, TlsCertificates};

/// A Redis server.
pub struct Redis {
    client: Client,
    options: ConnectionManagerConfig,
    connection: ArcSwap<ConnectionManager>,
    timeout: Duration,
    purpose: &'static str,
    is_away: AtomicBool,
    metrics: RedisMetrics,
}

/// Why a Redis server can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum RedisSetupError {
    /// Its address, or the content of its certificates, is wrong.
    #[error(
        "write the URL as redis://host:6379/0, or rediss:// for TLS, with user:password@ before the host if needed; certificates are PEM files"
    )]
    Settings(#[from] RedisError),
    /// A certificate can't be read.
    #[error("{path} can't be read")]
    File {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it did not answer in time")]
    Timeout,
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// The pauses between attempts to reach it again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Redis {
    /// The server at `url`, with these certificates if that is `rediss://`. No connection is opened yet. A request waits for it no longer
    /// than `timeout`; `purpose` says in logs and metrics what it is for. Must be called on a runtime.
    pub fn new(
        url: &str,
        tls: &TlsClientConfig,
        timeout: Duration,
        purpose: &'static str,
        metrics: RedisMetrics,
    ) -> Result<Arc<Self>, RedisSetupError> {
        let options = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(FIRST_PAUSE)
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let client = client(url, tls)?;
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), options.clone())?;
        metrics.up.set(1);
        Ok(Arc::new(Self {
            client,
            options,
            connection: ArcSwap::from_pointee(connection),
            timeout,
            purpose,
            is_away: AtomicBool::new(false),
            metrics,
        }))
    }

    /// What the server answers, unless it is away or does not answer in time.
    pub async fn ask<T, F>(self: &Arc<Self>, call: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if self.is_away.load(Ordering::Relaxed) {
            return None;
        }
        match self.answer(call(ConnectionManager::clone(&self.connection.load()))).await {
            Ok(answer) => Some(answer),
            Err(failure) => {
                self.metrics.failures.inc();
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    self.metrics.up.set(0);
                    tracing::warn!(purpose = self.purpose, error = %failure, "Redis is away; the router does without it");
                    tokio::spawn(come_back(Arc::downgrade(self)));
                }
                None
            }
        }
    }

    /// Opens another connection, and uses it from now on. The one before may wait for answers that never come.
    async fn connect(&self) -> Result<(), Failure> {
        let mut connection = ConnectionManager::new_lazy_with_config(self.client.clone(), self.options.clone())?;
        self.answer(redis::cmd("PING").query_async::<()>(&mut connection)).await?;
        self.connection.store(Arc::new(connection));
        Ok(())
    }

    async fn answer<T>(&self, call: impl Future<Output = RedisResult<T>>) -> Result<T, Failure> {
        let answer = tokio::time::timeout(self.timeout, call).await;
        answer.map_err(|_| Failure::Timeout)?.map_err(Failure::from)
    }
}

/// Says what is wrong with a URL, if anything is.
pub fn check_url(url: &str) -> Result<(), RedisSetupError> {
    Client::open(url)?;
    Ok(())
}

fn client(url: &str, tls: &TlsClientConfig) -> Result<Client, RedisSetupError> {
    if !url.starts_with("rediss://") {
        return Ok(Client::open(url)?);
    }
    // The client takes the provider of the process, and panics if there is none and several could be it. One that is there stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let read = |path: &Option<String>| {
        let read = path
            .as_ref()
            .map(|path| std::fs::read(path).map_err(|source| RedisSetupError::File { path: path.clone(), source }));
        read.transpose()
    };
    let client_tls = match (read(&tls.certificate)?, read(&tls.key)?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        _ => None,
    };
    Ok(Client::build_with_tls(url, TlsCertificates { client_tls, root_cert: read(&tls.authorities)? })?)
}

/// Asks the server until it answers, or until nobody needs it any more.
async fn come_back(redis: Weak<Redis>) {
    let mut pause = FIRST_PAUSE;
    loop {
        // Routers that lost it together come back one after the other.
        tokio::time::sleep(pause + pause.mul_f64((random() % 1000) as f64 / 4000.0)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(redis) = redis.upgrade() else { return };
        if redis.connect().await.is_ok() {
            redis.metrics.up.set(1);
            redis.is_away.store(false, Ordering::Relaxed);
            tracing::info!(purpose = redis.purpose, "Redis is back");
            return;
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_away = self.is_away.load(Ordering::Relaxed);
        f.debug_struct("Redis").field("purpose", &self.purpose).field("is_away", &is_away).finish_non_exhaustive()
    }
}
