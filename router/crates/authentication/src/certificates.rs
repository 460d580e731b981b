//! Client certificates as a way to be somebody. TLS has verified them against `server.tls.client_authorities`; here is only whose they
//! are. Knows no connection and no request.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use braid_request_context::identity::{CredentialKind, Principal};
use hex::FromHex;
use quick_cache::sync::Cache;
use serde_json::{Map, Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::config::{CertificateRule, ClientCertificatesConfig};
use crate::error::AuthenticationError;

/// The certificate of a client's connection, which TLS has verified. Read once per connection.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The SHA-256 of its DER.
    fingerprint: [u8; 32],
    /// Its subject, as RFC 4514 writes names, in the order of the certificate.
    subject: String,
    /// Its subject alternative names: DNS names, URIs and email addresses.
    names: Vec<String>,
    /// When it ends, in seconds since 1970.
    end: u64,
}

/// Whose certificates are.
#[derive(Debug)]
pub(crate) struct Certificates {
    rules: Vec<Rule>,
    /// By fingerprint, so that a connection's requests share one principal.
    principals: Cache<[u8; 32], Option<Arc<Principal>>>,
}

#[derive(Debug)]
struct Rule {
    name: Arc<str>,
    fingerprint: Option<[u8; 32]>,
    subject: Option<String>,
    san: Option<String>,
    claims: Map<String, Value>,
}

const REMEMBERED: usize = 4096;

impl ClientCertificate {
    /// Reads a certificate in DER, or says why it can't be read.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let extension = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = extension.iter().flat_map(|extension| &extension.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
                Some((*name).to_owned())
            }
            _ => None,
        });
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, der).as_ref());
        Ok(Self {
            fingerprint,
            subject: certificate.subject().to_string(),
            names: names.collect(),
            end: u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0),
        })
    }

    fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), self.names.first().unwrap_or(&self.subject).as_str().into());
        claims.insert("subject".to_owned(), self.subject.as_str().into());
        claims.insert("names".to_owned(), json!(self.names));
        claims.insert("fingerprint".to_owned(), hex::encode(self.fingerprint).into());
        claims
    }
}

impl Certificates {
    /// The rules as configured, or the one that can't be obeyed.
    pub(crate) fn new(config: &ClientCertificatesConfig) -> Result<Self, String> {
        let rules = config.rules.iter().map(rule).collect::<Result<_, String>>()?;
        Ok(Self { rules, principals: Cache::new(REMEMBERED) })
    }

    /// Whose certificate it is, at a time in seconds since 1970; nobody's if there are rules and none is about it.
    pub(crate) fn find(
        &self,
        certificate: &ClientCertificate,
        now: u64,
    ) -> Result<Option<Arc<Principal>>, AuthenticationError> {
        // Connections can live longer than what was verified when they began.
        if now >= certificate.end {
            return Err(AuthenticationError::ExpiredCertificate);
        }
        if let Some(known) = self.principals.get(&certificate.fingerprint) {
            return Ok(known);
        }
        let principal = self.principal(certificate).map(Arc::new);
        self.principals.insert(certificate.fingerprint, principal.clone());
        Ok(principal)
    }

    fn principal(&self, certificate: &ClientCertificate) -> Option<Principal> {
        let (source, added) = match self.rules.iter().find(|rule| rule.is_about(certificate)) {
            Some(rule) => (rule.name.clone(), rule.claims.clone()),
            None if self.rules.is_empty() => ("certificate".into(), Map::new()),
            None => return None,
        };
        let mut claims = certificate.claims();
        claims.extend(added);
        let expires = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(certificate.end));
        Some(Principal { claims, source, kind: CredentialKind::ClientCertificate, expires })
    }
}

impl Rule {
    fn is_about(&self, certificate: &ClientCertificate) -> bool {
        self.fingerprint.is_none_or(|fingerprint| fingerprint == certificate.fingerprint)
            && self.subject.as_ref().is_none_or(|subject| *subject == certificate.subject)
            && self.san.as_ref().is_none_or(|san| certificate.names.contains(san))
    }
}

