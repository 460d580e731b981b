//! Authorization that an element inherits. A client that reads through an interface must be allowed to read every implementation, and a
//! client that reads a field of an implementation must be allowed to read what an interface object returns for it: the router may use
//! either.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::DraftKind;

use super::merger::{Inherited, Merger};
use crate::subgraph::model::{Applied, Directives, Kind};
use crate::validate::AUTH;

impl<'a> Merger<'a> {
    /// What each interface, and each field of interfaces and implementations, inherits.
    pub(super) fn inherited_authorization(&self) -> Inherited<'a> {
        let mut inherited = Inherited::default();
        if !AUTH.iter().any(|known| self.features.name(*known).is_some()) {
            return inherited;
        }
        let interfaces = self.interfaces_by_object();
        let of = |object: &Name| interfaces.get(object).map(Vec::as_slice).unwrap_or_default();
        let mut add = |coordinate: String, index: usize, applied: &[&'a Applied]| {
            inherited.entry(coordinate).or_default().extend(applied.iter().map(|applied| (index, *applied)));
        };
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            for ty in subgraph.schema.types.values().filter(|ty| ty.kind == Kind::Object) {
                let on_type = auth(ty.applied());
                if !on_type.is_empty() {
                    of(&ty.name).iter().for_each(|interface| add(interface.to_string(), index, &on_type));
                }
                for field in ty.fields.values().filter(|field| !field.facts.external) {
                    let on_field = auth(field.applied());
                    if on_field.is_empty() {
                        continue;
                    }
                    let mut heirs: Vec<&Name> = of(&ty.name).to_vec();
                    if ty.is_interface_object() {
                        for implementation in self.objects_below(&ty.name) {
                            heirs.push(&implementation.name);
                            heirs.extend(of(&implementation.name).iter().filter(|other| **other != &ty.name));
                        }
                        heirs.sort_unstable();
                        heirs.dedup();
                    }
                    heirs.iter().for_each(|heir| add(format!("{heir}.{}", field.name), index, &on_field));
                }
            }
        }
        inherited
    }

    /// The merged interfaces of each merged object type.
    fn interfaces_by_object(&self) -> AHashMap<&Name, Vec<&Name>> {
        let objects = self.draft.types.values().filter(|ty| ty.kind == DraftKind::Object);
        objects.map(|ty| (&ty.name, ty.implements.keys().collect())).collect()
    }
}

fn auth(applied: &[Applied]) -> Vec<&Applied> {
    applied.iter().filter(|a| a.known.is_some_and(|known| AUTH.contains(&known))).collect()
}
