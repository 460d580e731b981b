//! What satisfiability looks at: for each object type of the supergraph, how each subgraph knows it.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::write::{DraftJoinField, DraftKind};

use crate::checks::Context;
use crate::subgraph::facts::fields_of;
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{Directives, Field, Kind, TypeDef};
use crate::subgraph::spec::Known;

pub(super) struct Model<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) types: Vec<ObjectType<'a>>,
    pub(super) by_name: AHashMap<Name, usize>,
    /// The object types that a composite type can have in a subgraph.
    runtime: AHashMap<(usize, Name), Vec<usize>>,
}

/// An object type of the supergraph.
pub(super) struct ObjectType<'a> {
    pub(super) name: Name,
    pub(super) places: Vec<Place<'a>>,
    /// Index into `places` by subgraph.
    by_subgraph: AHashMap<usize, usize>,
}

/// An object type as one subgraph knows it.
pub(super) struct Place<'a> {
    pub(super) subgraph: usize,
    /// The type itself, or the interface objects that stand for it.
    pub(super) types: Vec<&'a TypeDef>,
    pub(super) real: bool,
    pub(super) keys: Vec<Key>,
    /// Keys of its interfaces here, by which one can come without knowing the type.
    pub(super) interface_keys: Vec<Key>,
    /// The subgraph can be entered again by a key that it has itself.
    pub(super) local_key: bool,
}

pub(super) struct Key {
    pub(super) set: FieldSet,
    pub(super) text: String,
    pub(super) resolvable: bool,
}

impl<'a> Model<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let mut model = Model { context, types: Vec::new(), by_name: AHashMap::new(), runtime: AHashMap::new() };
        for ty in context.draft.types.values().filter(|t| t.kind == DraftKind::Object) {
            let interfaces: Vec<&Name> = ty.implements.keys().collect();
            let mut places = Vec::new();
            for index in 0..context.subgraphs.len() {
                places.extend(place(context, index, &ty.name, &interfaces));
            }
            let by_subgraph = places.iter().enumerate().map(|(i, p)| (p.subgraph, i)).collect();
            model.by_name.insert(ty.name.clone(), model.types.len());
            model.types.push(ObjectType { name: ty.name.clone(), places, by_subgraph });
        }
        for (index, subgraph) in context.subgraphs.iter().enumerate() {
            for ty in subgraph.schema.types.values().filter(|t| t.is_composite()) {
                let runtime = model.runtime_here(index, ty);
                model.runtime.insert((index, ty.name.clone()), runtime);
            }
        }
        model
    }

    fn runtime_here(&self, index: usize, ty: &TypeDef) -> Vec<usize> {
        if ty.is_interface_object() {
            return self
                .context
                .draft
                .types
                .values()
                .filter(|t| t.kind == DraftKind::Object && t.implements.contains_key(&ty.name))
                .filter_map(|t| self.by_name.get(&t.name).copied())
                .collect();
        }
        let schema = &self.context.subgraphs[index].schema;
        schema.runtime_types(ty).iter().filter_map(|t| self.by_name.get(&t.name).copied()).collect()
    }

    pub(super) fn runtime(&self, index: usize, ty: &Name) -> &[usize] {
        self.runtime.get(&(index, ty.clone())).map_or(&[], Vec::as_slice)
    }

    pub(super) fn place(&self, ty: usize, subgraph: usize) -> Option<&Place<'a>> {
        let ty = &self.types[ty];
        ty.by_subgraph.get(&subgraph).and_then(|i| ty.places.get(*i))
    }

    pub(super) fn subgraph_name(&self, index: usize) -> &'a str {
        &self.context.subgraphs[index].name
    }

    /// The field of a type in a subgraph, and how the supergraph joins it there.
    pub(super) fn field(&self, ty: usize, subgraph: usize, name: &str) -> Option<(&'a Field, Join<'a>)> {
        let place = self.place(ty, subgraph)?;
        place.types.iter().find_map(|owner| {
            let field = owner.fields.get(name)?;
            let merged = self.context.draft.types.get(&owner.name)?.fields.get(name)?;
            let join = match merged.joins.iter().find(|j| j.graph == Some(subgraph)) {
                Some(join) => Join::Written(join),
                None if merged.joins.is_empty() => Join::Plain,
                None => Join::Gone,
            };
            Some((field, join))
        })
    }

    /// Whether a fragment on a type applies to an object type.
    pub(super) fn applies(&self, ty: usize, condition: &str) -> bool {
        let name = &self.types[ty].name;
        name == condition
            || self.context.draft.types.get(name).is_some_and(|t| t.implements.contains_key(condition))
            || self.context.draft.types.get(condition).is_some_and(|t| t.members.contains_key(name))
    }

    /// What a field set selects below a field of an object type; none if the field is not selected.
    pub(super) fn selected(&self, set: &FieldSet, ty: usize, field: &str) -> Option<FieldSet> {
        let mut found: Option<FieldSet> = None;
        for item in &set.items {
            match item {
                Item::Field { name, selection, .. } if name == field => {
                    found.get_or_insert_default().items.extend(selection.items.iter().cloned());
                }
                Item::Field { .. } => {}
                Item::Fragment { condition, selection, .. } => {
                    if condition.as_ref().is_none_or(|c| self.applies(ty, c))
                        && let Some(inner) = self.selected(selection, ty, field)
                    {
                        found.get_or_insert_default().items.extend(inner.items);
                    }
                }
            }
        }
        found
    }
}

/// How the supergraph joins a field in a subgraph.
#[derive(Clone, Copy)]
pub(super) enum Join<'a> {
    Plain,
    Written(&'a DraftJoinField),
    /// Overridden away.
    Gone,
}

fn place<'a>(context: &'a Context<'a>, index: usize, name: &Name, interfaces: &[&Name]) -> Option<Place<'a>> {
    let schema = &context.subgraphs[index].schema;
    let of = |name: &Name| schema.types.get(name);
    let (types, real) = match of(name) {
        Some(ty) if ty.kind == Kind::Object => (vec![ty], true),
        _ => {
            let objects: Vec<&TypeDef> =
                interfaces.iter().filter_map(|i| of(i)).filter(|t| t.is_interface_object()).collect();
            if objects.is_empty() {
                return None;
            }
            (objects, false)
        }
    };
    let own_keys: Vec<Key> = types.iter().flat_map(|t| keys(t)).collect();
    let interface_keys = match real {
        true => interfaces.iter().filter_map(|i| of(i)).filter(|t| t.kind == Kind::Interface).flat_map(keys).collect(),
        false => Vec::new(),
    };
    let local_key = types.iter().any(|ty| {
        ty.all(Known::Key).any(|key| {
            let Some(set) = fields_of(key) else { return false };
            let mut reached = Vec::new();
            crate::subgraph::facts::reached(schema, ty, &set, false, &mut reached);
            reached.iter().all(|(owner, field)| {
                schema.types.get(owner).and_then(|t| t.fields.get(field)).is_some_and(|f| !f.facts.external)
            })
        })
    });
    Some(Place { subgraph: index, types, real, keys: own_keys, interface_keys, local_key })
}

fn keys(ty: &TypeDef) -> Vec<Key> {
    ty.all(Known::Key)
        .filter_map(|key| {
            let set = fields_of(key)?;
            Some(Key { text: set.to_string(), set, resolvable: key.bool_arg("resolvable") != Some(false) })
        })
        .collect()
}
