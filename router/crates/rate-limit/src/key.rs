//! What requests are counted by: from a request to the bytes of a key. Knows no limit.

use std::net::IpAddr;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use braid_expressions::Expression;
use braid_request_context::RequestContext;
use braid_request_context::identity::{ClaimPath, CredentialKind, Principal};
use http::HeaderName;
use serde_json::Value;
use smallvec::SmallVec;

use crate::request::Operation;

/// A part of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeySource {
    ClientIp,
    Claim(ClaimPath),
    Principal,
    ApiKey,
    Header(HeaderName),
    OperationName,
    OperationHash,
    Expression(Expression),
}

/// The bytes of a key. Two requests with different parts have different bytes: each part stands with its length.
#[derive(Debug)]
pub(crate) struct Key(SmallVec<[u8; 128]>);

/// What keys are made of.
pub(crate) struct Facts<'a> {
    pub(crate) context: &'a RequestContext,
    /// None before the body is read.
    pub(crate) operation: Option<&'a Operation<'a>>,
}

impl FromStr for KeySource {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(path) = text.strip_prefix("claims.") {
            return path.parse().map(Self::Claim).map_err(|_| ());
        }
        if let Some(name) = text.strip_prefix("headers.") {
            return name.parse().map(Self::Header).map_err(|_| ());
        }
        Ok(match text {
            "client_ip" => Self::ClientIp,
            "principal" => Self::Principal,
            "api_key" => Self::ApiKey,
            "operation.name" => Self::OperationName,
            "operation.hash" => Self::OperationHash,
            _ => return Err(()),
        })
    }
}

impl KeySource {
    /// Whether it is known only when the operation is.
    pub(crate) fn needs_operation(&self) -> bool {
        matches!(self, Self::OperationName | Self::OperationHash)
    }

    /// Adds this part of a request to its key. Returns false if the request lacks it.
    fn add(&self, key: &mut Key, facts: &Facts<'_>) -> bool {
        let principal = facts.context.identity.principal();
        match self {
            Self::ClientIp => key.client(facts.context.client),
            Self::Claim(path) => match principal.and_then(|principal| principal.claim(path)) {
                None | Some(Value::Null) => return false,
                Some(Value::String(text)) => key.part(b'c', text.as_bytes()),
                Some(other) => key.part(b'j', other.to_string().as_bytes()),
            },
            Self::Principal => match principal {
                Some(principal) => key.principal(principal),
                None => return false,
            },
            Self::ApiKey => match principal.filter(|principal| principal.kind == CredentialKind::ApiKey) {
                Some(principal) => key.part(b'k', principal.source.as_bytes()),
                None => return false,
            },
            Self::Header(name) => {
                let mut values = facts.context.headers.get_all(name).iter().peekable();
                if values.peek().is_none() {
                    return false;
                }
                values.for_each(|value| key.part(b'h', value.as_bytes()));
            }
            Self::Expression(expression) => match expression.value(&facts.context.inputs()) {
                None => return false,
                Some(Value::String(text)) => key.part(b'x', text.as_bytes()),
                Some(other) => key.part(b'y', other.to_string().as_bytes()),
            },
            Self::OperationName => {
                let name = facts.operation.and_then(|operation| operation.name).unwrap_or_default();
                key.part(b'n', name.as_bytes());
            }
            Self::OperationHash => {
                let hash = facts.operation.map_or(0, |operation| operation.hash);
                key.part(b'o', &hash.to_le_bytes());
            }
        }
        true
    }
}

impl Key {
    /// The key of a request under a rule. None if it lacks a part and `instead` has nothing in its place.
    pub(crate) fn of(rule: &str, sources: &[KeySource], or_client: bool, facts: &Facts<'_>) -> Option<Self> {
        let mut key = Self(SmallVec::new());
        key.part(b'r', rule.as_bytes());
        for source in sources {
            if source.add(&mut key, facts) {
                continue;
            }
            if !or_client {
                return None;
            }
            key.client(facts.context.client);
        }
        Some(key)
    }

    /// A hash that nobody outside can aim at, for tables of this process.
    pub(crate) fn hash(&self, seed: u64) -> u128 {
        xxhash_rust::xxh3::xxh3_128_with_seed(&self.0, seed)
    }

