//! The limits of one request: checked as more is known of it, and said in its response. Knows no other request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use braid_request_context::RequestContext;
use http::header::{HeaderMap, HeaderName, RETRY_AFTER};
use smallvec::SmallVec;

use crate::gcra::{Decision, Standing};
use crate::headers::{seconds, standings};
use crate::key::Facts;
use crate::limits::{RateLimits, Rule, Verdict};

/// The limits of a request. They travel in the request's context, as `Arc<RequestLimits>` among its extensions.
#[derive(Debug)]
pub struct RequestLimits {
    limits: Arc<RateLimits>,
    said: Mutex<Said>,
}

/// What the response will say.
#[derive(Debug, Default)]
struct Said {
    /// By the place of the rule: how the client stands.
    standings: SmallVec<[(usize, Standing); 4]>,
    /// When a refused request may come again.
    retry_after: Option<Duration>,
}

/// What is known of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// The hash of its text.
    pub hash: u64,
    /// What it costs, as estimated; 1 where costs are of no interest.
    pub cost: u64,
}

/// A request asks for more than a limit allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Refused {
    /// The rule.
    pub rule: String,
    /// So much.
    pub limit: u64,
    /// In this time.
    pub per: Duration,
    /// When the request would pass; `None` if it never does.
    pub retry_after: Option<Duration>,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

impl RequestLimits {
    pub(crate) fn new(limits: Arc<RateLimits>) -> Self {
        Self { limits, said: Mutex::default() }
    }

    /// Checks the rules that need nothing of the operation, for so many operations at once.
    pub async fn check_head(&self, context: &RequestContext, operations: u64) -> Result<(), Refused> {
        let facts = Facts { context, operation: None };
        self.note(&self.limits.check(&facts, operations).await)
    }

    /// Whether there are rules that need the operation.
    pub fn need_operation(&self) -> bool {
        self.limits.need_operation
    }

    /// Checks the rules that need the operation.
    pub async fn check_operation(&self, context: &RequestContext, operation: &Operation<'_>) -> Result<(), Refused> {
        let facts = Facts { context, operation: Some(operation) };
        self.note(&self.limits.check(&facts, 1).await)
    }

    /// Says in a response how the client stands.
    pub fn write_headers(&self, out: &mut HeaderMap) {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(after) = said.retry_after {
            out.insert(RETRY_AFTER, seconds(after).max(1).into());
        }
        let Some(policies) = &self.limits.policies else { return };
        let standings = standings(said.standings.iter().map(|(rule, standing)| (&self.limits.rules[*rule], *standing)));
        if let Some(standings) = standings {
            out.insert(POLICY, policies.clone());
            out.insert(STANDING, standings);
        }
    }

    /// Notes what rules said, and refuses the request if one of them does.
    fn note(&self, verdicts: &[Verdict<'_>]) -> Result<(), Refused> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for verdict in verdicts.iter().filter(|verdict| !verdict.rule.dry_run) {
            let place = self.limits.rules.iter().position(|rule| std::ptr::eq(rule, verdict.rule));
            // Operations of a batch are checked one after the other: the last word counts.
            said.standings.retain(|(known, _)| Some(*known) != place);
            said.standings.extend(place.map(|place| (place, verdict.standing())));
        }
        let refused = verdicts.iter().filter(|verdict| verdict.refuses()).filter_map(refusal);
        // The one that takes longest: before that, the request would be refused again.
        let Some(refused) = refused.max_by_key(|refused| refused.retry_after.unwrap_or(Duration::MAX)) else {
            return Ok(());
        };
        said.retry_after = said.retry_after.max(refused.retry_after);
        Err(refused)
    }
}

fn refusal(verdict: &Verdict<'_>) -> Option<Refused> {
    let Decision::Refused(retry_after, _) = verdict.decision else { return None };
    let Rule { name, quota, .. } = verdict.rule;
    Some(Refused { rule: name.clone(), limit: quota.limit, per: quota.per, retry_after })
}

impl Refused {
    fn message(&self) -> String {
        let Self { rule, limit, per, retry_after } = self;
        match retry_after {
            Some(after) => {
                let after = seconds(*after).max(1);
                format!("Too many requests: the limit \"{rule}\" is {limit} in {per:?}. Try again in {after} s.")
            }
            None => format!("The request asks for more than the limit \"{rule}\" ever allows at once."),
        }
    }
}
