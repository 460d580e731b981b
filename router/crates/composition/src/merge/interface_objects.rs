//! Gives implementations the fields that only interface objects have.

use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::write::{DraftField, DraftJoinField, DraftKind};

use super::Merger;

impl Merger<'_> {
    pub(super) fn spread_interface_object_fields(&mut self) {
        let mut added: Vec<(Name, DraftField)> = Vec::new();
        for interface in self.draft.types.values() {
            if interface.kind != DraftKind::Interface || !interface.joins.iter().any(|j| j.interface_object) {
                continue;
            }
            let graphs: Vec<usize> = interface.joins.iter().filter(|j| j.interface_object).map(|j| j.graph).collect();
            for field in interface.fields.values() {
                let given = graphs.iter().any(|i| {
                    self.type_in(*i, &interface.name)
                        .and_then(|t| t.fields.get(&field.name))
                        .is_some_and(|f| !f.facts.external)
                });
                if !given {
                    continue;
                }
                for ty in self.objects_below(&interface.name) {
                    let lacks = !ty.fields.contains_key(&field.name);
                    let twice = added.iter().any(|(t, f)| *t == ty.name && f.name == field.name);
                    if lacks && !twice {
                        let mut field = field.clone();
                        field.joins = vec![DraftJoinField::default()];
                        added.push((ty.name.clone(), field));
                    }
                }
            }
        }
        for (ty, field) in added {
            if let Some(ty) = self.draft.types.get_mut(&ty) {
                ty.fields.insert(field.name.clone(), field);
            }
        }
    }
}
