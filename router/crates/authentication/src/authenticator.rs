//! The main street: from a request's head to who asks. Knows no HTTP response.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use braid_request_context::Identity;
use braid_request_context::identity::{CredentialKind, Principal};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use crate::api_keys::ApiKeys;
use crate::certificates::{Certificates, ClientCertificate};
use crate::claims::{self, End};
use crate::config::{AuthenticationConfig, JwtProvider};
use crate::credentials::{self, Given, Kind, Place};
use crate::error::AuthenticationError;
use crate::key::VerifyingKey;
use crate::provider::{Provider, Signer};
use crate::token::Token;
use crate::verified::{Verified, VerifiedTokens};

/// Tells from a request's head who asks.
#[derive(Debug)]
pub struct Authenticator {
    /// Whether nobody may be anonymous, whatever they ask for.
    required: bool,
    /// Where credentials can be, in the order in which they count.
    places: Vec<Place>,
    providers: Vec<Provider>,
    max_token_bytes: usize,
    verified: VerifiedTokens,
    api_keys: Option<ApiKeys>,
    certificates: Option<Certificates>,
}

impl Authenticator {
    /// An authenticator as configured, or the setting that can't be obeyed. Keys that `previous` has fetched are kept where they come
    /// from the same address. Must be called on a runtime, which fetches keys.
    pub fn new(config: &AuthenticationConfig, previous: Option<&Self>) -> Result<Self, String> {
        config.check()?;
        let mut places = Vec::new();
        if !config.jwt.providers.is_empty() {
            if config.jwt.sources.is_empty() {
                return Err("jwt.sources: give at least one place where tokens can be".to_owned());
            }
            for source in &config.jwt.sources {
                places.push(Place::of_tokens(source).map_err(|problem| format!("jwt.sources: {problem}"))?);
            }
        }
        let api_keys = match &config.api_keys.file {
            None => None,
            Some(file) => {
                places.extend(Place::of_api_keys(&config.api_keys).map_err(|problem| format!("api_keys: {problem}"))?);
                Some(ApiKeys::from_file(file).map_err(|problem| format!("api_keys: {problem}"))?)
            }
        };
        let certificates = &config.client_certificates;
        let certificates = certificates.enabled.then(|| Certificates::new(certificates)).transpose();
        Ok(Self {
            required: config.required && config.exceptions.is_empty(),
            places,
            providers: providers(&config.jwt.providers, previous)?,
            max_token_bytes: config.jwt.max_token_size.0,
            verified: VerifiedTokens::new(config.jwt.cache.0),
            api_keys,
            certificates: certificates.map_err(|problem| format!("client_certificates: {problem}"))?,
        })
    }

