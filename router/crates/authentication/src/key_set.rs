//! The keys of an issuer at one time: a JSON Web Key Set (RFC 7517 §5), or a secret. Never changed; the next set is another one. Knows
//! neither where it comes from nor how a token is judged.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::key::VerifyingKey;
use crate::strict_json;

/// The keys of an issuer.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<VerifyingKey>>,
    /// Why each of the other keys can't be used.
    pub(crate) unusable: Vec<String>,
}

/// A set with more keys is a mistake.
const MAX_KEYS: usize = 100;

impl KeySet {
    /// Reads a set of public keys. Keys that can't be used are left out (RFC 7517 §5); a set without any key that can is refused.
    /// Those that `previous` has too are taken from there; those that only it has are for the caller to withdraw.
    pub(crate) fn from_json(json: &[u8], accepted: &[Algorithm], previous: Option<&Self>) -> Result<Self, String> {
        let mut set = strict_json::object(json).map_err(|error| format!("it is not a JSON Web Key Set: {error}"))?;
        let Some(Value::Array(keys)) = set.remove("keys") else {
            return Err("it is not a JSON Web Key Set: it has no list \"keys\"".to_owned());
        };
        let keys = keys.into_iter().map(|key| match key {
            Value::Object(key) => key,
            _ => Map::new(),
        });
        Self::from_jwks(&keys.collect::<Vec<_>>(), accepted, previous)
    }

    /// The same, from keys that were read already.
    pub(crate) fn from_jwks(
        jwks: &[Map<String, Value>],
        accepted: &[Algorithm],
        previous: Option<&Self>,
    ) -> Result<Self, String> {
        if jwks.len() > MAX_KEYS {
            return Err(format!("it has {} keys; {MAX_KEYS} are the most", jwks.len()));
        }
        let mut set = Self::default();
        for (index, jwk) in jwks.iter().enumerate() {
            let known = previous.and_then(|previous| previous.keys.iter().find(|key| key.is_of(jwk)));
            let key = match known {
                Some(key) => Ok(key.clone()),
                None => VerifyingKey::from_jwk(jwk, accepted).map(Arc::new),
            };
            match key {
                Ok(key) => set.keys.push(key),
                Err(problem) => {
                    let id = jwk.get("kid").and_then(Value::as_str).unwrap_or("without kid");
                    set.unusable.push(format!("key {} ({id}): {problem}", index + 1));
                }
            }
        }
        if set.keys.is_empty() {
            return Err(match set.unusable.is_empty() {
                true => "it has no keys".to_owned(),
                false => format!("it has no key that can be used: {}", set.unusable.join("; ")),
            });
        }
        Ok(set)
    }

    /// One secret.
    pub(crate) fn from_secret(secret: &[u8], accepted: &[Algorithm]) -> Result<Self, String> {
        let key = VerifyingKey::from_secret(secret, accepted)?;
        Ok(Self { keys: vec![Arc::new(key)], unusable: Vec::new() })
    }

    /// The keys that may have signed a token that names this key and this algorithm. Without an id, those are all that are for the
    /// algorithm.
    pub(crate) fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Arc<VerifyingKey>> {
        let fits = move |key: &&Arc<VerifyingKey>| {
            key.is_for(algorithm) && id.is_none_or(|id| key.id.as_deref().is_none_or(|own| own == id))
        };
        self.keys.iter().filter(fits)
    }

    /// Whether it has a key with this id, whatever algorithm that is for.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// Marks the keys that `next` does not have any more.
    pub(crate) fn withdraw_missing_in(&self, next: &Self) {
        for key in &self.keys {
            if !next.keys.iter().any(|kept| Arc::ptr_eq(key, kept)) {
                key.withdraw();
            }
        }
    }
}
