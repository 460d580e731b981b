//! The directives of incremental delivery: their definitions, and what of an operation they put off. Knows nothing of how parts are delivered.

use ahash::AHashSet;
use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;

use crate::syntax::{Document, OperationDefinition, Selection, SelectionSet, Value};

/// The name of `@defer`.
pub(crate) const DEFER: &str = "defer";
/// The name of `@stream`.
pub(crate) const STREAM: &str = "stream";

const DEFINITIONS: &str = r#"
"Directs the executor to defer this fragment when the `if` argument is true or undefined."
directive @defer(
    "Deferred when true or undefined."
    if: Boolean! = true
    "A unique name, by which the part is announced."
    label: String
) on FRAGMENT_SPREAD | INLINE_FRAGMENT
"Directs the executor to stream the items of this list when the `if` argument is true or undefined."
directive @stream(
    "Streamed when true or undefined."
    if: Boolean! = true
    "A unique name, by which the part is announced."
    label: String
    "How many items are returned at once."
    initialCount: Int! = 0
) on FIELD
type Query { none: Int }
"#;

/// Adds `@defer` and `@stream` to a schema that does not have them.
pub fn with_incremental_directives(schema: Valid<Schema>) -> Valid<Schema> {
    let Ok(source) = Schema::parse(DEFINITIONS, "incremental.graphql") else { return schema };
    let mut schema = schema.into_inner();
    for name in [DEFER, STREAM] {
        if let Some((name, definition)) = source.directive_definitions.get_key_value(name) {
            schema.directive_definitions.entry(name.clone()).or_insert_with(|| definition.clone());
        }
    }
    // A schema that does not use `Int` does not have it, but the definition of `@stream` refers to it.
    if let Some((name, int)) = source.types.get_key_value("Int") {
        schema.types.entry(name.clone()).or_insert_with(|| int.clone());
    }
    // Two definitions that refer to built-in types alone leave a valid schema valid.
    Valid::assume_valid(schema)
}

/// Whether an operation has `@defer` or `@stream`, here or in a fragment that it spreads.
pub fn is_incremental(document: &Document<'_>, operation: &OperationDefinition<'_>) -> bool {
    // Nearly all documents have neither, anywhere.
    if !document.has_directive(&[DEFER, STREAM]) {
        return false;
    }
    let mut found = false;
    each_selection(document, operation.selection_set, &mut AHashSet::new(), &mut |selection| {
        found |= document[selection.directives()].iter().any(|it| matches!(it.name, DEFER | STREAM));
    });
    found
}

/// The variables that decide what is selected, deferred and streamed, as positions in the operation's variables.
pub fn deciding_variables(document: &Document<'_>, operation: &OperationDefinition<'_>) -> Vec<usize> {
    let mut found = Vec::new();
    each_selection(document, operation.selection_set, &mut AHashSet::new(), &mut |selection| {
        let deciding = |name: &str| matches!(name, DEFER | STREAM | "include" | "skip");
        for directive in document[selection.directives()].iter().filter(|it| deciding(it.name)) {
            if let Some(Value::Variable(name)) = document.argument(directive, "if").map(|literal| literal.value) {
                found.extend(operation.variables.iter().position(|variable| variable.name == name));
            }
        }
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// Each selection once, those of fragments included. Recursive as deep as documents are.
fn each_selection<'d>(
    document: &'d Document<'d>,
    set: SelectionSet<'d>,
    visited: &mut AHashSet<&'d str>,
    each: &mut impl FnMut(&'d Selection<'d>),
) {
    for selection in &document[set] {
        each(selection);
        match selection {
            Selection::Field(field) => {
                field.selection_set.iter().for_each(|set| each_selection(document, *set, visited, each));
            }
            Selection::InlineFragment(fragment) => each_selection(document, fragment.selection_set, visited, each),
            Selection::FragmentSpread(spread) => {
                if visited.insert(spread.name)
                    && let Some(fragment) = document.fragment(spread.name)
                {
                    each_selection(document, fragment.selection_set, visited, each);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_the_directives_are_in_the_schema() {
        let schema = Schema::parse_and_validate("type Query { name: String }", "schema.graphql").unwrap();
        assert!(!schema.types.contains_key("Int"));
        let schema = with_incremental_directives(schema);
        for directive in [DEFER, STREAM] {
            for argument in &schema.directive_definitions[directive].arguments {
                let name = argument.ty.inner_named_type();
                assert!(schema.types.contains_key(name), "@{directive}({}:) is of {name}", argument.name);
            }
        }
    }
}
