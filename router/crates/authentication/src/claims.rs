//! What a token's claims must be (RFC 7519 §4.1) to be accepted from a provider. Knows no key.

use serde_json::{Map, Value};

use crate::error::AuthenticationError;

/// What a provider's tokens must say.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    /// Those that `iss` can be; all if there are none.
    pub(crate) issuers: Vec<String>,
    /// `aud` must have one of these, if there are any.
    pub(crate) audiences: Vec<String>,
    pub(crate) required: Vec<String>,
    pub(crate) allow_missing_exp: bool,
    /// How far the clocks can be apart, in seconds.
    pub(crate) skew: u64,
}

/// The first second in which a token is no longer accepted, since 1970; `None` if it never expires.
pub(crate) type End = Option<u64>;

impl ClaimRules {
    /// Whether tokens with this `iss` are the provider's.
    pub(crate) fn is_issuer(&self, issuer: Option<&str>) -> bool {
        self.issuers.is_empty() || issuer.is_some_and(|issuer| self.issuers.iter().any(|own| own == issuer))
    }

    /// Judges claims, whose issuer is the provider's, at a time in seconds since 1970.
    pub(crate) fn check(&self, claims: &Map<String, Value>, now: u64) -> Result<End, AuthenticationError> {
        let expires = seconds(claims, "exp")?;
        if expires.is_none() && !self.allow_missing_exp {
            return Err(AuthenticationError::MissingClaim);
        }
        let end = expires.map(|expires| expires.saturating_add(self.skew));
        if end.is_some_and(|end| now >= end) {
            return Err(AuthenticationError::Expired);
        }
        if seconds(claims, "nbf")?.is_some_and(|not_before| not_before > now.saturating_add(self.skew)) {
            return Err(AuthenticationError::NotYetValid);
        }
        self.check_audience(claims)?;
        if self.required.iter().any(|name| claims.get(name).is_none_or(Value::is_null)) {
            return Err(AuthenticationError::MissingClaim);
        }
        Ok(end)
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), AuthenticationError> {
        let is_ours = |audience: &str| self.audiences.iter().any(|own| own == audience);
        let accepted = match claims.get("aud") {
            _ if self.audiences.is_empty() => true,
            None => return Err(AuthenticationError::MissingClaim),
            Some(Value::String(audience)) => is_ours(audience),
            Some(Value::Array(audiences)) if audiences.iter().all(Value::is_string) => {
                audiences.iter().filter_map(Value::as_str).any(is_ours)
            }
            Some(_) => return Err(AuthenticationError::InvalidClaim),
        };
        if accepted { Ok(()) } else { Err(AuthenticationError::Audience) }
    }
}

/// The claim `iss`.
pub(crate) fn issuer(claims: &Map<String, Value>) -> Result<Option<&str>, AuthenticationError> {
    match claims.get("iss") {
        None => Ok(None),
        Some(Value::String(issuer)) => Ok(Some(issuer)),
        Some(_) => Err(AuthenticationError::InvalidClaim),
    }
}

/// A time in whole seconds since 1970; a fraction is cut off, as RFC 7519 §2 allows one.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, AuthenticationError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_u64().or_else(|| {
        let seconds = value.as_f64()?;
        (0.0..MOST_SECONDS).contains(&seconds).then_some(seconds as u64)
    });
    whole.map(Some).ok_or(AuthenticationError::InvalidClaim)
}

/// Above it, a floating point number does not have whole seconds.
const MOST_SECONDS: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::AuthenticationError::{Audience, Expired, InvalidClaim, MissingClaim, NotYetValid};
    use super::*;

    const NOW: u64 = 1_000_000;

    fn rules() -> ClaimRules {
        ClaimRules {
            issuers: vec!["https://a/".to_owned()],
            audiences: vec!["shop".to_owned(), "till".to_owned()],
            required: vec!["sub".to_owned()],
            allow_missing_exp: false,
            skew: 30,
        }
    }

    fn check(claims: Value, expected: Result<End, AuthenticationError>) {
        let mut all = json!({ "exp": NOW + 10, "aud": "shop", "sub": "a" }).as_object().unwrap().clone();
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::String(text) if text == "missing" => all.remove(name),
                value => all.insert(name.clone(), value.clone()),
            };
        }
        assert_eq!(rules().check(&all, NOW), expected, "{claims}");
    }

    #[test]
    fn times() {
        check(json!({}), Ok(Some(NOW + 40)));
        check(json!({ "exp": NOW - 29 }), Ok(Some(NOW + 1)));
        check(json!({ "exp": NOW - 30 }), Err(Expired));
        check(json!({ "exp": NOW as f64 + 0.5 }), Ok(Some(NOW + 30)));
        check(json!({ "exp": u64::MAX }), Ok(Some(u64::MAX)));
        check(json!({ "exp": "missing" }), Err(MissingClaim));
        for wrong in [
            json!(null),
            json!((NOW + 10).to_string()),
            json!(-1),
            json!(-0.5),
            json!(1e300),
            json!([NOW]),
            json!(true),
        ] {
            check(json!({ "exp": wrong }), Err(InvalidClaim));
            check(json!({ "nbf": wrong }), Err(InvalidClaim));
        }
        check(json!({ "nbf": NOW + 30 }), Ok(Some(NOW + 40)));
        check(json!({ "nbf": NOW + 31 }), Err(NotYetValid));
    }

    #[test]
    fn audiences() {
        check(json!({ "aud": ["x", "till"] }), Ok(Some(NOW + 40)));
        check(json!({ "aud": "x" }), Err(Audience));
        check(json!({ "aud": [] }), Err(Audience));
        check(json!({ "aud": "SHOP" }), Err(Audience));
        check(json!({ "aud": "missing" }), Err(MissingClaim));
        check(json!({ "aud": ["shop", 1] }), Err(InvalidClaim));
        check(json!({ "aud": { "shop": true } }), Err(InvalidClaim));
        check(json!({ "aud": null }), Err(InvalidClaim));
    }

    #[test]
    fn required_claims() {
        check(json!({ "sub": "missing" }), Err(MissingClaim));
        check(json!({ "sub": null }), Err(MissingClaim));
    }

    #[test]
    fn issuers() {
        let rules = rules();
        assert!(rules.is_issuer(Some("https://a/")) && !rules.is_issuer(Some("https://a")) && !rules.is_issuer(None));
        let any = ClaimRules { issuers: Vec::new(), ..rules };
        assert!(any.is_issuer(Some("x")) && any.is_issuer(None));
        assert_eq!(issuer(json!({ "iss": ["https://a/"] }).as_object().unwrap()), Err(InvalidClaim));
    }
}
