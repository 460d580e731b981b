//! Whether a field is asked with what it requires, where that is there. Knows nothing of who resolves it.

use braid_graphql::operation::{Condition, SelectionSet};
use braid_graphql::schema::TypeId;
use braid_query_plan::RepresentationField;
use braid_supergraph::FieldInSubgraph;

use super::paper::{Check, Scope, Written};

impl Check<'_> {
    pub(super) fn check_requirements(
        &mut self,
        join: &FieldInSubgraph,
        coordinate: &str,
        ty: TypeId,
        written: &Written,
        condition: &Condition,
        scope: &Scope<'_>,
    ) {
        let given = scope.representation;
        if let Some(requires) = &join.requires {
            let fields: Vec<&RepresentationField> =
                given.map(|(representation, _)| representation.fields.iter().collect()).unwrap_or_default();
            if !self.covers(&fields, requires, ty) {
                self.report(scope.fetch, format!("asks {coordinate} without what it requires"));
            }
        }
        // An object without its key is not looked up, so the key is needed where one of its fields is; so is what that requires.
        for field in given.iter().flat_map(|(representation, _)| &representation.fields) {
            let is_required =
                |set: &SelectionSet| set.fields.iter().any(|required| required.response_key == field.name);
            let is_needed = field.is_key || join.requires.as_ref().is_some_and(is_required);
            let writes = written.fields.get(&field.key).map(Vec::as_slice).unwrap_or_default();
            let conditions = writes.iter().map(|write| &write.condition);
            if is_needed && !self.is_there(&(condition, scope.asked.as_slice()), conditions) {
                self.report(scope.fetch, format!("asks {coordinate} where {} is not there", field.name));
            }
        }
        if !join.context_arguments.is_empty() && given.is_none_or(|(_, fetch)| fetch.contexts.is_empty()) {
            self.report(scope.fetch, format!("asks {coordinate} without its context"));
        }
    }

    /// Whether the fields name everything of the set that applies to the type.
    pub(super) fn covers(&self, fields: &[&RepresentationField], set: &SelectionSet, ty: TypeId) -> bool {
        set.fields.iter().filter(|field| field.guard.contains(ty) || field.guard.is_empty()).all(|field| {
            let Some(id) = field.definition.id() else { return true };
            let definition = self.supergraph.schema.field(id);
            fields.iter().any(|known| {
                known.name == definition.name
                    && match (&known.fields, &field.selection_set) {
                        (Some(fields), Some(set)) => {
                            let below: Vec<&RepresentationField> = fields.iter().collect();
                            let possible = &self.supergraph.schema.ty(definition.inner).possible;
                            possible.iter().all(|ty| {
                                let fits: Vec<&RepresentationField> = below
                                    .iter()
                                    .copied()
                                    .filter(|field| field.guard.as_ref().is_none_or(|guard| guard.contains(ty)))
                                    .collect();
                                // Types that cannot be met where the field comes from have no fields.
                                fits.iter().all(|field| field.name == "__typename") || self.covers(&fits, set, ty)
                            })
                        }
                        (None, None) => true,
                        _ => false,
                    }
            })
        })
    }
}
