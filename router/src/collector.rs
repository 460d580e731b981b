//! Sends spans to a collector over the router's own HTTP client. Knows no span.

use std::sync::Arc;
use std::time::Duration;

use braid_net::Endpoint;
use braid_net::config::TlsClientConfig;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// The most bytes of what a collector says.
const MAX_ANSWER: usize = 1 << 20;

/// A collector of spans.
#[derive(Debug)]
pub(crate) struct Collector {
    endpoint: Arc<Endpoint>,
    runtime: Handle,
}

impl Collector {
    /// The collector at `url`. Must be called on a runtime, which does the sending.
    pub(crate) fn new(url: &str, tls: &TlsClientConfig, timeout: Duration) -> Result<Self, String> {
        Ok(Self { endpoint: Arc::new(Endpoint::new(url, tls, MAX_ANSWER, timeout)?), runtime: Handle::current() })
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let endpoint = self.endpoint.clone();
        let (parts, body) = request.into_parts();
        // The exporter waits on a thread of its own, which has no runtime.
        let sent = self.runtime.spawn(async move { endpoint.post(parts.headers, body).await });
        let (status, body) = sent.await??;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}
