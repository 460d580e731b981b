//! TLS settings towards subgraphs and towards clients, out of PEM files. Knows no HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{TlsClientConfig, TlsServerConfig};

/// Towards a subgraph: the system's authorities or one's own, with a client certificate when there is one.
pub fn client_config(config: &TlsClientConfig) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &config.authorities {
        Some(file) => builder.with_root_certificates(authorities(file)?),
        None => {
            use hyper_rustls::ConfigBuilderExt;
            builder.try_with_platform_verifier().map_err(|error| error.to_string())?
        }
    };
    match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| format!("{certificate}: {error}")),
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err("tls: certificate and key go together".to_owned()),
    }
}

/// Towards clients.
pub fn server_config(config: &TlsServerConfig) -> Result<ServerConfig, String> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &config.client_authorities {
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file)?), provider());
            builder.with_client_cert_verifier(verifier.build().map_err(|error| format!("{file}: {error}"))?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut tls = builder
        .with_single_cert(certificates(&config.certificate)?, private_key(&config.key)?)
        .map_err(|error| format!("{}: {error}", config.certificate))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// What files hold, as a number that is another one when a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// That of these files. Take it before they are read: then a change in between is seen the next time.
    pub fn of(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let mut hasher = DefaultHasher::new();
        for file in files {
            std::fs::read(file).ok().hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn authorities(file: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file)? {
        store.add(certificate).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(store)
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("{file} has no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{file}: {error}")),
    }
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| format!("{file}: {error}"))
}
