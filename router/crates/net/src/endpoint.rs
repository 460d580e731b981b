//! A URL that is called now and then, within bounds of size and time. Knows no GraphQL.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::client::{Client, RequestError};
use crate::config::{ClientConfig, TlsClientConfig};
use crate::connect::UrlError;
use crate::receive::{self, BodyError};

/// A URL, with the connections to it.
#[derive(Debug)]
pub struct Endpoint {
    client: Client,
    max_bytes: usize,
    timeout: Duration,
}

/// Why an endpoint gave no response.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The request failed.
    #[error("the request failed")]
    Request(#[from] RequestError),
    /// The body of the response can't be used.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It took too long.
    #[error("no response within {0:?}")]
    Timeout(Duration),
}

impl Endpoint {
    /// An endpoint whose responses have at most `max_bytes` and take at most `timeout`.
    pub fn new(url: &str, tls: &TlsClientConfig, max_bytes: usize, timeout: Duration) -> Result<Self, UrlError> {
        let client = Client::new(url, &ClientConfig { tls: tls.clone(), ..ClientConfig::default() })?;
        Ok(Self { client, max_bytes, timeout })
    }

    /// Sends a POST. Returns the status and the body of the response.
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes), EndpointError> {
        let response = self.send(Method::POST, headers, body).await?;
        Ok((response.status(), response.into_body()))
    }

    /// Sends a GET. Returns the status and the body of the response.
    pub async fn get(&self, headers: HeaderMap) -> Result<(StatusCode, Bytes), EndpointError> {
        let response = self.send(Method::GET, headers, Bytes::new()).await?;
        Ok((response.status(), response.into_body()))
    }

    /// Sends a request of any method. Returns the whole response.
    ///
    /// The future is boxed so that HTTP is compiled here and not in each crate that awaits it.
    pub fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Response<Bytes>, EndpointError>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        Box::pin(self.exchange(request))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, EndpointError> {
        let exchange = async {
            let (parts, body) = self.client.request(request).await?.into_parts();
            let body = receive::body(&parts, body, self.max_bytes).await?;
            Ok(Response::from_parts(parts, body))
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| EndpointError::Timeout(self.timeout))?
    }
}
