//! What several routers remember of keys together, in Redis. Knows no rule.

use std::sync::Arc;

use braid_net::tls::Fingerprint;
use braid_redis::{Redis, RedisSetupError, Setup};
use braid_telemetry::metrics::Metrics;
use redis::Script;

use crate::config::RedisConfig;
use crate::gcra::{Decision, Quota};
use crate::limits::Charge;

/// Keys in Redis.
#[derive(Debug)]
pub(crate) struct Shared {
    config: RedisConfig,
    certificates: Fingerprint,
    redis: Arc<Redis>,
    script: Script,
}

/// What the script answers for a key: whether it passes (1), and how far its arrival time lies ahead, in microseconds.
type Answer = Vec<i64>;

impl Shared {
    /// Must be called on a runtime.
    pub(crate) fn new(config: &RedisConfig, metrics: &Metrics) -> Result<Self, RedisSetupError> {
        let RedisConfig { url, tls, timeout, .. } = config;
        let certificates = Fingerprint::of(tls.files());
        let setup = Setup { url: &url.0, tls, timeout: timeout.0, is_patient: false, purpose: "rate limits" };
        let redis = Redis::new(setup, metrics.redis("rate_limits"))?;
        Ok(Self { config: config.clone(), certificates, redis, script: Script::new(include_str!("take.lua")) })
    }

    /// Whether a new one would be set up in the same way, with the same content of certificates.
    pub(crate) fn is_for(&self, config: &RedisConfig) -> bool {
        self.config == *config && self.certificates == Fingerprint::of(config.tls.files())
    }

    /// Takes all charges at once. None if Redis is away.
    pub(crate) async fn take(&self, charges: &[Charge<'_>]) -> Option<Vec<Decision>> {
        let mut call = self.script.prepare_invoke();
        for Charge { rule, key, weight } in charges {
            let quota = &rule.quota;
            call.key(format!("{}{}:{}", self.config.prefix, rule.counted_as, key.shared_hash()));
            call.arg(format!("{:.6}", quota.interval / 1000.0)).arg(format!("{:.3}", quota.tolerance / 1000.0));
            call.arg(*weight).arg(u8::from(!rule.dry_run));
        }
        let call = &call;
        let answers: Vec<Answer> =
            self.redis.ask(|mut connection| async move { call.invoke_async(&mut connection).await }).await?;
        if answers.len() != charges.len() {
            return None;
        }
        let decide = |(charge, answer): (&Charge<'_>, &Answer)| decision(&charge.rule.quota, charge.weight, answer);
        charges.iter().zip(&answers).map(decide).collect()
    }
}

/// None if the script answered something else than it does.
fn decision(quota: &Quota, weight: u64, answer: &[i64]) -> Option<Decision> {
    let [passes, ahead] = *answer else { return None };
    let ahead = ahead as f64 * 1000.0;
    Some(if passes == 1 { Decision::Passed(quota.standing(ahead)) } else { quota.refusal(ahead, weight) })
}
