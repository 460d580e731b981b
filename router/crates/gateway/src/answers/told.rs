//! What clients and the caches between are told about keeping an answer (RFC 9111). Knows no cache.

use braid_cache_store::now;
use braid_request_context::Cacheability;
use braid_request_context::cache_control::CacheControl;
use braid_request_context::headers::HeaderPlans;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::config::AnswersSetup;
use super::keeping::Keeping;
use super::surrogate::SurrogateKeys;
use crate::answer::{X_ACCEL_EXPIRES, forbid_caching};

/// What is told of all answers.
#[derive(Debug)]
pub(crate) struct Told {
    /// What every answer depends on.
    vary: HeaderValue,
    sends_age: bool,
    surrogate_keys: Option<SurrogateKeys>,
}

/// Why it can't be told who may keep answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswersError {
    /// A text that is not a header name.
    #[error("cache: \"{0}\" is not a header name")]
    Name(String),
    /// A header rule writes what the router computes.
    #[error(
        "headers: a response rule writes \"{0}\", which the router computes itself: remove the rule, or set cache.answers.headers: false"
    )]
    Rule(HeaderName),
}

impl Told {
    /// What is told by these settings; `None` if nothing.
    pub(crate) fn new(setup: &AnswersSetup, rules: &HeaderPlans) -> Result<Option<Self>, AnswersError> {
        if !setup.config.headers {
            return Ok(None);
        }
        let surrogate_keys = setup.config.surrogate_keys.as_ref().map(SurrogateKeys::new).transpose();
        let surrogate_keys = surrogate_keys.map_err(AnswersError::Name)?;
        let own = [header::CACHE_CONTROL, header::AGE, header::ETAG, header::EXPIRES, header::LAST_MODIFIED];
        let own = own.iter().chain(surrogate_keys.as_ref().map(|keys| &keys.header));
        if let Some(name) = own.into_iter().find(|name| rules.writes_to_clients(name)) {
            return Err(AnswersError::Rule(name.clone()));
        }
        let mut vary = "accept".to_owned();
        for name in &setup.vary {
            let name: HeaderName = name.parse().map_err(|_| AnswersError::Name(name.clone()))?;
            vary = vary + ", " + name.as_str();
        }
        let vary = HeaderValue::try_from(vary).map_err(|error| AnswersError::Name(error.to_string()))?;
        Ok(Some(Self { vary, sends_age: setup.config.age, surrogate_keys }))
    }

    /// Adds to the headers of an answer who may keep it.
    pub(crate) fn write(&self, keeping: Keeping, out: &mut HeaderMap) {
        forbid_caching(out);
        out.append(header::VARY, self.vary.clone());
        let (cacheability, is_public) = match keeping {
            Keeping::Nobody => {
                out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                return;
            }
            Keeping::Client(cacheability) => (cacheability, false),
            // A cookie is one client's, whatever it came with.
            Keeping::Anybody(cacheability) => (cacheability, !out.contains_key(header::SET_COOKIE)),
        };
        // Nobody could tell a cache to throw it out that was not told its tags.
        let is_public =
            is_public && self.surrogate_keys.as_ref().is_none_or(|keys| keys.write(&cacheability.tags, out).is_ok());
        if !is_public {
            out.append(header::VARY, HeaderValue::from_static("authorization, cookie"));
        }
        self.write_age(&cacheability, is_public, out);
    }

