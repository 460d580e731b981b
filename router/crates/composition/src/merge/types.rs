//! What a type is before its fields are merged: its kind, the subgraphs that have it, interfaces, and union members. Interfaces and
//! union members decide what is a subtype, so all types come before any field.

use braid_graphql::compiler::Name;
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{DraftJoinType, DraftKind, DraftType};
use indexmap::IndexMap;

use super::enum_uses::EnumUses;
use super::merger::{Merger, Sources, with_room};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, subgraph_list};
use crate::subgraph::model::{Directives, Kind, TypeDef};
use crate::subgraph::spec::Known;

impl<'a> Merger<'a> {
    /// Every type by name with the subgraphs that have it, as long as they agree on its kind, in the order of the draft's types.
    pub(super) fn types_shallow(&mut self) -> Vec<(&'a Name, Sources<'a, TypeDef>)> {
        let mut types: IndexMap<&'a Name, Sources<'a, TypeDef>, ahash::RandomState> = IndexMap::default();
        let subgraphs = self.subgraphs;
        for (index, subgraph) in subgraphs.iter().enumerate() {
            for ty in subgraph.schema.types.values() {
                // A root without fields is dropped, except for the query root.
                if ty.fields.is_empty() && matches!(ty.name.as_str(), "Mutation" | "Subscription") {
                    continue;
                }
                if ty.is_interface_object() {
                    self.interface_objects.entry(ty.name.clone()).or_default().push(index);
                }
                types.entry(&ty.name).or_default().push((index, ty));
            }
        }
        let mut types: Vec<(&'a Name, Sources<'a, TypeDef>)> = types.into_iter().collect();
        types.sort_unstable_by_key(|(name, _)| *name);
        types.retain(|(name, sources)| self.same_kind(name, sources));
        self.draft.types = with_room(types.len());
        for (name, sources) in &types {
            let ty = self.shallow(name, sources);
            for interface in ty.implements.keys() {
                self.implementations.entry(interface.clone()).or_default().push(ty.name.clone());
            }
            if ty.kind == DraftKind::Enum {
                self.enum_uses.insert(ty.name.clone(), EnumUses::default());
            }
            self.draft.types.insert(ty.name.clone(), ty);
        }
        types
    }

    fn same_kind(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> bool {
        let kind = |ty: &TypeDef| if ty.is_interface_object() { Kind::Interface } else { ty.kind };
        let first = kind(sources[0].1);
        if sources.iter().any(|(_, ty)| kind(ty) != first) {
            let mut by_kind: Vec<(Kind, Vec<&str>)> = Vec::new();
            for (index, ty) in sources {
                let name = &*self.subgraphs[*index].name;
                match by_kind.iter_mut().find(|(k, _)| *k == kind(ty)) {
                    Some((_, names)) => names.push(name),
                    None => by_kind.push((kind(ty), vec![name])),
                }
            }
            let said: Vec<String> =
                by_kind.iter().map(|(kind, names)| format!("{} in {}", kind.noun(), subgraph_list(names))).collect();
            let diagnostic = Diagnostic::new(
                Code::TYPE_KIND_MISMATCH,
                format!("Subgraphs define \"{name}\" as different kinds of type: it is {}.", said.join(" but ")),
            )
            .on(name.as_str())
            .at(self.type_locations(sources))
            .help(format!("make \"{name}\" the same kind of type everywhere, or rename it in one of the subgraphs"));
            self.errors.push(diagnostic);
            return false;
        }
        if first == Kind::Interface && sources.iter().all(|(_, ty)| ty.is_interface_object()) {
            let names = sources.iter().map(|(i, _)| &*self.subgraphs[*i].name);
            let edit = sources.first().and_then(|(i, ty)| {
                crate::validate::edits::remove_application(&self.subgraphs[*i], ty.get(Known::InterfaceObject)?)
            });
            let diagnostic = Diagnostic::new(
                Code::INTERFACE_OBJECT_USAGE_ERROR,
                format!("\"{name}\" is an @interfaceObject everywhere ({}). An interface object represents an interface that another subgraph defines, but no subgraph defines this one.", subgraph_list(names)),
            )
            .on(name.as_str())
            .at(self.type_locations(sources))
            .help(format!("define `interface {name}` in one subgraph, or remove @interfaceObject"))
            .fix("remove @interfaceObject", edit);
            self.errors.push(diagnostic);
            return false;
        }
        true
    }

    /// The type without its fields and values.
    fn shallow(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> DraftType {
        let kind = match sources[0].1.kind {
            _ if sources.iter().any(|(_, t)| t.is_interface_object()) => DraftKind::Interface,
            Kind::Scalar => DraftKind::Scalar,
            Kind::Object => DraftKind::Object,
            Kind::Interface => DraftKind::Interface,
            Kind::Union => DraftKind::Union,
            Kind::Enum => DraftKind::Enum,
            Kind::Input => DraftKind::Input,
        };
        let mut joins = Vec::with_capacity(sources.len());
        let mut implements: NameMap<Vec<usize>> = NameMap::default();
        let mut members: NameMap<Vec<usize>> = NameMap::default();
        for (index, ty) in sources {
            join_type(&mut joins, *index, ty);
            for interface in ty.implements.keys() {
                implements.entry(interface.clone()).or_default().push(*index);
            }
            for member in ty.members.keys() {
                members.entry(member.clone()).or_default().push(*index);
            }
        }
        if kind == DraftKind::Union {
            self.hint_members(name, sources, &members);
        }
        DraftType {
            name: name.clone(),
            kind,
            description: None,
            joins,
            implements,
            members,
            fields: NameMap::default(),
            values: NameMap::default(),
            applied: Vec::new(),
            internal: false,
        }
    }

    fn hint_members(&mut self, name: &Name, sources: &Sources<'a, TypeDef>, members: &NameMap<Vec<usize>>) {
        for (member, graphs) in members {
            if graphs.len() < sources.len() {
                let diagnostic = self.inconsistent(
                    Code::INCONSISTENT_UNION_MEMBER,
                    format!(
                        "Some subgraphs know \"{member}\" as a member of union \"{name}\", others don't. Clients see it as a member"
                    ),
                    name,
                    graphs,
                    sources,
                    |ty| ty.members.get(member).copied().flatten(),
                );
                self.hints.push(diagnostic);
            }
        }
    }
}

/// The `@join__type`s of a subgraph: one for each key.
fn join_type(joins: &mut Vec<DraftJoinType>, graph: usize, ty: &TypeDef) {
    let interface_object = ty.is_interface_object();
    if !ty.has(Known::Key) {
        joins.push(DraftJoinType { graph, key: None, extension: false, resolvable: true, interface_object });
    }
    joins.extend(ty.all(Known::Key).map(|key| DraftJoinType {
        graph,
        key: key.str_arg("fields").map(str::to_string),
        extension: key.part > 0 || ty.has(Known::Extends),
        resolvable: key.bool_arg("resolvable") != Some(false),
        interface_object,
    }));
}
