//! The rules for requests, which count together in one place. Knows no HTTP response and no other graph.

use std::sync::Arc;

use braid_telemetry::metrics::{Metrics, RateLimitMetrics};
use smallvec::SmallVec;

use crate::config::{Missing, RateLimitsConfig, RateLimitsConfigError, RuleConfig, Weight};
use crate::counters::Counters;
use crate::gcra::{Decision, Quota, Standing};
use crate::headers::policies;
use crate::key::{Facts, Key, KeySource};
use crate::local::Taken;
use crate::request::{Operation, RequestLimits};

/// The rate limits of requests, or of those to one of several graphs.
#[derive(Debug)]
pub struct RateLimits {
    pub(crate) rules: Vec<Rule>,
    counters: Counters,
    /// Whether there are rules that need the operation.
    pub(crate) need_operation: bool,
    /// The value of `RateLimit-Policy`, if responses have it.
    pub(crate) policies: Option<http::HeaderValue>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// Its name where it counts: after that of the graph, if it is for one. Neither has a colon.
    pub(crate) counted_as: String,
    pub(crate) quota: Quota,
    pub(crate) dry_run: bool,
    sources: Vec<KeySource>,
    missing: Missing,
    weight: Weight,
    /// Whether it can be checked only when the operation is known.
    needs_operation: bool,
    metrics: RateLimitMetrics,
}

/// What a request takes from the quota of a key.
pub(crate) struct Charge<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) key: Key,
    pub(crate) weight: u64,
}

/// What a rule said to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) decision: Decision,
}

impl RateLimits {
    /// The limits of requests to a graph, or of all others, which count there.
    pub(crate) fn new(
        counters: &Counters,
        graph: Option<&str>,
        config: &RateLimitsConfig,
        metrics: &Metrics,
    ) -> Result<Self, RateLimitsConfigError> {
        let rules = config.rules.iter().map(|rule| Rule::new(rule, graph, config.dry_run, metrics));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            need_operation: rules.iter().any(|rule| rule.needs_operation),
            policies: config.headers.then(|| policies(&rules)).flatten(),
            rules,
            counters: counters.clone(),
        })
    }

    /// The limits of a request whose head is known.
    pub fn begin(self: &Arc<Self>) -> RequestLimits {
        RequestLimits::new(self.clone())
    }

    /// Checks the rules that need no operation, or those that need it.
    pub(crate) async fn check(&self, facts: &Facts<'_>, times: u64) -> SmallVec<[Verdict<'_>; 4]> {
        let operation = facts.operation;
        let applying = self.rules.iter().filter(|rule| rule.needs_operation == operation.is_some());
        let charges: SmallVec<[Charge<'_>; 4]> =
            applying.filter_map(|rule| rule.charge(facts, operation, times)).collect();
        if charges.is_empty() {
            return SmallVec::new();
        }
        let shared = match &self.counters.shared {
            Some(shared) => Box::pin(shared.take(&charges)).await,
            None => None,
        };
        let verdicts: SmallVec<[Verdict<'_>; 4]> = match shared {
            Some(decisions) => {
                charges.iter().zip(decisions).map(|(charge, decision)| charge.verdict(decision)).collect()
            }
            None => self.take(&charges),
        };
        verdicts.iter().for_each(Verdict::count);
        verdicts
    }

    /// Takes all charges from this router's own memory, or only those of dry runs if another is refused.
    fn take<'a>(&self, charges: &[Charge<'a>]) -> SmallVec<[Verdict<'a>; 4]> {
        let local = &self.counters.local;
        let now = local.now();
        let mut taken: SmallVec<[Taken; 4]> = SmallVec::new();
        let mut verdicts: SmallVec<[Verdict<'_>; 4]> = SmallVec::new();
        for charge in charges {
            let (decision, took) = local.take(&charge.key, &charge.rule.quota, charge.weight, now);
            if !charge.rule.dry_run {
                taken.extend(took);
            }
            verdicts.push(charge.verdict(decision));
        }
        if verdicts.iter().any(Verdict::refuses) {
            taken.into_iter().for_each(Taken::give_back);
            for (verdict, charge) in verdicts.iter_mut().zip(charges).filter(|(verdict, _)| !verdict.rule.dry_run) {
                verdict.give_back(charge.weight);
            }
        }
        verdicts
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> usize {
        self.counters.local.len()
    }
}

impl Rule {
    fn new(
        config: &RuleConfig,
        graph: Option<&str>,
        dry_run: bool,
        metrics: &Metrics,
    ) -> Result<Self, RateLimitsConfigError> {
        let sources = config.by.iter().filter_map(|by| by.source().ok()).collect::<Vec<_>>();
        let needs_operation = config.weight == Weight::Cost || sources.iter().any(KeySource::needs_operation);
        Ok(Self {
            quota: Quota::new(config.limit, config.per.0, config.burst.unwrap_or(config.limit)),
            name: config.name.clone(),
            counted_as: graph.map_or_else(|| config.name.clone(), |graph| format!("{graph}:{}", config.name)),
            dry_run: dry_run || config.dry_run,
            sources,
            missing: config.missing,
            weight: config.weight,
            needs_operation,
            metrics: metrics.rate_limit(graph, &config.name),
        })
    }

    fn charge(&self, facts: &Facts<'_>, operation: Option<&Operation<'_>>, times: u64) -> Option<Charge<'_>> {
        let weight = match (self.weight, operation) {
            (Weight::Cost, Some(operation)) => operation.cost,
            _ => times,
        };
        if weight == 0 {
            return None;
        }
        let key = Key::of(&self.counted_as, &self.sources, self.missing == Missing::ClientIp, facts)?;
        Some(Charge { rule: self, key, weight })
    }
}

impl<'a> Charge<'a> {
    fn verdict(&self, decision: Decision) -> Verdict<'a> {
        Verdict { rule: self.rule, decision }
    }
}

impl Verdict<'_> {
    /// Whether the request must not pass.
    pub(crate) fn refuses(&self) -> bool {
        matches!(self.decision, Decision::Refused(..)) && !self.rule.dry_run
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.decision {
            Decision::Passed(standing) | Decision::Refused(_, standing) => standing,
        }
    }

    /// What was taken is there again.
    fn give_back(&mut self, weight: u64) {
        if let Decision::Passed(standing) = &mut self.decision {
            *standing = self.rule.quota.given_back(*standing, weight);
        }
    }

    fn count(&self) {
        let metrics = &self.rule.metrics;
        match self.decision {
            Decision::Passed(_) => &metrics.passed,
            Decision::Refused(..) if self.rule.dry_run => &metrics.would_be_refused,
            Decision::Refused(..) => &metrics.refused,
        }
        .inc();
    }
}

#[cfg(test)]
mod tests;
