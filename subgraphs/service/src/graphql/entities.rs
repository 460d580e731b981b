//! Counts each representation of `_entities` towards the limit of a request's complexity. Knows no entity.
//!
//! async-graphql counts the selection below `_entities` once, however long the list is, and takes no rule of ours for
//! that field. So the complexity that it found is multiplied by the longest list of the request: exact when the
//! request is one fetch of entities, as a router's is, and never too low.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextValidation};
use async_graphql::parser::types::{ExecutableDocument, Field};
use async_graphql::{ServerError, ServerResult, ValidationResult, Value, Variables, async_trait};

use super::document::{each_field, variable_definitions};

/// The schema extension that counts representations, with the limit that they count towards.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntityCost {
    limit: usize,
}

impl EntityCost {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit }
    }
}

impl ExtensionFactory for EntityCost {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Request { limit: self.limit, longest: AtomicUsize::new(0) })
    }
}

struct Request {
    limit: usize,
    /// The length of the longest list of representations.
    longest: AtomicUsize,
}

#[async_trait::async_trait]
impl Extension for Request {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        self.longest.store(longest(&document, variables), Ordering::Relaxed);
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let mut valid = next.run(ctx).await?;
        let longest = self.longest.load(Ordering::Relaxed);
        valid.complexity = valid.complexity.saturating_mul(longest.max(1));
        if valid.complexity > self.limit {
            let message = format!(
                "The request asks for {} fields, of {longest} entities; the limit is {}. Ask for fewer entities at a time.",
                valid.complexity, self.limit
            );
            return Err(vec![ServerError::new(message, None)]);
        }
        Ok(valid)
    }
}

fn longest(document: &ExecutableDocument, variables: &Variables) -> usize {
    let mut longest = 0;
    each_field(document, |field| {
        if field.name.node == "_entities" {
            longest = longest.max(representations(field, document, variables));
        }
    });
    longest
}

/// How many representations the field is given: as a literal, as a variable, or by a variable's default.
fn representations(field: &Field, document: &ExecutableDocument, variables: &Variables) -> usize {
    let Some(argument) = field.get_argument("representations") else {
        return 0;
    };
    // A variable is told by how it prints: async-graphql does not export its type.
    let text = argument.node.to_string();
    let Some(name) = text.strip_prefix('$') else {
        let literal = argument.node.clone().into_const_with(|_| Ok::<_, std::convert::Infallible>(Value::Null));
        return literal.map_or(0, |value| items(&value));
    };
    if let Some((_, given)) = variables.iter().find(|(given, _)| given.as_str() == name) {
        return items(given);
    }
    let defaults = variable_definitions(document)
        .filter(|definition| definition.name.node == name)
        .filter_map(|definition| definition.default_value.as_ref());
    defaults.map(|default| items(&default.node)).max().unwrap_or(0)
}

/// GraphQL takes one value for a list of one.
fn items(value: &Value) -> usize {
    match value {
        Value::List(items) => items.len(),
        _ => 1,
    }
}
