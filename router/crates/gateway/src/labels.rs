//! Which override labels (`@override(label:)`) are on for a request. Knows no plan.

use braid_expressions::{Expression, Inputs};
use braid_supergraph::Supergraph;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{LabelRule, OverrideLabelsConfig};

/// The labels of a supergraph, in an order of their own, with the rule for each.
#[derive(Debug)]
pub(crate) struct OverrideLabels {
    labels: Vec<(String, Rule)>,
    /// The header whose value decides shares of requests; without it chance does.
    percent_by: Option<HeaderName>,
}

#[derive(Debug)]
enum Rule {
    Off,
    On,
    /// On for this share of requests, from 0 to 100.
    Percent(f64),
    /// On for requests with this header, and this value if there is one.
    Header(HeaderName, Option<HeaderValue>),
    /// On for requests for which it is true.
    Expression(Expression),
}

/// The most labels of a supergraph: a request's are the bits of a number.
const MAX_LABELS: usize = 64;

/// Why the override labels can't be decided.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LabelError {
    /// The supergraph has more labels than are supported.
    #[error("the supergraph has {0} override labels; at most {MAX_LABELS} are supported")]
    TooMany(usize),
    /// A share that is no percentage.
    #[error("override_labels.labels.{label}: {share} is not a percentage from 0 to 100")]
    Percent {
        /// The label.
        label: String,
        /// The share.
        share: f64,
    },
    /// A text that is not a header name.
    #[error("override_labels: \"{0}\" is not a header name")]
    HeaderName(String),
    /// A text that is not a header value.
    #[error("override_labels.labels.{label}: \"{}\" can't be the value of a header", value.escape_debug())]
    HeaderValue {
        /// The label.
        label: String,
        /// The text.
        value: String,
    },
}

impl OverrideLabels {
    /// The rules for the labels of `supergraph`.
    pub(crate) fn new(config: &OverrideLabelsConfig, supergraph: &Supergraph) -> Result<Self, LabelError> {
        let names = supergraph.override_labels();
        if names.len() > MAX_LABELS {
            return Err(LabelError::TooMany(names.len()));
        }
        for label in config.labels.keys().filter(|label| !names.contains(label.as_str())) {
            tracing::warn!(label, "override_labels has a label that the supergraph does not have");
        }
        let rule = |label: &str| Ok((label.to_owned(), rule(label, config.labels.get(label))?));
        let labels = names.into_iter().map(rule).collect::<Result<_, LabelError>>()?;
        let percent_by = config.percent_by.as_deref().map(header_name).transpose()?;
        Ok(Self { labels, percent_by })
    }

    /// Whether the labels are the same, in the same order.
    pub(crate) fn are_named_like(&self, other: &Self) -> bool {
        self.labels.iter().map(|(label, _)| label).eq(other.labels.iter().map(|(label, _)| label))
    }

    /// The labels that are on for a request, a bit for each.
    pub(crate) fn decide(&self, inputs: &Inputs<'_>) -> u64 {
        if self.labels.is_empty() {
            return 0;
        }
        let none = HeaderMap::new();
        let headers = inputs.headers.unwrap_or(&none);
        // One draw for all labels, so that a request within 5 % is within 10 % too.
        let drawn = self.draw(headers);
        let is_on = |rule: &Rule| match rule {
            Rule::Off => false,
            Rule::On => true,
            Rule::Percent(share) => drawn < *share,
            Rule::Header(name, None) => headers.contains_key(name),
            Rule::Header(name, Some(value)) => headers.get_all(name).iter().any(|found| found == value),
            Rule::Expression(expression) => expression.is_true(inputs),
        };
        let bits = self.labels.iter().enumerate().map(|(number, (_, rule))| u64::from(is_on(rule)) << number);
        bits.fold(0, |all, bit| all | bit)
    }

    /// Whether it has to be known who asks.
    pub(crate) fn need_client(&self) -> bool {
        self.labels.iter().any(|(_, rule)| matches!(rule, Rule::Expression(_)))
    }

    /// A number from 0 up to 100: the same for equal values of the configured header, by chance for requests without it.
    fn draw(&self, headers: &HeaderMap) -> f64 {
        let value = self.percent_by.as_ref().and_then(|name| headers.get(name));
        let number = match value {
            Some(value) => xxhash_rust::xxh3::xxh3_64(value.as_bytes()),
            None => braid_telemetry::trace::random(),
        };
        // 53 bits are what a float holds exactly.
        (number >> 11) as f64 / (1u64 << 53) as f64 * 100.0
    }

    /// The number of a label.
    pub(crate) fn number(&self, label: &str) -> Option<usize> {
        self.labels.binary_search_by(|(known, _)| known.as_str().cmp(label)).ok()
    }
}

