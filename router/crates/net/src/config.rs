//! Configuration of connections. Knows no file and no environment.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How connections to a URL are made.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientConfig {
    /// The time to open a connection.
    pub connect_timeout: Duration,
    /// The maximum number of HTTP/1.1 connections.
    pub max_connections: usize,
    /// The maximum number of idle connections.
    pub max_idle_connections: usize,
    /// The time after which an idle connection is closed.
    pub idle_timeout: Duration,
    /// The version of HTTP.
    pub protocol: Protocol,
    /// The time without traffic after which TCP asks whether the other machine is still there, and the time between three such questions.
    pub keepalive: Duration,
    /// Certificates, for `https://`.
    pub tls: TlsClientConfig,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            max_connections: 256,
            max_idle_connections: 512,
            idle_timeout: Duration::from_secs(60),
            protocol: Protocol::default(),
            keepalive: Duration::from_secs(60),
            tls: TlsClientConfig::default(),
        }
    }
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, with TLS or without it (prior knowledge).
    Http2,
    /// HTTP/2 if TLS negotiates it, otherwise HTTP/1.1.
    Auto,
}

/// TLS for connections to a server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsClientConfig {
    /// PEM file with the trusted certificate authorities, instead of the system's.
    pub authorities: Option<String>,
    /// PEM file with the router's own certificate chain.
    pub certificate: Option<String>,
    /// PEM file with the router's private key.
    pub key: Option<String>,
}

/// TLS for connections from clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsServerConfig {
    /// PEM file with the certificate chain.
    pub certificate: String,
    /// PEM file with the private key.
    pub key: String,
    /// PEM file with the certificate authorities for clients' certificates; if not set, clients need no certificate.
    #[serde(default)]
    pub client_authorities: Option<String>,
    /// Whether clients can also connect without a certificate, where `client_authorities` is set.
    #[serde(default)]
    pub client_certificate_optional: bool,
}

impl TlsClientConfig {
    /// The files that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [&self.authorities, &self.certificate, &self.key].into_iter().flatten().map(String::as_str)
    }
}

impl TlsServerConfig {
    /// The files that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_authorities).map(String::as_str)
    }
}
