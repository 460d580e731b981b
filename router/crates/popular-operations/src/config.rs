//! What can be set about sharing popular operations. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_redis::check_url;
use braid_settings::{Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operations that clients use most are shared over Redis: a router that starts compiles those of the others before it serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedOperationsConfig {
    /// The address: `redis://host:6379/0`, or `rediss://` for TLS, with `user:password@` before the host if needed.
    pub url: Secret,
    /// TLS, for a server at `rediss://`.
    #[serde(default)]
    pub tls: TlsClientConfig,
    /// How long a router waits for an answer of Redis; `500ms` if it is not set. No request waits for it.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// What the keys begin with; `braid:popular:` if it is not set. Routers of other graphs need another prefix.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// How many operations are shared; `200` if it is not set.
    #[serde(default = "most")]
    pub most: usize,
    /// How often a router says what was used; `30s` if it is not set.
    #[serde(default = "every")]
    pub every: Duration,
    /// How long a router that starts reads and compiles before it serves anyway; `10s` if it is not set.
    #[serde(default = "max_wait")]
    pub max_wait: Duration,
}

const fn timeout() -> Duration {
    Duration::millis(500)
}

fn prefix() -> String {
    "braid:popular:".to_owned()
}

const fn most() -> usize {
    200
}

const fn every() -> Duration {
    Duration::seconds(30)
}

const fn max_wait() -> Duration {
    Duration::seconds(10)
}

/// The most operations that can be shared.
const MOST: usize = 10_000;

impl SharedOperationsConfig {
    /// Says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MOST).contains(&self.most) {
            return Err(format!("most: give a number from 1 to {MOST}"));
        }
        if self.every.0 < std::time::Duration::from_millis(100) || self.timeout.0.is_zero() {
            return Err("give at least 100ms as every, and 1ms as timeout".to_owned());
        }
        check_url(&self.url.0).map_err(|error| format!("url can't be used: {}", braid_net::chain(&error)))
    }
}
