//! Somebody who issues tokens: their keys, and the rules for what the tokens say. Knows no request.

use std::sync::Arc;

use crate::claims::{ClaimRules, End};
use crate::config::{JwtProvider, KeySource};
use crate::error::AuthenticationError;
use crate::key::VerifyingKey;
use crate::key_set::KeySet;
use crate::remote_keys::{Fetch, RemoteKeys};
use crate::token::Token;

/// Somebody who issues tokens.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: Arc<str>,
    pub(crate) claims: ClaimRules,
    types: Vec<String>,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<KeySet>),
    Remote(Arc<RemoteKeys>),
}

/// What became of looking for the key that signed a token.
#[derive(Debug)]
pub(crate) enum Signer {
    /// This key has signed it.
    Key(Arc<VerifyingKey>),
    /// The key is not known; it may be once this fetch is over.
    Fetching(Fetch),
}

/// The most keys that a token is tried with which does not name its key.
const MAX_TRIES: usize = 8;

impl Provider {
    /// A provider as configured, or what is wrong about it. Keys of `previous` are kept where they come from the same address.
    pub(crate) fn new<'a>(config: &JwtProvider, previous: impl Iterator<Item = &'a Self>) -> Result<Self, String> {
        let accepted = &config.algorithms;
        let keys = match &config.keys {
            KeySource::Url(url) => {
                let previous = previous.filter_map(|provider| match &provider.keys {
                    Keys::Remote(keys) => Some(keys),
                    Keys::Fixed(_) => None,
                });
                let keys = RemoteKeys::new(&config.name, url, accepted, previous);
                Keys::Remote(keys.map_err(|problem| format!("keys.url: {problem}"))?)
            }
            KeySource::File(file) => {
                let read = std::fs::read(file).map_err(|error| error.to_string());
                let set = read.and_then(|json| KeySet::from_json(&json, accepted, None));
                Keys::Fixed(Arc::new(set.map_err(|problem| format!("keys.file: {file}: {problem}"))?))
            }
            KeySource::Inline(keys) => {
                let set = KeySet::from_jwks(keys, accepted, None);
                Keys::Fixed(Arc::new(set.map_err(|problem| format!("keys.inline: {problem}"))?))
            }
            KeySource::Secret(secret) => {
                let set = KeySet::from_secret(secret.0.as_bytes(), accepted);
                Keys::Fixed(Arc::new(set.map_err(|problem| format!("keys.secret: {problem}"))?))
            }
        };
        if let Keys::Fixed(set) = &keys
            && !set.unusable.is_empty()
        {
            let (provider, problems) = (&config.name, set.unusable.join("; "));
            tracing::warn!(%provider, problems, "Some token keys can't be used");
        }
        Ok(Self {
            name: config.name.as_str().into(),
            claims: ClaimRules {
                issuers: config.issuers.clone(),
                audiences: config.audiences.clone(),
                required: config.required_claims.clone(),
                allow_missing_exp: config.allow_missing_exp,
                skew: config.clock_skew.0.as_secs(),
            },
            types: config.types.iter().map(|kind| media_type(kind)).collect(),
            keys,
        })
    }

    /// Judges what the token says: all but its signature. That comes last, since nothing else can have keys fetched.
    pub(crate) fn check(&self, token: &Token<'_>, now: u64) -> Result<End, AuthenticationError> {
        let kind = token.kind.as_deref().map(media_type);
        let is_accepted = match &kind {
            None => self.types.is_empty(),
            Some(kind) if self.types.is_empty() => kind == "jwt" || kind == "at+jwt",
            Some(kind) => self.types.contains(kind),
        };
        if !is_accepted {
            return Err(AuthenticationError::Type);
        }
        self.claims.check(&token.claims, now)
    }

    /// The key that signed the token.
    pub(crate) fn signer(&self, token: &Token<'_>) -> Result<Signer, AuthenticationError> {
        let unsigned = match self.known_signer(token) {
            Ok(key) => return Ok(Signer::Key(key)),
            Err(unsigned) => unsigned,
        };
        if let (Keys::Remote(keys), Unsigned::Unknown { .. }) = (&self.keys, unsigned)
            && let Some(fetch) = keys.fetch_for_unknown()
        {
            return Ok(Signer::Fetching(fetch));
        }
        Err(self.refused(unsigned))
    }

    /// The same, among the keys that are known.
    pub(crate) fn signer_after_fetch(&self, token: &Token<'_>) -> Result<Arc<VerifyingKey>, AuthenticationError> {
        self.known_signer(token).map_err(|unsigned| self.refused(unsigned))
    }

    fn known_signer(&self, token: &Token<'_>) -> Result<Arc<VerifyingKey>, Unsigned> {
        match &self.keys {
            Keys::Fixed(set) => signer_in(set, token),
            Keys::Remote(keys) => signer_in(&keys.known(), token),
        }
    }

    fn refused(&self, unsigned: Unsigned) -> AuthenticationError {
        match (unsigned, &self.keys) {
            (Unsigned::Refused(error), _) => error,
            (_, Keys::Remote(keys)) if keys.are_unavailable() => AuthenticationError::KeysUnavailable,
            (Unsigned::Unknown { tried: true }, _) => AuthenticationError::Signature,
            (Unsigned::Unknown { tried: false }, _) => AuthenticationError::UnknownKey,
        }
    }
}

