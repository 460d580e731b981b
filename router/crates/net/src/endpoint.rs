//! One address that is asked something now and then, under a limit of bytes and time. Knows no GraphQL.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;

use crate::client::Client;
use crate::config::{ClientConfig, TlsClientConfig};
use crate::receive;

/// An address, with the connections to it.
#[derive(Debug)]
pub struct Endpoint {
    client: Client,
    max_bytes: usize,
    timeout: Duration,
}

impl Endpoint {
    /// An address that answers with at most so many bytes within so much time.
    pub fn new(url: &str, tls: &TlsClientConfig, max_bytes: usize, timeout: Duration) -> Result<Self, String> {
        let client = Client::new(url, &ClientConfig { tls: tls.clone(), ..ClientConfig::default() })?;
        Ok(Self { client, max_bytes, timeout })
    }

    /// The status and the body of its answer to a POST.
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes), String> {
        self.ask(Method::POST, headers, body).await
    }

    /// The status and the body of its answer to a GET.
    pub async fn get(&self, headers: HeaderMap) -> Result<(StatusCode, Bytes), String> {
        self.ask(Method::GET, headers, Bytes::new()).await
    }

    async fn ask(&self, method: Method, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes), String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| receive::reason(&error))?;
            let (parts, body) = response.into_parts();
            let body = receive::body(&parts, body, self.max_bytes).await.map_err(|error| error.to_string())?;
            Ok((parts.status, body))
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| "it did not answer in time".to_owned())?
    }
}
