//! Refuses requests that have the character U+0000 in a string. Knows no field: it is not allowed in any of them.
//!
//! PostgreSQL can't store the character, SQLite can. Refusing it first makes both behave the same.

use std::convert::Infallible;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{ErrorExtensionValues, ServerError, ServerResult, Value, Variables};

use crate::error::Code;

use super::document::{each_field, variable_definitions};

/// An error if the request has the character.
pub(super) fn check(query: &str, document: &ExecutableDocument, variables: &Variables) -> ServerResult<()> {
    if let Some((name, _)) = variables.iter().find(|(_, value)| has_nul(value)) {
        return Err(refused(format!("The variable `${name}` contains the character U+0000. Remove it.")));
    }
    // In the query itself the character is either escaped or literal.
    if (query.contains("\\u") || query.contains('\0')) && literals_have_nul(document) {
        return Err(refused("A string of the query contains the character U+0000. Remove it.".to_owned()));
    }
    Ok(())
}

fn literals_have_nul(document: &ExecutableDocument) -> bool {
    let mut found = variable_definitions(document)
        .filter_map(|definition| definition.default_value.as_ref())
        .any(|default| has_nul(&default.node));
    each_field(document, |field| {
        found |= field.arguments.iter().any(|(_, value)| {
            let Ok(value) = value.node.clone().into_const_with(|_| Ok::<_, Infallible>(Value::Null));
            has_nul(&value)
        });
    });
    found
}

/// The recursion is bounded, because the parsers of JSON and GraphQL refuse deeply nested values.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        _ => false,
    }
}

fn refused(message: String) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", Code::BadUserInput.as_str());
    error
}
