//! What the messages of a subject make untrue: items with placeholders, filled from subject and message. Knows no broker.

use serde_json::Value;

use crate::config::{EventInvalidationConfig, is_subject};
use crate::item::Item;

/// A subject with named parts, and the items that its messages make.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    subject: Vec<Part>,
    invalidates: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Named(String),
    /// `>`: all further parts.
    Rest,
}

/// Why a rule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    #[error("\"{0}\" is not a subject; write {{name}} for a part of it that varies, between dots")]
    Subject(String),
    #[error("\"{0}\" invalidates nothing")]
    Nothing(String),
    #[error("\"{subject}\": {problem}")]
    Item { subject: String, problem: FillError },
}

/// Why a text can't be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FillError {
    #[error("\"{0}\" has a {{ without a }}")]
    Open(String),
    #[error("\"{{{0}}}\" is neither a part of the subject nor {{message.NAME}}")]
    Unknown(String),
    #[error("the message has no text, number or Boolean at {0}")]
    NoValue(String),
}

impl Rule {
    pub(crate) fn new(config: &EventInvalidationConfig) -> Result<Self, RuleError> {
        let wrong = || RuleError::Subject(config.subject.clone());
        if !is_subject(&config.subject) {
            return Err(wrong());
        }
        let mut subject = Vec::new();
        for part in config.subject.split('.') {
            if subject.last() == Some(&Part::Rest) {
                return Err(wrong());
            }
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            subject.push(match (part, name) {
                (">", _) => Part::Rest,
                ("*", _) => Part::Named(String::new()),
                (_, Some(name)) if is_name(name) => Part::Named(name.to_owned()),
                (text, _) if text.contains(['{', '}', '*', '>']) => return Err(wrong()),
                (text, _) => Part::Text(text.to_owned()),
            });
        }
        if config.invalidates.is_empty() {
            return Err(RuleError::Nothing(config.subject.clone()));
        }
        let rule = Self { subject, invalidates: config.invalidates.clone() };
        let known = |name: &str| match name.strip_prefix("message.") {
            Some(path) => (!path.is_empty()).then(String::new).ok_or_else(|| FillError::Unknown(name.to_owned())),
            None if rule.subject.contains(&Part::Named(name.to_owned())) => Ok(String::new()),
            None => Err(FillError::Unknown(name.to_owned())),
        };
        for item in &rule.invalidates {
            item.map(&|text| fill(text, &known))
                .map_err(|problem| RuleError::Item { subject: config.subject.clone(), problem })?;
        }
        Ok(rule)
    }

    /// What is subscribed to.
    pub(crate) fn wildcard(&self) -> String {
        let parts = self.subject.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Named(_) => "*",
            Part::Rest => ">",
        });
        parts.collect::<Vec<_>>().join(".")
    }

    /// What a message makes untrue; `None` if it is of another subject.
    pub(crate) fn items(&self, subject: &str, message: &Value) -> Option<Result<Vec<Item>, FillError>> {
        let parts: Vec<&str> = subject.split('.').collect();
        let is_open = self.subject.last() == Some(&Part::Rest);
        let fits = match is_open {
            true => parts.len() >= self.subject.len(),
            false => parts.len() == self.subject.len(),
        };
        let mut named = Vec::new();
        for (part, given) in self.subject.iter().zip(&parts) {
            match part {
                Part::Text(text) if text != given => return None,
                Part::Named(name) => named.push((name.as_str(), *given)),
                Part::Text(_) | Part::Rest => {}
            }
        }
        let value = |name: &str| match name.strip_prefix("message.") {
            Some(path) => path
                .split('.')
                .try_fold(message, |value, name| value.get(name))
                .and_then(text)
                .ok_or_else(|| FillError::NoValue(path.to_owned())),
            None => {
                let found = named.iter().find(|(known, _)| *known == name);
                found.map(|(_, given)| (*given).to_owned()).ok_or_else(|| FillError::Unknown(name.to_owned()))
            }
        };
        fits.then(|| self.invalidates.iter().map(|item| item.map(&|text| fill(text, &value))).collect())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text with the values of its placeholders.
fn fill(text: &str, value: &impl Fn(&str) -> Result<String, FillError>) -> Result<String, FillError> {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| FillError::Open(text.to_owned()))?;
        filled.push_str(before);
        filled.push_str(&value(name)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    fn rule(subject: &str, invalidates: &Value) -> Result<Rule, RuleError> {
        let invalidates = serde_json::from_value(invalidates.clone()).unwrap();
        Rule::new(&EventInvalidationConfig { subject: subject.to_owned(), invalidates })
    }

    #[test]
    fn placeholders_are_filled_from_subject_and_message() {
        let invalidates = json!([
            { "kind": "entity", "type": "Order", "key": { "id": "{id}", "in": [{ "shop": "{message.shop.id}" }] } },
            { "kind": "cache_tag", "cache_tag": "{kind}-{message.big}-{id}" },
        ]);
        let rule = rule("orders.{id}.{kind}", &invalidates).unwrap();
        assert_eq!(rule.wildcard(), "orders.*.*");
        let message = json!({ "shop": { "id": 7 }, "big": true });
        let items = rule.items("orders.o-1.changed", &message).unwrap().unwrap();
        let expected = json!([
            { "kind": "entity", "type": "Order", "key": { "id": "o-1", "in": [{ "shop": "7" }] } },
            { "kind": "cache_tag", "cache_tag": "changed-true-o-1" },
        ]);
        assert_eq!(serde_json::to_value(items).unwrap(), expected);
        for other in ["orders.o-1", "orders.o-1.changed.twice", "products.o-1.changed"] {
            assert_eq!(rule.items(other, &message), None, "{other}");
        }
        let lacking = rule.items("orders.o-1.changed", &json!({ "shop": { "id": {} } })).unwrap();
        assert_eq!(lacking, Err(FillError::NoValue("shop.id".to_owned())));
    }

    #[test]
    fn all_that_begins_alike_can_be_one_rule() {
        let rule = rule("catalog.*.>", &json!([{ "kind": "all" }])).unwrap();
        assert_eq!(rule.wildcard(), "catalog.*.>");
        assert!(rule.items("catalog.a.b", &Value::Null).unwrap().is_ok());
        assert!(rule.items("catalog.a.b.c", &Value::Null).unwrap().is_ok());
        assert_eq!(rule.items("catalog.a", &Value::Null), None);
    }

    #[test]
    fn wrong_rules_are_refused() {
        let all = json!([{ "kind": "all" }]);
        let tag = |text: &str| json!([{ "kind": "cache_tag", "cache_tag": text }]);
        for (subject, invalidates, expected) in [
            ("", &all, "not a subject"),
            ("a..b", &all, "not a subject"),
            ("a.{b", &all, "not a subject"),
            ("a.x{b}", &all, "not a subject"),
            ("a.>.b", &all, "not a subject"),
            ("a b", &all, "not a subject"),
            ("a", &json!([]), "invalidates nothing"),
            ("a.{id}", &tag("{sku}"), "\"{sku}\" is neither a part of the subject"),
            ("a.*", &tag("{*}"), "neither"),
            ("a.{id}", &tag("{message.}"), "neither"),
            ("a.{id}", &tag("x-{id"), "a { without a }"),
        ] {
            let error = rule(subject, invalidates).unwrap_err().to_string();
            assert!(error.contains(expected), "{subject}: {error}");
        }
    }
}
