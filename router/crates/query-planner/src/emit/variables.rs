//! Which of the client's variables a request uses. Knows nothing of how the request was made.

use ahash::AHashSet;
use braid_graphql::compiler::ast::Value;
use braid_graphql::operation::Operation;
use braid_graphql::{Name, Node, VariableDefinition};
use braid_query_plan::{FetchKind, FetchSelection};

/// The client's variables that a request uses, in the client's order.
pub(super) fn used_variables(kind: &FetchKind, operation: &Operation) -> Vec<Node<VariableDefinition>> {
    if operation.variables.is_empty() {
        return Vec::new();
    }
    let mut used = AHashSet::new();
    match kind {
        FetchKind::Root { selections, .. } => selections_use(selections, &mut used),
        FetchKind::Entities(entities) => entities.iter().for_each(|fetch| selections_use(&fetch.selections, &mut used)),
    }
    operation.variables.iter().filter(|variable| used.contains(&variable.name)).cloned().collect()
}

fn selections_use(selections: &[FetchSelection], used: &mut AHashSet<Name>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) => {
                used.extend(field.condition.literals().iter().map(|literal| literal.variable.clone()));
                field.arguments.iter().for_each(|argument| value_uses(&argument.value, used));
                field.selections.iter().for_each(|below| selections_use(below, used));
            }
            FetchSelection::InlineFragment { condition, selections, .. } => {
                used.extend(condition.literals().iter().map(|literal| literal.variable.clone()));
                selections_use(selections, used);
            }
        }
    }
}

fn value_uses(value: &Value, used: &mut AHashSet<Name>) {
    match value {
        Value::Variable(name) => drop(used.insert(name.clone())),
        Value::List(items) => items.iter().for_each(|item| value_uses(item, used)),
        Value::Object(fields) => fields.iter().for_each(|(_, value)| value_uses(value, used)),
        _ => {}
    }
}
