//! What can be set about rate limits. Knows no file and no environment.

use std::collections::BTreeSet;

use braid_expressions::{Expression, ExpressionError};
use braid_net::config::TlsClientConfig;
use braid_redis::{RedisSetupError, check_url, is_cluster_url};
use braid_settings::{Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::key::KeySource;

/// How much a client may ask in which time. Several rules can apply to a request; all must let it pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitsConfig {
    /// The rules.
    pub rules: Vec<RuleConfig>,
    /// Refuse nothing; only count what would be refused.
    pub dry_run: bool,
    /// Whether responses say how much is left, in the headers `RateLimit` and `RateLimit-Policy`.
    pub headers: bool,
    /// The largest number of clients, or other keys, that are remembered. The least used ones are forgotten first; a key takes about 100
    /// bytes.
    pub max_keys: usize,
    /// A Redis server in which several routers count together. Without it, each router counts for itself.
    pub redis: Option<RedisConfig>,
}

impl Default for RateLimitsConfig {
    fn default() -> Self {
        Self { rules: Vec::new(), dry_run: false, headers: true, max_keys: 100_000, redis: None }
    }
}

/// A rule: so much for each key in a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name in responses and metrics: letters, digits, `-` and `_`.
    pub name: String,
    /// What requests are counted by; several parts make one key. `client_ip` (see `server.client_ip`; of IPv6 addresses the first 64 bits, since a client can choose the others), `claims.sub` (any claim), `principal` (whoever showed
    /// credentials), `api_key`, `headers.x-tenant` (any header), `operation.name`, `operation.hash`, and `{ expression: "claims.org" }`: what an expression (CEL) over `headers`, `claims` and `client_ip` says. With none, all requests are counted
    /// together.
    #[serde(default)]
    pub by: Vec<KeyPart>,
    /// What happens to a request without the claim, the credentials or the header.
    #[serde(default)]
    pub missing: Missing,
    /// How much each key may have in the time `per`.
    pub limit: u64,
    /// The time.
    pub per: Duration,
    /// How much of it at once. If it is not set, the whole limit.
    #[serde(default)]
    pub burst: Option<u64>,
    /// What a request counts.
    #[serde(default)]
    pub weight: Weight,
    /// Refuse nothing by this rule; only count what it would refuse.
    #[serde(default)]
    pub dry_run: bool,
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum KeyPart {
    /// Something with a name.
    Named(String),
    /// What an expression says.
    Made {
        /// Its text.
        expression: String,
    },
}

impl KeyPart {
    /// Reads it.
    pub(crate) fn source(&self) -> Result<KeySource, RuleProblem> {
        match self {
            Self::Named(name) => name.parse().map_err(|()| RuleProblem::By(name.clone())),
            Self::Made { expression } => Ok(KeySource::Expression(Expression::new(expression)?)),
        }
    }
}

/// What happens to a request that lacks what a rule counts by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is counted by the client's address instead.
    #[default]
    ClientIp,
    /// The rule does not apply to it.
    Skip,
}

/// What a request counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// One.
    #[default]
    One,
    /// The estimated cost of its operation; needs `demand_control`.
    Cost,
}

/// A Redis server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// The address: `redis://user:password@host:6379/0`, `redis+sentinel://host1:26379,host2:26379/master-name` or
    /// `redis+cluster://host1:6379,host2:6379`; with `rediss` instead of `redis` for TLS.
    pub url: Secret,
    /// TLS, for addresses with `rediss`.
    #[serde(default)]
    pub tls: TlsClientConfig,
    /// How long a request waits for Redis; `50ms` if it is not set. When it fails or takes longer, the router counts for itself until Redis answers again.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// What the keys begin with; `braid:limit:` if it is not set. Routers with the same prefix and the same names of graphs and rules count together.
    /// In a cluster it needs a part in braces, such as `{braid}:limit:`, so that all keys are at one node.
    #[serde(default = "prefix")]
    pub prefix: String,
}

const fn timeout() -> Duration {
    Duration::millis(50)
}

fn prefix() -> String {
    "braid:limit:".to_owned()
}

/// Why a setting can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RateLimitsConfigError {
    /// Something about a rule.
    #[error("rate_limits.rules: \"{rule}\": {problem}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong.
        problem: RuleProblem,
    },
    /// Nothing may be remembered.
    #[error("rate_limits.max_keys: give at least 1000")]
    MaxKeys,
    /// The address of Redis is wrong.
    #[error("rate_limits.redis.url can't be used")]
    RedisUrl(#[source] RedisSetupError),
    /// The keys of a request would be at different nodes of a cluster.
    #[error(
        "rate_limits.redis.prefix: in a cluster write a part of it in braces, such as {{braid}}:limit:, so that all keys are at one node"
    )]
    Prefix,
    /// Redis would never be waited for.
    #[error("rate_limits.redis.timeout: give at least 1ms")]
    Timeout,
}

