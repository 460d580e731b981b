//! What can be set about the policy server. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_settings::{Duration, Secret};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An HTTP service that decides the policies (`@policy`) which neither claims nor `authorization.policies` grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyServerConfig {
    /// Its URL. If not set, such policies are not satisfied.
    pub url: Option<String>,
    /// The time that it can take to answer. After that, the policies are not satisfied.
    pub timeout: Duration,
    /// How long a decision is kept.
    pub keep: Duration,
    /// The maximum number of decisions that are kept; each takes about 100 bytes.
    pub max_decisions: usize,
    /// The maximum number of calls at the same time; further ones are queued.
    pub max_concurrent_calls: usize,
    /// Headers for it, by name.
    pub headers: IndexMap<String, Secret>,
    /// TLS, for a URL at `https://`.
    pub tls: TlsClientConfig,
}

impl Default for PolicyServerConfig {
    fn default() -> Self {
        Self {
            url: None,
            timeout: Duration::seconds(1),
            keep: Duration::seconds(10),
            max_decisions: 100_000,
            max_concurrent_calls: 64,
            headers: IndexMap::new(),
            tls: TlsClientConfig::default(),
        }
    }
}
