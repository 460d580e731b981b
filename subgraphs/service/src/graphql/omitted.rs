//! Page sizes that a client leaves out: makes their variables null before the request is validated. Knows no schema.
//!
//! async-graphql computes a field's complexity from its arguments, and takes a variable without a value for an error
//! there, though every client may leave out a nullable one. For `first` and `last` null says the same as nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::parser::types::{ExecutableDocument, VariableDefinition};
use async_graphql::{Name, Request, ServerResult, Value, async_trait};

use super::document::{each_field, variable_definitions};

/// The schema extension that makes omitted page sizes null.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OmittedPageSizes;

impl ExtensionFactory for OmittedPageSizes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for OmittedPageSizes {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        // What can't be parsed is refused where it is parsed.
        let omitted = request.parsed_query().map(page_sizes).unwrap_or_default();
        for name in omitted {
            request.variables.entry(name).or_insert(Value::Null);
        }
        next.run(ctx, request).await
    }
}

/// The variables that are page sizes and may be left out.
fn page_sizes(document: &ExecutableDocument) -> Vec<Name> {
    let mut used = BTreeSet::new();
    each_field(document, |field| {
        for (name, value) in &field.arguments {
            if matches!(name.node.as_str(), "first" | "last") {
                // A variable is told by how it prints: async-graphql does not export its type.
                used.extend(value.node.to_string().strip_prefix('$').map(str::to_owned));
            }
        }
    });
    // Two operations may define one name differently; what either wants to keep is kept.
    for definition in variable_definitions(document) {
        if !may_be_null(definition) {
            used.remove(definition.name.node.as_str());
        }
    }
    used.into_iter().map(Name::new).collect()
}

fn may_be_null(definition: &VariableDefinition) -> bool {
    definition.var_type.node.nullable && definition.default_value.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &[&str]) {
        let mut request = Request::new(query);
        assert_eq!(page_sizes(request.parsed_query().unwrap()), expected, "{query}");
    }

    #[test]
    fn only_page_sizes_that_may_be_null_are_filled_in() {
        check("query($n: Int) { a(first: $n) { b } }", &["n"]);
        check("query($n: Int, $m: Int) { a(last: $n) { b(first: $m) } }", &["m", "n"]);
        check("query($n: Int) { ...F } fragment F on A { ... on B { b(first: $n) } }", &["n"]);
        check("query($n: Int = 3) { a(first: $n) }", &[]);
        check("query($n: Int!) { a(first: $n) }", &[]);
        check("query($n: Int) { a(size: $n) }", &[]);
        check("query A($n: Int) { a(first: $n) } query B($n: Int = 1) { a(first: $n) }", &[]);
        check("{ a(first: 3) }", &[]);
    }
}
