//! Refuses documents with fields that a subgraph does not resolve. Knows no values.

use braid_graphql::compiler::executable::{Selection, SelectionSet};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{ExecutableDocument, Name, Schema};
use serde_json::{Map, Value};

use super::ownership::Ownership;

/// An error if a field is external or overridden and not provided on its path.
pub(super) fn refuse_unowned(
    document: &ExecutableDocument,
    schema: &Valid<Schema>,
    ownership: &Ownership,
) -> Result<(), String> {
    let walk = Walk { document, schema, ownership };
    document.operations.iter().try_for_each(|operation| walk.selections(&operation.selection_set, &[]))
}

/// An error if a variable is sent that the operation does not define. (Unused definitions are a validation error.)
pub(super) fn refuse_unused_variables(
    document: &ExecutableDocument,
    variables: &Map<String, Value>,
) -> Result<(), String> {
    for operation in document.operations.iter() {
        for name in variables.keys() {
            if !operation.variables.iter().any(|defined| defined.name == name.as_str()) {
                return Err(format!("the variable ${name} is sent but not defined"));
            }
        }
    }
    Ok(())
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    schema: &'a Valid<Schema>,
    ownership: &'a Ownership,
}

impl Walk<'_> {
    fn selections(&self, set: &SelectionSet, provided: &[&SelectionSet]) -> Result<(), String> {
        for selection in &set.selections {
            match selection {
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set, provided)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.selections(&fragment.selection_set, provided)?;
                    }
                }
                Selection::Field(field) => {
                    let mut below = Vec::new();
                    for ty in runtime_types(self.schema, &set.ty) {
                        let mut found = Vec::new();
                        let given = provided.iter().any(|set| self.find_provided(set, &ty, &field.name, &mut found));
                        let coordinate = (ty.to_string(), field.name.to_string());
                        if self.ownership.unresolved.contains(&coordinate) && !given {
                            return Err(format!("{ty}.{} is not resolved here", field.name));
                        }
                        below.extend(found);
                        below.extend(self.ownership.provides.get(&coordinate));
                    }
                    if let Some(set) = &field.selection_set {
                        self.selections(set, &below)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether `set` has the field for runtime type `ty`. Adds the fields below it to `into`.
    fn find_provided<'s>(
        &self,
        set: &'s SelectionSet,
        ty: &Name,
        field: &Name,
        into: &mut Vec<&'s SelectionSet>,
    ) -> bool {
        let mut found = false;
        for selection in &set.selections {
            match selection {
                Selection::Field(given) if given.name == *field => {
                    found = true;
                    into.extend(given.selection_set.as_ref());
                }
                Selection::InlineFragment(fragment) => {
                    let applies = fragment
                        .type_condition
                        .as_ref()
                        .is_none_or(|name| name == ty || self.schema.is_subtype(name, ty));
                    found |= applies && self.find_provided(&fragment.selection_set, ty, field, into);
                }
                _ => {}
            }
        }
        found
    }
}

/// The object types that a value of this type can have in the subgraph.
fn runtime_types(schema: &Schema, ty: &Name) -> Vec<Name> {
    let objects = schema.types.iter().filter(|(_, definition)| definition.is_object()).map(|(name, _)| name);
    objects.filter(|name| *name == ty || schema.is_subtype(ty, name)).cloned().collect()
}
