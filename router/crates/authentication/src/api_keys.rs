//! API keys, known by their hashes. Knows no request.
//!
//! The file is YAML, an entry for each key:
//!
//! ```yaml
//! - name: reporting
//!   sha256: 0f1e…              # printf %s "$KEY" | sha256sum
//!   claims: { sub: reporting, scope: "orders:read" }
//!   expires: 1800000000        # optional, in seconds since 1970
//! ```
//!
//! A fast hash is enough since a key is not a password: whoever makes one draws it at random, from 128 bits or more.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use braid_request_context::identity::{CredentialKind, Principal};
use braid_settings::from_yaml;
use hex::FromHex;
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use crate::error::AuthenticationError;

/// The keys, in the order of their hashes.
#[derive(Debug)]
pub(crate) struct ApiKeys(Vec<ApiKey>);

#[derive(Debug)]
struct ApiKey {
    hash: [u8; 32],
    principal: Arc<Principal>,
    expires: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    expires: Option<u64>,
}

impl ApiKeys {
    /// Reads a file of hashes, or says what is wrong about it.
    pub(crate) fn from_file(file: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        Self::from_text(&text).map_err(|problem| format!("{file}: {problem}"))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let entries: Vec<Entry> = from_yaml(text).map_err(|error| error.to_string())?;
        let mut keys = entries.into_iter().map(key).collect::<Result<Vec<_>, String>>()?;
        keys.sort_unstable_by_key(|key| key.hash);
        for pair in keys.windows(2) {
            if let [one, other] = pair
                && one.hash == other.hash
            {
                let names = [&one.principal.source, &other.principal.source];
                return Err(format!("\"{}\" and \"{}\" have the same hash", names[0], names[1]));
            }
        }
        Ok(Self(keys))
    }

    /// Who has this key, at a time in seconds since 1970.
    ///
    /// The place among the hashes is found by their first bytes. How long that takes tells something of hashes, from which no key
    /// follows; the rest is compared in constant time.
    pub(crate) fn find(&self, key: &str, now: u64) -> Result<Arc<Principal>, AuthenticationError> {
        let hash = digest(&SHA256, key.as_bytes());
        let hash = hash.as_ref();
        let begin = |hash: &[u8]| hash.first_chunk::<8>().copied();
        let first = self.0.partition_point(|known| begin(&known.hash) < begin(hash));
        let alike = self.0.iter().skip(first).take_while(|known| begin(&known.hash) == begin(hash));
        let found = { alike }.find(|known| bool::from(known.hash.ct_eq(hash)));
        let found = found.ok_or(AuthenticationError::UnknownApiKey)?;
        match found.expires {
            Some(expires) if now >= expires => Err(AuthenticationError::ExpiredApiKey),
            _ => Ok(found.principal.clone()),
        }
    }
}

fn key(entry: Entry) -> Result<ApiKey, String> {
    let Entry { name, sha256, claims, expires } = entry;
    let hash = <[u8; 32]>::from_hex(&sha256)
        .map_err(|_| format!("\"{name}\": sha256 must be 64 hexadecimal digits: printf %s \"$KEY\" | sha256sum"))?;
    if hash.as_slice() == digest(&SHA256, b"").as_ref() {
        return Err(format!("\"{name}\": sha256 is the hash of an empty key"));
    }
    let end = expires.and_then(|expires| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(expires)));
    let principal = Principal { claims, source: name.into(), kind: CredentialKind::ApiKey, expires: end };
    Ok(ApiKey { hash, principal: Arc::new(principal), expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(key: &str) -> String {
        hex::encode(digest(&SHA256, key.as_bytes()))
    }

    #[test]
    fn keys_are_found() {
        let names: Vec<String> = (0..1000).map(|number| format!("key {number}")).collect();
        let entries: String =
            names.iter().map(|name| format!("- {{ name: {name}, sha256: {} }}\n", hash_of(name))).collect();
        let text =
            format!("{entries}- {{ name: old, sha256: {}, claims: {{ sub: a }}, expires: 100 }}", hash_of("old"));
        let keys = ApiKeys::from_text(&text).unwrap();
        for name in &names {
            assert_eq!(&*keys.find(name, 0).unwrap().source, name);
        }
        assert_eq!(keys.find("old", 99).unwrap().claims["sub"], "a");
        assert_eq!(keys.find("old", 100).unwrap_err(), AuthenticationError::ExpiredApiKey);
        for unknown in ["", "key", "key 1000", &hash_of("old")] {
            assert_eq!(keys.find(unknown, 0).unwrap_err(), AuthenticationError::UnknownApiKey);
        }
    }

    #[test]
    fn files_that_are_wrong_are_refused() {
        let hash = hash_of("a");
        for (text, problem) in [
            (
                format!("- {{ name: a, sha256: {hash} }}\n- {{ name: b, sha256: {} }}", hash.to_uppercase()),
                "\"a\" and \"b\"",
            ),
            ("- { name: a, sha256: secret }".to_owned(), "64 hexadecimal digits"),
            (format!("- {{ name: a, sha256: {} }}", hash_of("")), "an empty key"),
            ("- { name: a, key: secret }".to_owned(), "unknown field"),
            (format!("- {{ sha256: {hash} }}"), "missing field"),
        ] {
            let error = ApiKeys::from_text(&text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        assert!(ApiKeys::from_file("/none/keys.yaml").unwrap_err().contains("/none/keys.yaml"));
    }
}
