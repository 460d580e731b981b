//! The selections of an introspection with everything resolved that does not depend on the object. Knows nothing of the schema that
//! is shown.

use std::borrow::Cow;

use apollo_compiler::ast::{Argument, Value};
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::context::{Context, SCHEMA};
use crate::operation::{Field, FieldRef, SelectionSet};

/// A field with everything resolved that does not depend on the object.
pub(super) struct Selected {
    /// `{"key":` or `,"key":`
    pub(super) prefix: String,
    pub(super) name: &'static str,
    pub(super) include_deprecated: bool,
    pub(super) below: Vec<Selected>,
}

/// Recursive as deep as operations are, which normalization bounds.
pub(super) fn select(context: &Context<'_>, selection_sets: &[&SelectionSet]) -> Vec<Selected> {
    let holds =
        |name: &Name| context.number(name).and_then(|number| context.variables.boolean(number)).unwrap_or(false);
    let mut grouped: IndexMap<&Name, Vec<&Field>> = IndexMap::new();
    for field in selection_sets.iter().flat_map(|set| &set.fields).filter(|field| field.condition.holds(holds)) {
        grouped.entry(&field.response_key).or_default().push(field);
    }
    let selected = |(at, (key, fields)): (usize, (&Name, Vec<&Field>))| {
        let below: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        let include = argument(context, &fields[0].arguments, "includeDeprecated");
        Selected {
            prefix: format!("{}\"{key}\":", if at == 0 { '{' } else { ',' }),
            name: name_of(fields[0].definition),
            include_deprecated: matches!(include.as_deref(), Some(Value::Boolean(true))),
            below: select(context, &below),
        }
    };
    grouped.into_iter().enumerate().map(selected).collect()
}

fn name_of(field: FieldRef) -> &'static str {
    match (field.id(), SCHEMA.as_ref()) {
        (Some(id), Some(schema)) => schema.field(id).name.as_str(),
        _ => "__typename",
    }
}

pub(super) fn argument<'a>(
    context: &Context<'a>,
    arguments: &'a [Node<Argument>],
    name: &str,
) -> Option<Cow<'a, Value>> {
    let value = &arguments.iter().find(|argument| argument.name == name)?.value;
    let Value::Variable(variable) = value.as_ref() else { return Some(Cow::Borrowed(value)) };
    let number = context.number(variable)?;
    match context.variables.raw(number) {
        Some("true") => Some(Cow::Owned(Value::Boolean(true))),
        Some(raw) => serde_json::from_str(raw).ok().map(|text| Cow::Owned(Value::String(text))),
        None => context.definitions.get(number)?.default_value.as_ref().map(|default| Cow::Borrowed(default.as_ref())),
    }
}