fn rule(config: &CertificateRule) -> Result<Rule, String> {
    let CertificateRule { name, fingerprint, subject, san, claims } = config;
    if fingerprint.is_none() && subject.is_none() && san.is_none() {
        return Err(format!("rules: \"{name}\": give a fingerprint, a subject or a san"));
    }
    let digits = fingerprint.as_ref().map(|text| text.replace(':', ""));
    let fingerprint = digits.as_deref().map(|digits| {
        <[u8; 32]>::from_hex(digits)
            .map_err(|_| format!("rules: \"{name}\": the fingerprint must be the SHA-256, in 64 hexadecimal digits"))
    });
    Ok(Rule {
        name: name.as_str().into(),
        fingerprint: fingerprint.transpose()?,
        subject: subject.clone(),
        san: san.clone(),
        claims: claims.clone(),
    })
}

#[cfg(test)]
mod tests {
    use braid_settings::from_yaml;

    use super::*;

    fn der(subject: &str, names: &[&str]) -> Vec<u8> {
        let mut parameters =
            rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, subject);
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    fn certificates(yaml: &str) -> Result<Certificates, String> {
        Certificates::new(&from_yaml(yaml).unwrap())
    }

    #[test]
    fn without_rules_every_certificate_is_somebody() {
        let certificate = ClientCertificate::read(&der("reporting", &["reporting.example", "ops.example"])).unwrap();
        let all = certificates("enabled: true").unwrap();
        let principal = all.find(&certificate, 0).unwrap().unwrap();
        assert_eq!(principal.claims["sub"], "reporting.example");
        assert_eq!(principal.claims["subject"], "CN=reporting");
        assert_eq!(principal.claims["names"], json!(["reporting.example", "ops.example"]));
        assert_eq!(principal.kind, CredentialKind::ClientCertificate);
        // The next request has the same principal.
        assert!(Arc::ptr_eq(&principal, &all.find(&certificate, 0).unwrap().unwrap()));
        let bare = ClientCertificate::read(&der("bare", &[])).unwrap();
        assert_eq!(all.find(&bare, 0).unwrap().unwrap().claims["sub"], "CN=bare");
        assert_eq!(all.find(&bare, u64::MAX).unwrap_err(), AuthenticationError::ExpiredCertificate);
    }

    #[test]
    fn with_rules_only_theirs_are() {
        let reporting = ClientCertificate::read(&der("reporting", &["reporting.example"])).unwrap();
        let other = ClientCertificate::read(&der("other", &["other.example"])).unwrap();
        let print = hex::encode(other.fingerprint).to_uppercase();
        let rules = certificates(&format!(
            "{{ enabled: true, rules: [
                {{ name: both, subject: CN=reporting, san: other.example }},
                {{ name: print, fingerprint: \"{print}\" }},
                {{ name: san, san: reporting.example, claims: {{ sub: report, scope: read }} }}] }}"
        ));
        let rules = rules.unwrap();
        let principal = rules.find(&reporting, 0).unwrap().unwrap();
        assert_eq!((&*principal.source, &principal.claims["sub"]), ("san", &json!("report")));
        assert_eq!(&*rules.find(&other, 0).unwrap().unwrap().source, "print");
        let third = ClientCertificate::read(&der("third", &["third.example"])).unwrap();
        assert!(rules.find(&third, 0).unwrap().is_none());
    }

    #[test]
    fn what_cant_be_obeyed_is_refused() {
        assert!(certificates("rules: [{ name: a }]").unwrap_err().contains("give a fingerprint"));
        assert!(certificates("rules: [{ name: a, fingerprint: ab }]").unwrap_err().contains("64 hexadecimal"));
        assert!(ClientCertificate::read(b"nonsense").is_err());
    }
}
