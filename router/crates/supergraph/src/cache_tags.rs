//! `@cacheTag`: the tags by which what a subgraph gave is thrown out of a cache. Knows the templates and what has them, not how anything is cached.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_graphql::schema::{FieldId, TypeId};
use serde_json::Value;

use crate::supergraph::SubgraphId;

/// All `@cacheTag` of a supergraph.
#[derive(Debug, Clone, Default)]
pub struct CacheTags {
    pub(crate) types: AHashMap<(SubgraphId, TypeId), Vec<TagTemplate>>,
    pub(crate) fields: AHashMap<(SubgraphId, FieldId), Vec<TagTemplate>>,
    /// Tags that mean nothing to this router, each with the reason. Composition refuses them, but other composers don't look.
    pub ignored: Vec<String>,
}

impl CacheTags {
    /// The tags of the entities of a type, as this subgraph gives them. Values come from the representation (`{$key.…}`).
    pub fn of_type(&self, subgraph: SubgraphId, ty: TypeId) -> &[TagTemplate] {
        self.types.get(&(subgraph, ty)).map_or(&[], Vec::as_slice)
    }

    /// The tags of a field of the query type, as this subgraph gives it. Values come from its arguments (`{$args.…}`), defaults included.
    pub fn of_field(&self, subgraph: SubgraphId, field: FieldId) -> &[TagTemplate] {
        self.fields.get(&(subgraph, field)).map_or(&[], Vec::as_slice)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.fields.is_empty()
    }
}

/// The `format` of a `@cacheTag`, such as `product-{$key.id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(TagVariable),
}

/// A variable of a template: `$key.owner.id` is the path `owner`, `id` from `key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagVariable {
    /// What the path starts from, without the dollar sign: `key` or `args` where it has a meaning.
    pub root: Name,
    /// The names on the way to the value; at least one.
    pub path: Vec<Name>,
}

/// Why a template can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagTemplateError {
    /// `{` without `}`.
    #[error("a brace is not closed")]
    Unclosed,
    /// `}` without `{`.
    #[error("a closing brace without an opening one")]
    Unopened,
    /// Something else in braces.
    #[error("\"{{{0}}}\" is not a variable of the form {{$key.id}} or {{$args.id}}")]
    NoVariable(String),
}

impl TagTemplate {
    /// Reads a `format`.
    pub fn parse(format: &str) -> Result<Self, TagTemplateError> {
        let mut parts = Vec::new();
        let mut rest = format;
        loop {
            let (text, tail) = rest.split_once('{').map_or((rest, None), |(text, tail)| (text, Some(tail)));
            if text.contains('}') {
                return Err(TagTemplateError::Unopened);
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            let Some(tail) = tail else { return Ok(Self { parts }) };
            let (variable, after) = tail.split_once('}').ok_or(TagTemplateError::Unclosed)?;
            parts.push(Part::Variable(TagVariable::parse(variable.trim())?));
            rest = after;
        }
    }

    /// The variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &TagVariable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(variable) => Some(variable),
        })
    }

    /// The tag with the values of its variables, by their paths. Null is written as nothing, lists and objects as JSON. `None` if a value
    /// is missing, so that the tag is unknown.
    pub fn fill(&self, value: impl Fn(&[Name]) -> Option<Value>) -> Option<String> {
        let mut tag = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => tag.push_str(text),
                Part::Variable(variable) => match value(&variable.path)? {
                    Value::Null => {}
                    Value::String(text) => tag.push_str(&text),
                    other => tag.push_str(&other.to_string()),
                },
            }
        }
        Some(tag)
    }
}

impl TagVariable {
    fn parse(text: &str) -> Result<Self, TagTemplateError> {
        let no_variable = || TagTemplateError::NoVariable(text.to_owned());
        let mut names = text.strip_prefix('$').ok_or_else(no_variable)?.split('.').map(Name::new);
        let root = names.next().and_then(Result::ok).ok_or_else(no_variable)?;
        let path: Vec<Name> = names.collect::<Result<_, _>>().map_err(|_| no_variable())?;
        if path.is_empty() {
            return Err(no_variable());
        }
        Ok(Self { root, path })
    }
}

impl std::fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Variable(variable) => write!(f, "{{{variable}}}"),
        })
    }
}

impl std::fmt::Display for TagVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.root)?;
        self.path.iter().try_for_each(|name| write!(f, ".{name}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_filled_with_values_by_their_paths() {
        let filled = |format: &str| {
            let values =
                json!({ "id": "a b", "number": 7, "owner": { "id": "x" }, "none": null, "list": [1, "2"], "on": true });
            let value = |path: &[Name]| path.iter().try_fold(&values, |at, name| at.get(name.as_str())).cloned();
            TagTemplate::parse(format).unwrap().fill(value)
        };
        assert_eq!(filled("").as_deref(), Some(""));
        assert_eq!(filled("plain ü").as_deref(), Some("plain ü"));
        assert_eq!(filled("p-{$key.id}-{ $key.number }").as_deref(), Some("p-a b-7"));
        assert_eq!(filled("{$key.owner.id}{$key.on}|{$key.none}").as_deref(), Some("xtrue|"));
        assert_eq!(filled("{$args.list}").as_deref(), Some("[1,\"2\"]"));
        assert_eq!(filled("p-{$key.absent}"), None);
        assert_eq!(filled("p-{$key.owner.absent}"), None);
        let template = TagTemplate::parse("a{$key.owner.id}b{$args.id}").unwrap();
        let variables: Vec<_> = template.variables().map(ToString::to_string).collect();
        assert_eq!(variables, ["$key.owner.id", "$args.id"]);
        assert_eq!(template.to_string(), "a{$key.owner.id}b{$args.id}");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        let refused = |format: &str| TagTemplate::parse(format).unwrap_err().to_string();
        assert_eq!(refused("a-{$key.id"), "a brace is not closed");
        assert_eq!(refused("a-$key.id}"), "a closing brace without an opening one");
        for wrong in
            ["{}", "{$key}", "{key.id}", "{$key.}", "{$key..id}", "{$.id}", "{$key.a b}", "{$key.1}", "{{$key.id}}"]
        {
            assert!(refused(wrong).contains("is not a variable of the form {$key.id}"), "{wrong}: {}", refused(wrong));
        }
    }
}
