//! The settings of this service beyond those of all services.

use std::time::Duration;

use clap::Args;
use service::ServiceInfo;

use crate::saga::Policy;

/// The name of this service and where it listens.
pub const INFO: ServiceInfo = ServiceInfo {
    name: "orders",
    port: 4002,
    about: "The orders subgraph: orders: quotes, placing, payment, sending, refunds",
};

/// The settings of the orders service.
#[derive(Debug, Clone, Args)]
#[group(id = "orders")]
pub struct Config {
    /// The settings of all services.
    #[command(flatten)]
    pub service: service::Config,
    /// URL of inventory's GraphQL endpoint; called directly, not through the router.
    #[arg(long, env = "INVENTORY_URL", value_name = "URL", default_value = INVENTORY_URL)]
    pub inventory_url: String,
    /// Seconds that a call to inventory may take.
    #[arg(long, env = "INVENTORY_TIMEOUT", value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub inventory_timeout: Duration,
    /// Seconds between two searches for incomplete orders.
    #[arg(long, env = "RECONCILE_INTERVAL", value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub reconcile_interval: Duration,
    /// Seconds for which one instance holds an incomplete order; longer than the calls of one order take.
    #[arg(long, env = "RECONCILE_LEASE", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub reconcile_lease: Duration,
    /// URL of the payment provider's API, without `/v1`; without it, a sandbox accepts everything and takes no money.
    #[arg(long, env = "PAYMENT_URL", value_name = "URL")]
    pub payment_url: Option<String>,
    /// The secret key for it.
    #[arg(long, env = "PAYMENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub payment_secret: Option<String>,
    /// Seconds that a call to the payment provider may take.
    #[arg(long, env = "PAYMENT_TIMEOUT", value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub payment_timeout: Duration,
    /// Seconds for which a quote can be accepted.
    #[arg(long, env = "QUOTE_SECONDS", value_name = "SECONDS", default_value = "900", value_parser = seconds)]
    pub quote_for: Duration,
    /// Seconds for which buyers can cancel an order that was not sent.
    #[arg(long, env = "CANCEL_SECONDS", value_name = "SECONDS", default_value = "86400", value_parser = seconds)]
    pub cancel_within: Duration,
    /// Days after its arrival for which buyers can send something back; 0 if they can't by themselves.
    #[arg(long, env = "RETURN_DAYS", value_name = "DAYS", default_value_t = 30)]
    pub return_days: u16,
}

const INVENTORY_URL: &str = "http://127.0.0.1:4003/graphql";

impl Config {
    /// The defaults, without flags and environment: what tests and the launcher start from.
    pub fn new() -> Self {
        Self {
            service: service::Config::new(&INFO),
            inventory_url: INVENTORY_URL.to_owned(),
            inventory_timeout: Duration::from_secs(5),
            reconcile_interval: Duration::from_secs(1),
            reconcile_lease: Duration::from_secs(30),
            payment_url: None,
            payment_secret: None,
            payment_timeout: Duration::from_secs(5),
            quote_for: Duration::from_secs(900),
            cancel_within: Duration::from_secs(86_400),
            return_days: 30,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            interval: self.reconcile_interval,
            lease: self.reconcile_lease,
            quote_for: self.quote_for,
            cancel_within: self.cancel_within,
            return_within: Duration::from_secs(u64::from(self.return_days) * 86_400),
            ..Policy::default()
        }
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

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds, such as 2.5".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("it must be more than 0".to_owned()),
    }
}
