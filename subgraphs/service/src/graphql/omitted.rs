//! Variables for page sizes that a client omits: sets them to null before the request is validated. Knows no schema.
//!
//! async-graphql computes a field's complexity from its arguments, and fails there if a variable has no value, although
//! clients may omit a nullable one. For `first` and `last`, null means the same as no value.

use std::collections::BTreeSet;

use async_graphql::parser::types::{ExecutableDocument, VariableDefinition};
use async_graphql::{Name, Request, Value};

use super::document::{each_field, variable_definitions};

/// Sets the page sizes to null that the request omits.
pub(super) fn fill_in(request: &mut Request) {
    // A request that can't be parsed is refused later.
    let omitted = request.parsed_query().map(page_sizes).unwrap_or_default();
    for name in omitted {
        request.variables.entry(name).or_insert(Value::Null);
    }
}

/// The variables that are page sizes and may be omitted.
fn page_sizes(document: &ExecutableDocument) -> Vec<Name> {
    let mut used = BTreeSet::new();
    each_field(document, |field| {
        for (name, value) in &field.arguments {
            if matches!(name.node.as_str(), "first" | "last") {
                // Recognised by how it prints: async-graphql does not export the type of values with variables.
                used.extend(value.node.to_string().strip_prefix('$').map(str::to_owned));
            }
        }
    });
    // Two operations may define one name differently; then both definitions must allow null.
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
