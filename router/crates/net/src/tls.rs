//! TLS settings for both sides, from PEM files. Knows no HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{TlsClientConfig, TlsServerConfig};

/// Why TLS settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file can't be read, or does not have what it should.
    #[error("{file} can't be read as a PEM file with {expected}")]
    File {
        /// The file.
        file: String,
        /// What it should have.
        expected: &'static str,
        /// The cause.
        source: pem::Error,
    },
    /// A file has no certificate.
    #[error("{file} has no certificate; it must be a PEM file with at least one")]
    NoCertificate {
        /// The file.
        file: String,
    },
    /// A certificate can't be used, or does not belong to the key.
    #[error("the certificate in {file} can't be used")]
    Certificate {
        /// The file.
        file: String,
        /// The cause.
        source: rustls::Error,
    },
    /// The authorities for clients' certificates can't be used.
    #[error("the certificate authorities in {file} can't be used")]
    ClientAuthorities {
        /// The file.
        file: String,
        /// The cause.
        source: VerifierBuilderError,
    },
    /// Only one of certificate and key is set.
    #[error("tls.certificate and tls.key belong together: set both or neither")]
    Incomplete,
    /// The certificate authorities of the operating system can't be used.
    #[error("the system's certificate authorities can't be used; set tls.authorities to a PEM file")]
    SystemAuthorities(#[source] rustls::Error),
    /// The cryptography library supports no version of TLS.
    #[error("no version of TLS is supported")]
    NoVersion(#[source] rustls::Error),
}

/// For connections to a server: the authorities of the system or of a file, and a client certificate if there is one.
pub fn client_config(config: &TlsClientConfig) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::NoVersion)?;
    let builder = match &config.authorities {
        Some(file) => builder.with_root_certificates(authorities(file)?),
        None => {
            use hyper_rustls::ConfigBuilderExt;
            builder.try_with_platform_verifier().map_err(TlsError::SystemAuthorities)?
        }
    };
    match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|source| TlsError::Certificate { file: certificate.clone(), source }),
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(TlsError::Incomplete),
    }
}

/// For connections from clients.
pub fn server_config(config: &TlsServerConfig) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::NoVersion)?;
    let builder = match &config.client_authorities {
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file)?), provider());
            let verifier = match config.client_certificate_optional {
                true => verifier.allow_unauthenticated(),
                false => verifier,
            };
            let verifier =
                verifier.build().map_err(|source| TlsError::ClientAuthorities { file: file.clone(), source })?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut tls = builder
        .with_single_cert(certificates(&config.certificate)?, private_key(&config.key)?)
        .map_err(|source| TlsError::Certificate { file: config.certificate.clone(), source })?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// A hash of the content of files: different when one of them changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of these files. Take it before they are read, so that a change in between is seen the next time.
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

fn authorities(file: &str) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file)? {
        store.add(certificate).map_err(|source| TlsError::Certificate { file: file.to_owned(), source })?;
    }
    Ok(store)
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates =
        read.map_err(|source| TlsError::File { file: file.to_owned(), expected: "certificates", source })?;
    if certificates.is_empty() { Err(TlsError::NoCertificate { file: file.to_owned() }) } else { Ok(certificates) }
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|source| TlsError::File {
        file: file.to_owned(),
        expected: "a private key",
        source,
    })
}
