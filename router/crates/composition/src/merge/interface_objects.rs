//! Adds to implementations what interface objects resolve: fields that they lack, and fields that they have as externals only.

use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::{DraftField, DraftJoinField, DraftKind};

use super::merger::Merger;
use super::overrides::Overrides;
use crate::validate::AUTH;

impl Merger<'_> {
    pub(super) fn spread_interface_object_fields(&mut self) {
        if self.interface_objects.is_empty() {
            return;
        }
        let objects = self.draft.types.values().filter(|ty| ty.kind == DraftKind::Object);
        let names: Vec<Name> = objects.filter(|ty| !ty.implements.is_empty()).map(|ty| ty.name.clone()).collect();
        for name in names {
            for field in self.given_by_interface_objects(&name) {
                self.spread(&name, field);
            }
        }
    }

    /// The merged fields of a type's interfaces that an interface object resolves, in the order of the interfaces.
    fn given_by_interface_objects(&self, name: &str) -> Vec<DraftField> {
        let Some(ty) = self.draft.types.get(name) else { return Vec::new() };
        let mut given: Vec<DraftField> = Vec::new();
        for interface in ty.implements.keys() {
            let (Some(graphs), Some(merged)) = (self.interface_objects.get(interface), self.draft.types.get(interface))
            else {
                continue;
            };
            for field in merged.fields.values() {
                let resolves = |graph: &usize| {
                    let object = self.type_in(*graph, interface);
                    object.and_then(|ty| ty.fields.get(&field.name)).is_some_and(|field| !field.facts.external)
                };
                if graphs.iter().any(resolves) && !given.iter().any(|other| other.name == field.name) {
                    given.push(field.clone());
                }
            }
        }
        given
    }

    fn spread(&mut self, name: &Name, mut field: DraftField) {
        let existing = self.draft.types.get(name).and_then(|ty| ty.fields.get(&field.name));
        match existing {
            // An external field keeps its subgraphs and its type.
            Some(own) if !own.joins.is_empty() && own.joins.iter().all(|join| join.external) => {
                field.joins.clone_from(&own.joins);
                field.ty = own.ty.clone();
            }
            Some(_) => return,
            None => field.joins = vec![DraftJoinField::default()],
        }
        // The authorization of an interface's field may come from another implementation.
        let protects: Vec<&Name> = AUTH.iter().filter_map(|known| self.features.name(*known)).collect();
        field.applied.retain(|applied| !protects.contains(&&applied.name));
        field.applied.extend(self.merge_applied(&format!("{name}.{}", field.name), &[]));
        self.check_sharing(name, &field.name, &[], &Overrides::default());
        if let Some(ty) = self.draft.types.get_mut(name) {
            ty.fields.insert(field.name.clone(), field);
        }
    }
}
