//! Who asks, and what is known of them. Knows neither tokens nor keys: recognising somebody is the business of `authentication`.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Identity {
    /// The request has no credentials.
    #[default]
    Anonymous,
    /// The request has valid credentials.
    Known(Arc<Principal>),
}

/// Somebody with valid credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What is said of them: the claims of a token, or those that the configuration gives to a key or a certificate.
    pub claims: Map<String, Value>,
    /// Who vouches for the claims: the name of the token's provider, of the API key, or of the certificate's rule.
    pub source: Arc<str>,
    /// How they showed who they are.
    pub kind: CredentialKind,
    /// When the credentials end; `None` if they don't.
    pub expires: Option<SystemTime>,
}

/// How somebody shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A signed token (RFC 7519).
    Jwt,
    /// A secret that the router has the hash of.
    ApiKey,
    /// A certificate of the TLS connection.
    ClientCertificate,
    /// In a way that a plugin knows.
    Plugin,
}

/// Where a claim is: `sub`, or `realm_access.roles` for a member of an object. A name with dots in it is put in double quotes:
/// `"https://shop.example/roles"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimPath(Box<[Box<str>]>);

impl CredentialKind {
    /// What it is called in metrics, and by those who are told who asks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::ClientCertificate => "client_certificate",
            Self::Plugin => "plugin",
        }
    }
}

impl Identity {
    /// Whoever asks, unless it is somebody anonymous.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        match self {
            Self::Anonymous => None,
            Self::Known(principal) => Some(principal),
        }
    }

    /// Whoever asks, with these claims. `source`, which is code in other languages, vouches for somebody who was anonymous.
    #[must_use]
    pub fn with_claims(&self, claims: Map<String, Value>, source: &str) -> Self {
        Self::Known(Arc::new(match self {
            Self::Known(principal) => Principal { claims, ..Principal::clone(principal) },
            Self::Anonymous => Principal { claims, source: source.into(), kind: CredentialKind::Plugin, expires: None },
        }))
    }
}

impl Principal {
    /// The claim at a path.
    pub fn claim(&self, path: &ClaimPath) -> Option<&Value> {
        let (first, rest) = path.0.split_first()?;
        rest.iter().try_fold(self.claims.get(&**first)?, |value, name| value.get(&**name))
    }

    /// The scopes, or other words, that a claim has: separated by spaces in a string (RFC 8693 §4.2), or the strings of a list.
    /// None if the claim is missing or is something else.
    pub fn scopes<'a>(&'a self, path: &ClaimPath) -> impl Iterator<Item = &'a str> + use<'a> {
        let (text, list) = match self.claim(path) {
            Some(Value::String(text)) => (text.as_str(), &[][..]),
            Some(Value::Array(list)) => ("", list.as_slice()),
            _ => ("", &[][..]),
        };
        text.split_ascii_whitespace().chain(list.iter().filter_map(Value::as_str))
    }
}

impl std::str::FromStr for ClaimPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || {
            format!(
                "\"{text}\" is not the path of a claim: write sub, realm_access.roles, or \"name.with.dots\" in double quotes"
            )
        };
        let (mut names, mut rest) = (Vec::new(), text);
        loop {
            let (name, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(problem)?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if name.is_empty() {
                return Err(problem());
            }
            names.push(Box::from(name));
            if after.is_empty() {
                return Ok(Self(names.into()));
            }
            rest = after.strip_prefix('.').ok_or_else(problem)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn principal(claims: &Value) -> Principal {
        let claims = claims.as_object().unwrap().clone();
        Principal { claims, source: "test".into(), kind: CredentialKind::Jwt, expires: None }
    }

    #[test]
    fn claims_are_found_by_path() {
        let principal =
            principal(&json!({ "sub": "a", "realm": { "roles": ["b"] }, "https://x.y/z": 1, "r": { "a.b": 2 } }));
        for (path, expected) in [
            ("sub", Some(json!("a"))),
            ("realm.roles", Some(json!(["b"]))),
            (r#""https://x.y/z""#, Some(json!(1))),
            (r#"r."a.b""#, Some(json!(2))),
            ("https://x.y/z", None),
            ("sub.a", None),
            ("none", None),
        ] {
            assert_eq!(principal.claim(&path.parse().unwrap()), expected.as_ref(), "{path}");
        }
        for path in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b", "\"\""] {
            assert!(path.parse::<ClaimPath>().is_err(), "{path}");
        }
    }

    #[test]
    fn scopes_are_words_or_strings() {
        let principal =
            principal(&json!({ "a": " read  write", "b": ["read all", 1, "write"], "c": { "read": true }, "d": "" }));
        for (path, expected) in
            [("a", &["read", "write"][..]), ("b", &["read all", "write"]), ("c", &[]), ("d", &[]), ("e", &[])]
        {
            assert_eq!(principal.scopes(&path.parse().unwrap()).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
