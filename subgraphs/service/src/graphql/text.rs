//! Refuses requests whose texts have the character U+0000. Knows no field: no text of any of them may have it.
//!
//! PostgreSQL can't store the character, SQLite can. Refused before anything runs, a request means the same on both.

use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{ErrorExtensionValues, ServerError, ServerResult, Value, Variables, async_trait};

use crate::error::Code;

use super::document::{each_field, variable_definitions};

/// The schema extension that refuses texts with U+0000.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NoNul;

impl ExtensionFactory for NoNul {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for NoNul {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        if let Some((name, _)) = variables.iter().find(|(_, value)| has_nul(value)) {
            return Err(refused(format!("The variable `${name}` has a text with the character U+0000. Remove it.")));
        }
        // Written in the query itself, the character takes an escape, unless it stands there as it is.
        if (query.contains("\\u") || query.contains('\0')) && literals_have_nul(&document) {
            return Err(refused("The query has a text with the character U+0000. Remove it.".to_owned()));
        }
        Ok(document)
    }
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

/// The parsers of JSON and GraphQL refuse values that nest deep.
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