/// What is wrong with a rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleProblem {
    /// The name can't be in a header.
    #[error("a name has 1 to 64 letters, digits, - and _")]
    Name,
    /// Another rule has the name.
    #[error("two rules have this name")]
    SameName,
    /// It counts by something unknown.
    #[error(
        "by: \"{0}\" is unknown; write client_ip, principal, api_key, claims.NAME, headers.NAME, operation.name or operation.hash"
    )]
    By(String),
    /// It counts by an expression that can't be used.
    #[error("by: {0}")]
    Expression(#[from] ExpressionError),
    /// It lets nothing pass.
    #[error("{0}: give at least 1")]
    Zero(&'static str),
    /// The time is out of range.
    #[error("per: give a time from 1ms to 1000h")]
    Per,
    /// The limit is out of range.
    #[error("limit: {0} is more than one in a microsecond")]
    TooMany(u64),
}

impl RateLimitsConfig {
    /// The files that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.redis.iter().flat_map(|redis| redis.tls.files())
    }

    /// The same, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let tls = self.redis.iter_mut().map(|redis| &mut redis.tls);
        tls.flat_map(|tls| [&mut tls.authorities, &mut tls.certificate, &mut tls.key]).flatten()
    }

    /// The name of a rule that counts costs, if there is one.
    pub fn counts_costs(&self) -> Option<&str> {
        self.rules.iter().find(|rule| rule.weight == Weight::Cost).map(|rule| rule.name.as_str())
    }

    /// Checks what the types can't express.
    pub fn check(&self) -> Result<(), RateLimitsConfigError> {
        let mut names = BTreeSet::new();
        for rule in &self.rules {
            let checked = rule.check();
            let checked = if names.insert(&rule.name) { checked } else { Err(RuleProblem::SameName) };
            checked.map_err(|problem| RateLimitsConfigError::Rule { rule: rule.name.clone(), problem })?;
        }
        if self.max_keys < 1000 {
            return Err(RateLimitsConfigError::MaxKeys);
        }
        match &self.redis {
            None => Ok(()),
            Some(redis) if redis.timeout.0.is_zero() => Err(RateLimitsConfigError::Timeout),
            Some(redis) if is_cluster_url(&redis.url.0) && !has_hash_tag(&redis.prefix) => {
                Err(RateLimitsConfigError::Prefix)
            }
            Some(redis) => check_url(&redis.url.0).map_err(RateLimitsConfigError::RedisUrl),
        }
    }
}

/// Whether Redis hashes a part of the prefix, and nothing else of a key.
fn has_hash_tag(prefix: &str) -> bool {
    prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}')).is_some_and(|(tag, _)| !tag.is_empty())
}

impl RuleConfig {
    fn check(&self) -> Result<(), RuleProblem> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(is_name) {
            return Err(RuleProblem::Name);
        }
        self.by.iter().try_for_each(|by| by.source().map(drop))?;
        if self.limit == 0 {
            return Err(RuleProblem::Zero("limit"));
        }
        if self.burst == Some(0) {
            return Err(RuleProblem::Zero("burst"));
        }
        let nanos = self.per.0.as_nanos();
        if !(1_000_000..=3_600_000_000_000_000).contains(&nanos) {
            return Err(RuleProblem::Per);
        }
        if u128::from(self.limit) * 1000 > nanos { Err(RuleProblem::TooMany(self.limit)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let refused = |yaml: &str| {
            let config: RateLimitsConfig = braid_settings::from_yaml(yaml).unwrap();
            config.check().unwrap_err().to_string()
        };
        let rule = |rest: &str| refused(&format!("rules: [{{ name: a, {rest} }}]"));
        assert_eq!(rule("limit: 0, per: 1m"), "rate_limits.rules: \"a\": limit: give at least 1");
        assert!(rule("limit: 1, per: 0s").contains("1ms to 1000h"));
        assert!(rule("limit: 1, per: 1m, burst: 0").contains("burst"));
        assert!(rule("limit: 1, per: 1m, by: [ip]").contains("\"ip\" is unknown; write client_ip"));
        assert!(rule("limit: 1, per: 1m, by: [headers.a b]").contains("unknown"));
        assert!(rule("limit: 1, per: 1m, by: [{ expression: claim.org }]").contains("\"claim\" is unknown; there are"));
        assert!(rule("limit: 1800000, per: 1s").contains("microsecond"));
        assert!(refused("rules: [{ name: \"a b\", limit: 1, per: 1s }]").contains("letters"));
        assert!(refused("rules: [{ name: a, limit: 1, per: 1s }, { name: a, limit: 1, per: 1s }]").contains("two"));
        assert!(refused("max_keys: 10").contains("1000"));
        assert!(refused("redis: { url: \"redis://a\", timeout: 0s }").contains("timeout"));
        assert!(refused("redis: { url: \"http://a\" }").contains("redis.url"));
    }
}
