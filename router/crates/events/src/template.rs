//! Texts with values of a subscription in them: `orders.{args.id}.changed`. Knows no broker.

use braid_request_context::identity::{ClaimPath, Identity};
use serde_json::{Map, Value};

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// `{args.a.b}`: an argument, then members of it.
    Argument(Vec<String>),
    /// `{claims.sub}`
    Claim(ClaimPath),
}

/// A template that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without the other one.
    #[error("\"{0}\" has a {{ without a }}")]
    Open(String),
    /// A placeholder of another kind.
    #[error("\"{{{0}}}\" is unknown; write {{args.NAME}} for an argument or {{claims.NAME}} for a claim")]
    Unknown(String),
    /// A claim that is not named as it should be.
    #[error("{0}")]
    Claim(String),
}

/// Why a template has no value for a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("The argument \"{0}\" is needed to subscribe.")]
    NoArgument(String),
    #[error("The subscription needs a claim that the client does not have.")]
    NoClaim,
    #[error(
        "The argument \"{0}\" has no value that can be part of a subject: it must be a text, a number or a Boolean, or a list of them."
    )]
    NoText(String),
    #[error("\"{0}\" can't be subscribed to: {1}.")]
    Refused(String, &'static str),
    #[error("A list of at most {MOST} values can be subscribed to.")]
    TooMany,
}

/// The most values of one template: each is a subscription at the broker.
const MOST: usize = 256;

/// What a template takes its values from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) identity: &'a Identity,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (placeholder, after) = after.split_once('}').ok_or_else(|| TemplateError::Open(text.to_owned()))?;
            parts.push(match placeholder.split_once('.') {
                Some(("args", path)) if !path.is_empty() => {
                    Part::Argument(path.split('.').map(str::to_owned).collect())
                }
                Some(("claims", path)) => Part::Claim(path.parse().map_err(TemplateError::Claim)?),
                _ => return Err(TemplateError::Unknown(placeholder.to_owned())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The names of the arguments in it.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Argument(path) => path.first().map(String::as_str),
            _ => None,
        })
    }

    /// Adds what it takes of the client. Clients for whom that is equal get the same events.
    pub(crate) fn seen_of(&self, identity: &Identity, out: &mut Vec<u8>) {
        for part in &self.0 {
            if let Part::Claim(path) = part {
                let claim = identity.principal().and_then(|principal| principal.claim(path));
                out.extend_from_slice(claim.map(Value::to_string).unwrap_or_default().as_bytes());
                out.push(0);
            }
        }
    }

    /// Its values: one, or one for each item of lists. `refuses` says why something can't be put in, if so.
    pub(crate) fn values(
        &self,
        given: Given<'_>,
        refuses: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<Vec<String>, ValueError> {
        let mut values = vec![String::new()];
        for part in &self.0 {
            let texts = match part {
                Part::Text(text) => vec![text.clone()],
                Part::Argument(path) => argument(given.arguments, path)?,
                Part::Claim(path) => vec![claim(given.identity, path)?],
            };
            if !matches!(part, Part::Text(_))
                && let Some((text, why)) = texts.iter().find_map(|text| Some((text, refuses(text)?)))
            {
                return Err(ValueError::Refused(text.chars().take(100).collect(), why));
            }
            if values.len() * texts.len() > MOST {
                return Err(ValueError::TooMany);
            }
            values = values.iter().flat_map(|value| texts.iter().map(move |text| format!("{value}{text}"))).collect();
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

fn argument(arguments: &Map<String, Value>, path: &[String]) -> Result<Vec<String>, ValueError> {
    let name = || path.join(".");
    let (first, rest) = path.split_first().ok_or_else(|| ValueError::NoArgument(name()))?;
    let value = rest.iter().try_fold(arguments.get(first).unwrap_or(&Value::Null), |value, name| value.get(name));
    match value {
        None | Some(Value::Null) => Err(ValueError::NoArgument(name())),
        Some(Value::Array(items)) => {
            items.iter().map(|item| text(item).ok_or_else(|| ValueError::NoText(name()))).collect()
        }
        Some(value) => text(value).map(|text| vec![text]).ok_or_else(|| ValueError::NoText(name())),
    }
}

fn claim(identity: &Identity, path: &ClaimPath) -> Result<String, ValueError> {
    let claim = identity.principal().and_then(|principal| principal.claim(path));
    claim.and_then(text).ok_or(ValueError::NoClaim)
}

/// How a value is written in a subject or compared by a filter.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    fn values(template: &str, arguments: &Value) -> Result<Vec<String>, ValueError> {
        let arguments = arguments.as_object().unwrap();
        Template::parse(template).unwrap().values(Given { arguments, identity: &Identity::Anonymous }, &|text| {
            text.contains('.').then_some("no dots")
        })
    }

    #[test]
    fn arguments_are_put_in() {
        let arguments = json!({ "id": "7", "in": { "sku": 3 }, "skus": ["a", "b", "a"], "none": null, "dots": "x.y", "object": {} });
        for (template, expected) in [
            ("all", Ok(vec!["all"])),
            ("orders.{args.id}.changed", Ok(vec!["orders.7.changed"])),
            ("{args.in.sku}", Ok(vec!["3"])),
            ("stock.{args.skus}", Ok(vec!["stock.a", "stock.b"])),
            ("{args.none}", Err(ValueError::NoArgument("none".to_owned()))),
            ("{args.other}", Err(ValueError::NoArgument("other".to_owned()))),
            ("{args.object}", Err(ValueError::NoText("object".to_owned()))),
            ("{claims.sub}", Err(ValueError::NoClaim)),
            ("a.b.{args.dots}", Err(ValueError::Refused("x.y".to_owned(), "no dots"))),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect());
            assert_eq!(values(template, &arguments), expected, "{template}");
        }
        let many = json!({ "a": (0..20).collect::<Vec<_>>() });
        assert_eq!(values("{args.a}.{args.a}", &many), Err(ValueError::TooMany));
    }

    #[test]
    fn what_can_not_be_read_is_said() {
        for text in ["orders.{args.id", "{id}", "{args}", "{args.}", "{headers.x}", "{claims.}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
