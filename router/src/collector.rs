//! Sends spans to a collector over the router's own HTTP client. Knows no span.

use std::collections::HashMap;
use std::sync::Arc;

use braid_net::Endpoint;
use braid_telemetry::config::OtlpConfig;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// The most bytes of what a collector says.
const MAX_ANSWER: usize = 1 << 20;

/// A collector of spans.
#[derive(Debug)]
pub(crate) struct Collector {
    endpoint: Arc<Endpoint>,
    headers: HeaderMap,
    runtime: Handle,
}

impl Collector {
    /// The collector at `url`. Must be called on a runtime, which does the sending.
    pub(crate) fn new(url: &str, config: &OtlpConfig) -> Result<Self, String> {
        let endpoint = Endpoint::new(url, &config.tls, MAX_ANSWER, config.timeout.0)?;
        let headers: HashMap<String, String> = config.headers.clone().into_iter().collect();
        let headers = HeaderMap::try_from(&headers).map_err(|error| format!("a header can't be sent: {error}"))?;
        Ok(Self { endpoint: Arc::new(endpoint), headers, runtime: Handle::current() })
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let endpoint = self.endpoint.clone();
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