/// Why no key of a set has signed a token.
#[derive(Debug, Clone, Copy)]
enum Unsigned {
    /// None can have.
    Refused(AuthenticationError),
    /// A key that is not in the set may have; whether some were tried that say nothing of their id, or the token of its key.
    Unknown { tried: bool },
}

fn signer_in(set: &KeySet, token: &Token<'_>) -> Result<Arc<VerifyingKey>, Unsigned> {
    let id = token.key_id.as_deref();
    let mut tried = false;
    for key in set.candidates(id, token.algorithm).take(MAX_TRIES) {
        if key.has_signed(token.algorithm, token.signed, &token.signature) {
            return Ok(key.clone());
        }
        tried = true;
    }
    Err(match id {
        Some(id) if set.has(id) && tried => Unsigned::Refused(AuthenticationError::Signature),
        Some(id) if set.has(id) => Unsigned::Refused(AuthenticationError::Algorithm),
        _ => Unsigned::Unknown { tried },
    })
}

/// Types are compared without regard to case, and `application/` can be left out (RFC 7515 §4.1.9).
fn media_type(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}

impl JwtProvider {
    /// What the types can't say. What is left out here by mistake would accept more tokens than was meant.
    pub(crate) fn check(&self) -> Result<(), String> {
        let problem = match self {
            Self { name, .. } if name.is_empty() => "give it a name",
            Self { issuers, any_issuer: false, .. } if issuers.is_empty() => {
                "give its issuers, or any_issuer: true if its keys sign nothing else"
            }
            Self { issuers, any_issuer: true, .. } if !issuers.is_empty() => "give issuers or any_issuer, not both",
            Self { audiences, any_audience: false, .. } if audiences.is_empty() => {
                "give audiences, or any_audience: true if tokens for other services are welcome here"
            }
            Self { audiences, any_audience: true, .. } if !audiences.is_empty() => {
                "give audiences or any_audience, not both"
            }
            Self { algorithms, .. } if algorithms.is_empty() => "algorithms: give at least one",
            Self { keys: KeySource::Secret(_), algorithms, .. } if !algorithms.iter().all(|one| one.is_symmetric()) => {
                "algorithms: with a secret, list HS256, HS384 or HS512 and nothing else"
            }
            Self { keys: KeySource::Url(_) | KeySource::Inline(_), algorithms, .. }
                if algorithms.iter().any(|one| one.is_symmetric()) =>
            {
                "algorithms: HS256, HS384 and HS512 need keys.secret or keys.file; whoever can read published keys could sign with them"
            }
            Self { keys: KeySource::File(_), algorithms, .. }
                if algorithms.iter().any(|one| one.is_symmetric())
                    && !algorithms.iter().all(|one| one.is_symmetric()) =>
            {
                "algorithms: don't mix HS256, HS384 or HS512 with others; give two providers"
            }
            Self { keys: KeySource::Url(url), .. } if url.poll_interval.0.as_millis() < 1000 => {
                "keys.url.poll_interval: give at least 1s"
            }
            Self { keys: KeySource::Url(url), .. } if url.timeout.0.is_zero() => "keys.url.timeout: give more than 0s",
            _ => return Ok(()),
        };
        Err(problem.to_owned())
    }
}
