//! What responses say about limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). Knows no request.

use std::time::Duration;

use http::HeaderValue;

use crate::gcra::Standing;
use crate::limits::Rule;

/// The policies of all rules that are enforced: `"per-client";q=100;w=60`.
pub(crate) fn policies(rules: &[Rule]) -> Option<HeaderValue> {
    let enforced = rules.iter().filter(|rule| !rule.dry_run);
    list(enforced.map(|rule| (rule, [("\";q=", rule.quota.limit), (";w=", seconds(rule.quota.per))])))
}

/// How a client stands under the rules that applied to it: `"per-client";r=42;t=17`.
pub(crate) fn standings<'a>(standings: impl Iterator<Item = (&'a Rule, Standing)>) -> Option<HeaderValue> {
    list(standings.map(|(rule, standing)| (rule, [("\";r=", standing.left), (";t=", seconds(standing.until_full))])))
}

/// A list of names, each with two numbers. Written for each response, so without the formatter.
fn list<'a>(items: impl Iterator<Item = (&'a Rule, [(&'static str, u64); 2])>) -> Option<HeaderValue> {
    let mut text = Vec::with_capacity(64);
    for (rule, parameters) in items {
        let before: &[u8] = if text.is_empty() { b"\"" } else { b", \"" };
        text.extend_from_slice(before);
        text.extend_from_slice(rule.name.as_bytes());
        for (name, number) in parameters {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }
    HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
}

/// Whole seconds, rounded up: whoever waits that long has waited long enough.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