    /// Who asks, by the headers of a request and the certificate of its connection. Waits only for keys that are being fetched, only if
    /// the request's key is not known, and not beyond `deadline`.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
        deadline: Instant,
    ) -> Result<Identity, AuthenticationError> {
        self.judge(Given { headers, init: None }, certificate, deadline).await
    }

    /// The same for a WebSocket: by the headers of its upgrade request, and by the payload that it begins with.
    pub async fn authenticate_socket(
        &self,
        headers: &HeaderMap,
        init: &Map<String, Value>,
        certificate: Option<&ClientCertificate>,
        deadline: Instant,
    ) -> Result<Identity, AuthenticationError> {
        self.judge(Given { headers, init: Some(init) }, certificate, deadline).await
    }

    async fn judge(
        &self,
        given: Given<'_>,
        certificate: Option<&ClientCertificate>,
        deadline: Instant,
    ) -> Result<Identity, AuthenticationError> {
        let Some((kind, credentials)) = credentials::find(&self.places, given)? else {
            return self.without_credentials(certificate);
        };
        let now = seconds_since_1970();
        let principal = match (kind, &self.api_keys) {
            (Kind::Token, _) => match self.verified.find(credentials, now) {
                Some(principal) => principal,
                // Boxed, so that hits don't carry what only a miss needs.
                None => Box::pin(self.verify(credentials, now, deadline)).await?,
            },
            (Kind::ApiKey, Some(keys)) => keys.find(credentials, now)?,
            (Kind::ApiKey, None) => return Err(AuthenticationError::UnknownApiKey),
        };
        Ok(Identity::Known(principal))
    }

    /// By the certificate, if there is one.
    fn without_credentials(&self, certificate: Option<&ClientCertificate>) -> Result<Identity, AuthenticationError> {
        let principal = match (&self.certificates, certificate) {
            (Some(certificates), Some(certificate)) => certificates.find(certificate, seconds_since_1970())?,
            _ => None,
        };
        match principal {
            Some(principal) => Ok(Identity::Known(principal)),
            None if self.required => Err(AuthenticationError::Missing),
            None => Ok(Identity::Anonymous),
        }
    }

    /// What `WWW-Authenticate` says about a refusal (RFC 6750 §3).
    pub fn challenge(&self, error: AuthenticationError) -> HeaderValue {
        if self.providers.is_empty() {
            return HeaderValue::from_static("ApiKey");
        }
        let Some(code) = error.bearer_error() else { return HeaderValue::from_static("Bearer") };
        let challenge = format!("Bearer error=\"{code}\", error_description=\"{error}\"");
        HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
    }

    async fn verify(&self, text: &str, now: u64, deadline: Instant) -> Result<Arc<Principal>, AuthenticationError> {
        if text.len() > self.max_token_bytes {
            return Err(AuthenticationError::TooLarge);
        }
        let token = Token::read(text)?;
        let mut fetches = Vec::new();
        let mut refused = AuthenticationError::Issuer;
        let issuer = claims::issuer(&token.claims)?;
        let candidates = || self.providers.iter().filter(|provider| provider.claims.is_issuer(issuer));
        // Several providers can have the same issuer. What refuses a token that one of them has signed counts more than that the
        // others have not.
        for provider in candidates() {
            match provider.check(&token, now) {
                Ok(end) => match provider.signer(&token) {
                    Ok(Signer::Key(key)) => return Ok(self.accepted(provider, key, token, end, text)),
                    Ok(Signer::Fetching(fetch)) => fetches.push((provider, end, fetch)),
                    Err(error) => refused = error,
                },
                Err(error) => refused = error,
            }
        }
        for (provider, end, fetch) in fetches {
            if tokio::time::timeout_at(deadline.into(), fetch).await.is_err() {
                return Err(AuthenticationError::KeysUnavailable);
            }
            match provider.signer_after_fetch(&token) {
                Ok(key) => return Ok(self.accepted(provider, key, token, end, text)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn accepted(
        &self,
        provider: &Provider,
        key: Arc<VerifyingKey>,
        token: Token<'_>,
        end: End,
        text: &str,
    ) -> Arc<Principal> {
        let expires = end.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        let (source, kind) = (provider.name.clone(), CredentialKind::Jwt);
        let principal = Arc::new(Principal { claims: token.claims, source, kind, expires });
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.verified.keep(text, Verified { principal: principal.clone(), key, end, size });
        principal
    }
}

fn providers(configs: &[JwtProvider], previous: Option<&Authenticator>) -> Result<Vec<Provider>, String> {
    let mut providers: Vec<Provider> = Vec::new();
    for config in configs {
        let older = previous.into_iter().flat_map(|previous| &previous.providers);
        let provider = Provider::new(config, older);
        let provider = provider.map_err(|problem| format!("jwt.providers: \"{}\": {problem}", config.name))?;
        if providers.iter().any(|other| other.name == provider.name) {
            return Err(format!("jwt.providers: there are two with the name \"{}\"", provider.name));
        }
        providers.push(provider);
    }
    Ok(providers)
}

/// By the clock that issuers go by too. If it jumps, tokens expire when it says so.
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
}
