//! Authorization on interfaces: whoever reads through an interface must be allowed to read any implementation.

use braid_graphql::compiler::ast::Value;
use braid_graphql::compiler::{Name, Node};
use braid_supergraph::join_spec::write::{DraftApplied, DraftKind};

use super::Merger;
use super::directives::{Dnf, conjoin, read_dnf, write_dnf};
use crate::subgraph::spec::Known;

impl Merger<'_> {
    pub(super) fn raise_authorization(&mut self) {
        let kinds = [(Known::Authenticated, ""), (Known::RequiresScopes, "scopes"), (Known::Policy, "policies")];
        for (known, argument) in kinds {
            if let Some(name) = self.features.name(known).cloned() {
                self.raise(&name, argument);
            }
        }
    }

    fn raise(&mut self, directive: &Name, argument: &str) {
        let mut on_types: Vec<(Name, Option<Name>, Vec<DraftApplied>)> = Vec::new();
        for interface in self.draft.types.values().filter(|t| t.kind == DraftKind::Interface) {
            let below = || self.objects_below(&interface.name);
            let find = |applied: &[DraftApplied]| applied.iter().find(|a| a.name == *directive).cloned();
            let demands: Vec<DraftApplied> = below().filter_map(|t| find(&t.applied)).collect();
            on_types.push((interface.name.clone(), None, demands));
            for field in interface.fields.keys() {
                let demands: Vec<DraftApplied> = below().filter_map(|t| find(&t.fields.get(field)?.applied)).collect();
                on_types.push((interface.name.clone(), Some(field.clone()), demands));
            }
        }
        for (ty, field, demands) in on_types.into_iter().filter(|(_, _, demands)| !demands.is_empty()) {
            let Some(ty) = self.draft.types.get_mut(&ty) else { continue };
            let applied = match field {
                None => &mut ty.applied,
                Some(field) => match ty.fields.get_mut(&field) {
                    Some(field) => &mut field.applied,
                    None => continue,
                },
            };
            let own = applied.iter().position(|a| a.name == *directive).map(|i| applied.remove(i));
            applied.push(combined(directive, argument, demands.into_iter().chain(own)));
        }
    }
}

fn combined(directive: &Name, argument: &str, demands: impl Iterator<Item = DraftApplied>) -> DraftApplied {
    if argument.is_empty() {
        return DraftApplied { name: directive.clone(), args: Vec::new() };
    }
    let read = |a: DraftApplied| -> Dnf {
        let value: Option<Node<Value>> = a.args.into_iter().find(|(n, _)| n == argument).map(|(_, v)| v);
        value.map(|v| read_dnf(&v)).unwrap_or_default()
    };
    let merged = demands.map(read).reduce(|a, b| conjoin(&a, &b)).unwrap_or_default();
    DraftApplied { name: directive.clone(), args: vec![(Name::new_unchecked(argument), write_dnf(&merged))] }
}
