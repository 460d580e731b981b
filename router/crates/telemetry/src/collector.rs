//! Sends spans to an OpenTelemetry collector over the router's own HTTP client. Knows no span.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use braid_net::{Endpoint, UrlError};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

use crate::config::OtlpConfig;

/// The maximum size of a collector's response.
const MAX_RESPONSE: usize = 1 << 20;

/// A collector of spans. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    url: String,
    config: OtlpConfig,
    headers: HeaderMap,
    endpoint: Arc<Mutex<Arc<Endpoint>>>,
    runtime: Handle,
}

/// Why a collector can't be called.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Its URL or certificates can't be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// One of `headers` is not a header.
    #[error("headers can't be sent")]
    Headers(#[from] http::Error),
}

impl Collector {
    /// The collector at `url`. Must be called on a Tokio runtime, which does the sending.
    pub(crate) fn new(url: &str, config: &OtlpConfig) -> Result<Self, CollectorError> {
        let headers: HashMap<String, String> = config.headers.clone().into_iter().collect();
        Ok(Self {
            url: url.to_owned(),
            headers: HeaderMap::try_from(&headers)?,
            endpoint: Arc::new(Mutex::new(Arc::new(endpoint(url, config)?))),
            config: config.clone(),
            runtime: Handle::current(),
        })
    }

    /// Reads its certificates again and opens new connections with them. If they can't be used, the old ones stay in use.
    pub(crate) fn renew(&self) -> Result<(), CollectorError> {
        let renewed = Arc::new(endpoint(&self.url, &self.config)?);
        *self.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

fn endpoint(url: &str, config: &OtlpConfig) -> Result<Endpoint, UrlError> {
    Endpoint::new(url, &config.tls, MAX_RESPONSE, config.timeout.0)
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut parts, body) = request.into_parts();
        parts.headers.extend(self.headers.clone());
        // The exporter waits on a thread of its own, which has no runtime.
        let sent = self.runtime.spawn(async move { endpoint.post(parts.headers, body).await });
        let (status, body) = sent.await??;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}