fn rule(label: &str, configured: Option<&LabelRule>) -> Result<Rule, LabelError> {
    let percent = |share: f64| match (0.0..=100.0).contains(&share) {
        true => Ok(Rule::Percent(share)),
        false => Err(LabelError::Percent { label: label.to_owned(), share }),
    };
    match configured {
        Some(LabelRule::Always) => Ok(Rule::On),
        Some(LabelRule::Never) => Ok(Rule::Off),
        Some(LabelRule::Percent(share)) => percent(*share),
        Some(LabelRule::Expression(expression)) => Ok(Rule::Expression(expression.clone())),
        Some(LabelRule::Header { name, value }) => {
            let value = value.as_deref().map(|value| {
                HeaderValue::from_str(value)
                    .map_err(|_| LabelError::HeaderValue { label: label.to_owned(), value: value.to_owned() })
            });
            Ok(Rule::Header(header_name(name)?, value.transpose()?))
        }
        None => match share_of(label) {
            Some(share) => percent(share),
            None => Ok(Rule::Off),
        },
    }
}

/// The share in `percent(5.5)`.
fn share_of(label: &str) -> Option<f64> {
    label.strip_prefix("percent(")?.strip_suffix(')')?.parse().ok()
}

fn header_name(text: &str) -> Result<HeaderName, LabelError> {
    text.parse().map_err(|_| LabelError::HeaderName(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &HeaderMap) -> Inputs<'_> {
        Inputs { headers: Some(headers), ..Inputs::default() }
    }

    #[test]
    fn expressions_decide() {
        let expression = Expression::new("claims.beta == true && client_ip.startsWith('10.')").unwrap();
        let labels = labels(vec![("a", Rule::Expression(expression)), ("b", Rule::On)], None);
        assert!(labels.need_client());
        let claims = serde_json::json!({ "beta": true });
        let inputs = |client: [u8; 4]| Inputs {
            claims: claims.as_object(),
            client_ip: Some(client.into()),
            ..Inputs::default()
        };
        assert_eq!(labels.decide(&inputs([10, 0, 0, 1])), 0b11);
        assert_eq!(labels.decide(&inputs([11, 0, 0, 1])), 0b10);
        assert_eq!(labels.decide(&Inputs::default()), 0b10);
    }

    fn labels(rules: Vec<(&str, Rule)>, percent_by: Option<&'static str>) -> OverrideLabels {
        let labels = rules.into_iter().map(|(label, rule)| (label.to_owned(), rule)).collect();
        OverrideLabels { labels, percent_by: percent_by.map(HeaderName::from_static) }
    }

    #[test]
    fn rules_decide() {
        let labels = labels(
            vec![
                ("a", Rule::Off),
                ("b", Rule::On),
                ("c", Rule::Header(HeaderName::from_static("x-beta"), Some(HeaderValue::from_static("yes")))),
                ("d", Rule::Percent(0.0)),
                ("e", Rule::Percent(100.0)),
            ],
            None,
        );
        let mut headers = HeaderMap::new();
        assert_eq!(labels.decide(&of(&headers)), 0b10010);
        headers.insert("x-beta", HeaderValue::from_static("no"));
        assert_eq!(labels.decide(&of(&headers)), 0b10010);
        headers.append("x-beta", HeaderValue::from_static("yes"));
        assert_eq!(labels.decide(&of(&headers)), 0b10110);
    }

    #[test]
    fn shares_are_kept_and_a_header_makes_them_stick() {
        let labels = labels(vec![("a", Rule::Percent(25.0)), ("b", Rule::Percent(50.0))], Some("x-user"));
        let count = |decided: &[u64]| [1, 2].map(|bit| decided.iter().filter(|labels| *labels & bit != 0).count());
        let by_chance: Vec<u64> = (0..10_000).map(|_| labels.decide(&Inputs::default())).collect();
        let by_user: Vec<u64> = (0..10_000)
            .map(|user| {
                let headers = HeaderMap::from_iter([(HeaderName::from_static("x-user"), HeaderValue::from(user))]);
                assert_eq!(labels.decide(&of(&headers)), labels.decide(&of(&headers)));
                labels.decide(&of(&headers))
            })
            .collect();
        for decided in [by_chance, by_user] {
            let [a, b] = count(&decided);
            assert!((2_200..2_800).contains(&a) && (4_700..5_300).contains(&b), "{a} {b}");
            assert!(decided.iter().all(|labels| *labels != 1), "what is within 25 % is within 50 %");
        }
    }

    #[test]
    fn labels_say_their_share() {
        assert_eq!(share_of("percent(5.5)"), Some(5.5));
        assert_eq!(share_of("percentage"), None);
        assert!(rule("percent(101)", None).is_err());
    }
}