    fn write_age(&self, cacheability: &Cacheability, is_public: bool, out: &mut HeaderMap) {
        let now = now();
        let left = cacheability.fresh_until.saturating_sub(now) / 1000;
        // A begun second counts for the age, and not for the time: what is told must not end later than what is so.
        let age = if self.sends_age { now.saturating_sub(cacheability.since).div_ceil(1000) } else { 0 };
        let all = cacheability.fresh_until.saturating_sub(cacheability.since) / 1000;
        let max_age = Some(if self.sends_age { all } else { left });
        let control = CacheControl { max_age, public: is_public, private: !is_public, ..CacheControl::default() };
        out.insert(header::CACHE_CONTROL, control.to_value());
        if age > 0 {
            out.insert(header::AGE, HeaderValue::from(age));
        }
        // nginx takes max-age without looking at Age, and this before it.
        if age > 0 && is_public {
            out.insert(X_ACCEL_EXPIRES, HeaderValue::from(left));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use braid_cache_store::Store;
    use std::sync::Arc;

    use braid_cache_store::config::StoreConfig;
    use braid_request_context::header_rules::HeadersConfig;

    use super::super::config::{AnswersConfig, SurrogateKeysConfig};
    use super::*;

    fn told(rules: &str, change: impl FnOnce(&mut AnswersConfig)) -> Result<Option<Told>, AnswersError> {
        let mut config = AnswersConfig::default();
        change(&mut config);
        let store = Store::new(&StoreConfig::default(), &Arc::default(), None).unwrap();
        let rules: HeadersConfig = serde_json::from_str(rules).unwrap();
        let plans = HeaderPlans::new(&rules, ["a"].into_iter()).unwrap();
        Told::new(&AnswersSetup { config, vary: vec!["Accept-Language".to_owned()], store }, &plans)
    }

    fn of(since: u64, left: u64, tags: &[&str]) -> Cacheability {
        Cacheability {
            since: now() - since,
            fresh_until: now() + left,
            is_private: false,
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            depends_on: None,
        }
    }

    fn check(told: &Told, keeping: Keeping, expected: &[(&str, &str)]) {
        let mut out = HeaderMap::new();
        told.write(keeping, &mut out);
        let found: Vec<_> = out.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        for header in expected {
            assert!(found.contains(header), "{header:?} is not in {found:?}");
        }
        assert_eq!(found.len(), expected.len(), "{found:?}");
    }

    const VARY: (&str, &str) = ("vary", "accept, accept-language");
    const VARY_BY_CLIENT: (&str, &str) = ("vary", "authorization, cookie");

    #[test]
    fn an_answer_is_kept_as_long_as_its_parts() {
        let told = told("{}", |_| ()).unwrap().unwrap();
        check(&told, Keeping::Nobody, &[("cache-control", "no-store"), VARY]);
        let young = Keeping::Anybody(of(0, 60_400, &["a"]));
        let mut out = HeaderMap::new();
        told.write(young, &mut out);
        assert_eq!(out["cache-control"], "max-age=60, public");
        let control = ("cache-control", "max-age=31, public");
        let old = Keeping::Anybody(of(20_500, 10_500, &["a"]));
        check(&told, old, &[control, ("age", "21"), ("x-accel-expires", "10"), VARY]);
        let private = Keeping::Client(of(20_500, 10_500, &["a"]));
        let control = ("cache-control", "max-age=31, private");
        check(&told, private, &[control, ("age", "21"), VARY, VARY_BY_CLIENT]);
        let over = Keeping::Anybody(Cacheability { fresh_until: 0, ..of(20_500, 0, &[]) });
        check(&told, over, &[("cache-control", "max-age=0, public"), ("age", "21"), ("x-accel-expires", "0"), VARY]);
    }

    #[test]
    fn caches_that_ignore_age_are_told_what_is_left() {
        let told = told("{}", |config| config.age = false).unwrap().unwrap();
        check(&told, Keeping::Anybody(of(20_500, 10_500, &[])), &[("cache-control", "max-age=10, public"), VARY]);
    }

    #[test]
    fn who_can_not_be_told_to_throw_it_out_does_not_keep_it() {
        let keys = SurrogateKeysConfig { max_bytes: braid_settings::ByteSize(5), ..SurrogateKeysConfig::default() };
        let told = told("{}", |config| (config.age, config.surrogate_keys) = (false, Some(keys))).unwrap().unwrap();
        let (few, many) = (of(0, 9_500, &["a", "b"]), of(0, 9_500, &["aaa", "bbb"]));
        let public = ("cache-control", "max-age=9, public");
        check(&told, Keeping::Anybody(few.clone()), &[public, ("surrogate-key", "a b"), VARY]);
        let private = ("cache-control", "max-age=9, private");
        check(&told, Keeping::Anybody(many), &[private, VARY, VARY_BY_CLIENT]);
        check(&told, Keeping::Client(few), &[private, VARY, VARY_BY_CLIENT]);
    }

    #[test]
    fn a_cookie_is_one_clients() {
        let told = told("{}", |_| ()).unwrap().unwrap();
        let mut out = HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_static("a=b"))]);
        told.write(Keeping::Anybody(of(0, 9_000, &[])), &mut out);
        assert!(out["cache-control"].to_str().unwrap().ends_with("private"));
    }

    #[test]
    fn rules_do_not_write_what_is_computed() {
        let error = |rule: &str| told(&format!("{{\"all\":{{\"response\":[{rule}]}}}}"), |_| ()).unwrap_err();
        let name = |name: &'static str| AnswersError::Rule(HeaderName::from_static(name));
        assert_eq!(error(r#"{"propagate":{"name":"Cache-Control"}}"#), name("cache-control"));
        assert_eq!(error(r#"{"insert":{"name":"age","value":"1"}}"#), name("age"));
        let rules = r#"{"all":{"response":[{"propagate":{"name":"cache-control"}}]}}"#;
        assert!(told(rules, |config| config.headers = false).unwrap().is_none());
        assert!(told(r#"{"all":{"response":[{"propagate":{"name":"x-a"}}]}}"#, |_| ()).is_ok());
    }
}