    /// A hash that is the same in all routers: the half of SHA-256, in hexadecimal.
    pub(crate) fn shared_hash(&self) -> String {
        hex::encode(&digest(&SHA256, &self.0).as_ref()[..16])
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// An IPv6 client chooses the second half of its address.
    fn client(&mut self, client: Option<IpAddr>) {
        match client {
            Some(IpAddr::V4(address)) => self.part(b'4', &address.octets()),
            Some(IpAddr::V6(address)) => self.part(b'6', &address.octets()[..8]),
            None => self.part(b'?', b""),
        }
    }

    /// Tokens of one provider are told apart by `sub`, where they have it.
    fn principal(&mut self, principal: &Principal) {
        let kind = match principal.kind {
            CredentialKind::Jwt => b'J',
            CredentialKind::ApiKey => b'K',
            CredentialKind::ClientCertificate => b'C',
            CredentialKind::Plugin => b'P',
        };
        self.part(kind, principal.source.as_bytes());
        if let Some(Value::String(subject)) = principal.claims.get("sub") {
            self.part(b's', subject.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use braid_request_context::Identity;
    use braid_request_context::headers::HeaderPlans;
    use serde_json::json;

    use super::*;

    fn context(headers: &[(&'static str, &str)], claims: Option<Value>, kind: CredentialKind) -> RequestContext {
        let (mut head, ()) = http::Request::new(()).into_parts();
        headers.iter().for_each(|(name, value)| {
            head.headers.append(*name, value.parse().unwrap());
        });
        let plans = HeaderPlans::new(&Default::default(), std::iter::empty()).unwrap();
        let mut context = RequestContext::new(head, None, Duration::from_secs(1), Arc::new(plans));
        if let Some(Value::Object(claims)) = claims {
            let principal = Principal { claims, source: "id".into(), kind, expires: None };
            context.identity = Identity::Known(Arc::new(principal));
        }
        context
    }

    fn key(by: &str, or_client: bool, context: &mut RequestContext, client: &str) -> Option<SmallVec<[u8; 128]>> {
        let sources: Vec<KeySource> = by.split_whitespace().map(|source| source.parse().unwrap()).collect();
        let operation = Operation { name: Some("Me"), hash: 7, cost: 1 };
        context.client = client.parse().ok();
        let facts = Facts { context, operation: Some(&operation) };
        Key::of("rule", &sources, or_client, &facts).map(|key| key.0)
    }

    #[test]
    fn different_requests_have_different_keys() {
        let mut ada = context(&[("x-a", "1"), ("x-b", "23")], Some(json!({ "sub": "ada" })), CredentialKind::Jwt);
        let mut bob = context(&[("x-a", "12"), ("x-b", "3")], Some(json!({ "sub": "bob" })), CredentialKind::Jwt);
        for by in ["claims.sub", "principal", "headers.x-a", "headers.x-a headers.x-b", "client_ip claims.sub"] {
            assert_ne!(key(by, false, &mut ada, "10.0.0.1"), key(by, false, &mut bob, "10.0.0.1"), "{by}");
            assert_eq!(key(by, false, &mut ada, "10.0.0.1"), key(by, false, &mut ada, "10.0.0.1"), "{by}");
        }
        assert_ne!(key("client_ip", false, &mut ada, "10.0.0.1"), key("client_ip", false, &mut ada, "10.0.0.2"));
        assert_ne!(key("operation.name", false, &mut ada, ""), key("operation.hash", false, &mut ada, ""));
        let mut number = context(&[], Some(json!({ "sub": 1 })), CredentialKind::Jwt);
        let mut text = context(&[], Some(json!({ "sub": "1" })), CredentialKind::Jwt);
        assert_ne!(key("claims.sub", false, &mut number, ""), key("claims.sub", false, &mut text, ""));
    }

    #[test]
    fn expressions_make_parts() {
        let by = [KeySource::Expression(Expression::new("claims.org + '/' + headers['x-a']").unwrap())];
        let key = |org: Option<&str>, header: &str| {
            let mut context = context(&[("x-a", header)], org.map(|org| json!({ "org": org })), CredentialKind::Jwt);
            context.client = None;
            Key::of("rule", &by, false, &Facts { context: &context, operation: None }).map(|key| key.0)
        };
        assert_eq!(key(Some("acme"), "1"), key(Some("acme"), "1"));
        assert_ne!(key(Some("acme"), "1"), key(Some("acme"), "2"));
        assert_ne!(key(Some("acme"), "1"), key(Some("other"), "1"));
        assert_eq!(key(None, "1"), None);
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let mut nobody = context(&[], None, CredentialKind::Jwt);
        let mut of = |client| key("client_ip", false, &mut nobody, client);
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn what_is_missing_is_the_client_or_skips_the_rule() {
        let mut nobody = context(&[], None, CredentialKind::Jwt);
        let mut ada = context(&[], Some(json!({ "sub": "ada" })), CredentialKind::Jwt);
        for by in ["claims.sub", "principal", "api_key", "headers.x-a"] {
            assert_eq!(key(by, false, &mut nobody, "10.0.0.1"), None, "{by}");
            assert_ne!(key(by, true, &mut nobody, "10.0.0.1"), key(by, true, &mut nobody, "10.0.0.2"), "{by}");
            assert!(key(by, true, &mut nobody, "").is_some(), "{by}");
        }
        assert_eq!(key("api_key", false, &mut ada, ""), None, "a token is no API key");
        let mut robot = context(&[], Some(json!({})), CredentialKind::ApiKey);
        assert!(key("api_key", false, &mut robot, "").is_some());
    }
}
