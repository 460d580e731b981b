//! The settings of this service beyond those of all services.

use std::time::Duration;

use clap::Args;
use service::ServiceInfo;

/// The name of this service and where it listens.
pub const INFO: ServiceInfo = ServiceInfo {
    name: "users",
    port: 4001,
    about: "The users subgraph: accounts, signing in, and the keys that verify tokens",
};

/// The settings of the users service.
#[derive(Debug, Clone, Args)]
#[group(id = "users")]
pub struct Config {
    /// The settings of all services.
    #[command(flatten)]
    pub service: service::Config,
    /// The private key that signs tokens, EC P-256 as PKCS #8 PEM; without it, one is generated and stored in the database.
    #[arg(long, env = "JWT_PRIVATE_KEY", value_name = "PEM", hide_env_values = true)]
    pub jwt_private_key: Option<String>,
    /// Seconds after which a token expires.
    #[arg(long, env = "JWT_SECONDS", value_name = "SECONDS", default_value_t = TOKEN_SECONDS, value_parser = clap::value_parser!(u64).range(1..))]
    pub jwt_seconds: u64,
}

/// Half a day: long enough to try things out in one session.
const TOKEN_SECONDS: u64 = 12 * 60 * 60;

impl Config {
    /// The defaults, without flags and environment: what tests and the launcher start from.
    pub fn new() -> Self {
        Self { service: service::Config::new(&INFO), jwt_private_key: None, jwt_seconds: TOKEN_SECONDS }
    }

    pub(crate) fn token_life(&self) -> Duration {
        Duration::from_secs(self.jwt_seconds)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl AsRef<service::Config> for Config {
    fn as_ref(&self) -> &service::Config {
        &self.service
    }
}
