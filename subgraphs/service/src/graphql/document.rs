//! Visits the parts of a parsed request, for the checks before validation. Knows no schema and no limit.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet, VariableDefinition};

/// Visits every field of every operation and fragment once. The recursion is bounded, because the parser refuses deep documents.
pub(super) fn each_field<'a>(document: &'a ExecutableDocument, mut visit: impl FnMut(&'a Field)) {
    for (_, operation) in document.operations.iter() {
        each_below(&operation.node.selection_set.node, &mut visit);
    }
    for fragment in document.fragments.values() {
        each_below(&fragment.node.selection_set.node, &mut visit);
    }
}

/// The variables that the operations define.
pub(super) fn variable_definitions(document: &ExecutableDocument) -> impl Iterator<Item = &VariableDefinition> {
    document
        .operations
        .iter()
        .flat_map(|(_, operation)| operation.node.variable_definitions.iter().map(|definition| &definition.node))
}

fn each_below<'a>(selections: &'a SelectionSet, visit: &mut impl FnMut(&'a Field)) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => {
                visit(&field.node);
                each_below(&field.node.selection_set.node, visit);
            }
            Selection::InlineFragment(fragment) => each_below(&fragment.node.selection_set.node, visit),
            Selection::FragmentSpread(_) => {}
        }
    }
}
