//! Counts each representation of `_entities` towards the complexity limit of a request. Knows no entity.
//!
//! async-graphql counts the selection below `_entities` once, however long the list is, and that field can't have a rule of
//! ours. So the complexity of the request is multiplied by its longest list: exact when the request is one entity fetch, as
//! a router sends it, and never too low.

use std::convert::Infallible;

use async_graphql::parser::types::{ExecutableDocument, Field};
use async_graphql::{ServerError, Value, Variables};

use super::document::{each_field, variable_definitions};

/// The complexity of a request whose longest list has this many entities; an error if it is above the limit.
pub(super) fn complexity(of_one: usize, entities: usize, limit: usize) -> Result<usize, Vec<ServerError>> {
    let complexity = of_one.saturating_mul(entities.max(1));
    if complexity > limit {
        let noun = if entities == 1 { "entity" } else { "entities" };
        let message = format!(
            "The request asks for {complexity} fields, of {entities} {noun}; the limit is {limit}. \
             Ask for fewer entities at a time."
        );
        return Err(vec![ServerError::new(message, None)]);
    }
    Ok(complexity)
}

/// The lists of representations in a request.
pub(super) fn lists(document: &ExecutableDocument, variables: &Variables) -> Vec<Vec<Value>> {
    let mut lists = Vec::new();
    each_field(document, |field| {
        if field.name.node == "_entities" {
            lists.push(representations(field, document, variables));
        }
    });
    lists
}

/// The representations that the field gets: from a literal, a variable, or a variable's default value.
fn representations(field: &Field, document: &ExecutableDocument, variables: &Variables) -> Vec<Value> {
    let Some(argument) = field.get_argument("representations") else {
        return Vec::new();
    };
    // Recognised by how it prints: async-graphql does not export the type of values with variables.
    let text = argument.node.to_string();
    let Some(name) = text.strip_prefix('$') else {
        let literal = argument.node.clone().into_const_with(|_| Ok::<_, Infallible>(Value::Null));
        return literal.map_or(Vec::new(), |value| items(&value));
    };
    if let Some((_, given)) = variables.iter().find(|(given, _)| given.as_str() == name) {
        return items(given);
    }
    let defaults = variable_definitions(document)
        .filter(|definition| definition.name.node == name)
        .filter_map(|definition| definition.default_value.as_ref());
    defaults.map(|default| items(&default.node)).max_by_key(Vec::len).unwrap_or_default()
}

/// GraphQL coerces a single value to a list of one.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    }
}
