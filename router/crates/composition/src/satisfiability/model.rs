//! What satisfiability looks at: for each object type of the supergraph, how each subgraph knows it.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::write::{DraftJoinField, DraftKind, DraftType, NameMap};
use smallvec::SmallVec;

use crate::checks::Context;
use crate::subgraph::facts::fields_of;
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{Directives, Field, Kind, Schema, TypeDef};
use crate::subgraph::spec::Known;

pub(super) struct Model<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) types: Vec<ObjectType<'a>>,
    pub(super) by_name: AHashMap<Name, usize>,
    /// The object types that a composite type can have, by subgraph.
    runtime: Vec<AHashMap<Name, Vec<usize>>>,
    /// A number for each text of a key.
    key_ids: AHashMap<String, usize>,
}

/// An object type of the supergraph.
pub(super) struct ObjectType<'a> {
    pub(super) name: Name,
    /// In the order of the subgraphs.
    pub(super) places: Vec<Place>,
    merged: &'a DraftType,
    /// Who has each field, in the order of the merged type.
    fields: Vec<SmallVec<[FieldThere<'a>; 1]>>,
}

/// A field of an object type in a subgraph, and how the supergraph joins it there.
#[derive(Clone, Copy)]
pub(super) struct FieldThere<'a> {
    pub(super) subgraph: usize,
    pub(super) field: &'a Field,
    pub(super) join: Join<'a>,
}

/// An object type as one subgraph knows it.
pub(super) struct Place {
    pub(super) subgraph: usize,
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
    /// Equal for keys of equal text.
    pub(super) id: usize,
    pub(super) resolvable: bool,
}

impl<'a> Model<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let mut model = Model {
            context,
            types: Vec::new(),
            by_name: AHashMap::new(),
            runtime: Vec::new(),
            key_ids: AHashMap::new(),
        };
        let knowing = knowing(context);
        for ty in context.draft.types.values().filter(|t| t.kind == DraftKind::Object) {
            // A subgraph knows an object by itself, or through an interface.
            let names = std::iter::once(&ty.name).chain(ty.implements.keys());
            let mut graphs: Vec<usize> = names.filter_map(|name| knowing.get(name)).flatten().copied().collect();
            graphs.sort_unstable();
            graphs.dedup();
            let mut object = ObjectType {
                name: ty.name.clone(),
                places: Vec::with_capacity(graphs.len()),
                merged: ty,
                fields: vec![SmallVec::new(); ty.fields.len()],
            };
            graphs.into_iter().for_each(|index| model.add_place(&mut object, index, ty));
            model.by_name.insert(ty.name.clone(), model.types.len());
            model.types.push(object);
        }
        for (index, subgraph) in context.subgraphs.iter().enumerate() {
            let composite = subgraph.schema.types.values().filter(|t| t.is_composite());
            model.runtime.push(composite.map(|ty| (ty.name.clone(), model.runtime_here(index, ty))).collect());
        }
        model
    }

    /// Adds an object type as a subgraph knows it: as itself, or through interface objects.
    fn add_place(&mut self, object: &mut ObjectType<'a>, index: usize, ty: &'a DraftType) {
        let context = self.context;
        let schema = &context.subgraphs[index].schema;
        let interfaces = || ty.implements.keys().filter_map(|interface| schema.types.get(interface));
        let own = schema.types.get(&ty.name).filter(|own| own.kind == Kind::Object);
        let types: SmallVec<[&TypeDef; 1]> = match own {
            Some(own) => SmallVec::from_elem(own, 1),
            None => interfaces().filter(|t| t.is_interface_object()).collect(),
        };
        if types.is_empty() {
            return;
        }
        for owner in &types {
            let merged = if own.is_some() { Some(ty) } else { context.draft.types.get(&owner.name) };
            for (near, (name, field)) in owner.fields.iter().enumerate() {
                let Some(at) = index_near(&ty.fields, near, name) else { continue };
                let Some(merged) = merged.and_then(|merged| merged.fields.get(name)) else { continue };
                let having = &mut object.fields[at];
                // Of several interface objects, the first gives the field.
                if having.last().is_none_or(|there| there.subgraph != index) {
                    having.push(FieldThere { subgraph: index, field, join: Join::of(&merged.joins, index) });
                }
            }
        }
        object.places.push(Place {
            subgraph: index,
            real: own.is_some(),
            keys: types.iter().flat_map(|t| self.keys(t)).collect(),
            interface_keys: match own {
                Some(_) => interfaces().filter(|t| t.kind == Kind::Interface).flat_map(|t| self.keys(t)).collect(),
                None => Vec::new(),
            },
            local_key: types.iter().any(|t| has_local_key(schema, t)),
        });
    }

    fn keys(&mut self, ty: &TypeDef) -> Vec<Key> {
        ty.all(Known::Key)
            .filter_map(|key| {
                let set = fields_of(key)?;
                let text = set.to_string();
                let next = self.key_ids.len();
                let id = *self.key_ids.entry(text.clone()).or_insert(next);
                Some(Key { text, id, set, resolvable: key.bool_arg("resolvable") != Some(false) })
            })
            .collect()
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
        self.runtime.get(index).and_then(|types| types.get(ty)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn place(&self, ty: usize, subgraph: usize) -> Option<&Place> {
        let places = &self.types[ty].places;
        places.binary_search_by_key(&subgraph, |place| place.subgraph).ok().and_then(|at| places.get(at))
    }

    pub(super) fn subgraph_name(&self, index: usize) -> &'a str {
        &self.context.subgraphs[index].name
    }

    /// The field of a type in a subgraph, and how the supergraph joins it there.
    pub(super) fn field(&self, ty: usize, subgraph: usize, name: &str) -> Option<(&'a Field, Join<'a>)> {
        let having = self.having(ty, name);
        let at = having.binary_search_by_key(&subgraph, |there| there.subgraph).ok()?;
        having.get(at).map(|there| (there.field, there.join))
    }

    /// The subgraphs that have a field of a type, in their order.
    pub(super) fn having(&self, ty: usize, name: &str) -> &[FieldThere<'a>] {
        let ty = &self.types[ty];
        ty.merged.fields.get_index_of(name).map_or(&[], |at| &ty.fields[at])
    }

    /// The same, by the field's place in the merged type.
    pub(super) fn having_at(&self, ty: usize, at: usize) -> &[FieldThere<'a>] {
        self.types[ty].fields.get(at).map_or(&[], SmallVec::as_slice)
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

impl<'a> Join<'a> {
    fn of(joins: &'a [DraftJoinField], subgraph: usize) -> Self {
        match joins.iter().find(|join| join.graph == Some(subgraph)) {
            Some(join) => Join::Written(join),
            None if joins.is_empty() => Join::Plain,
            None => Join::Gone,
        }
    }
}

/// Where a name stands in a map; most stand in the order in which they are asked for.
fn index_near<T>(map: &NameMap<T>, near: usize, name: &Name) -> Option<usize> {
    match map.get_index(near) {
        Some((there, _)) if there == name => Some(near),
        _ => map.get_index_of(name),
    }
}

/// The subgraphs that have an object or interface, by its name.
fn knowing(context: &Context<'_>) -> AHashMap<Name, Vec<usize>> {
    let mut knowing: AHashMap<Name, Vec<usize>> = AHashMap::new();
    for (index, subgraph) in context.subgraphs.iter().enumerate() {
        for ty in subgraph.schema.types.values().filter(|t| matches!(t.kind, Kind::Object | Kind::Interface)) {
            knowing.entry(ty.name.clone()).or_default().push(index);
        }
    }
    knowing
}

/// Whether the subgraph has one of a type's keys itself.
fn has_local_key(schema: &Schema, ty: &TypeDef) -> bool {
    ty.all(Known::Key).filter_map(fields_of).any(|set| {
        let mut reached = Vec::new();
        crate::subgraph::facts::reached(schema, ty, &set, false, &mut reached);
        reached.iter().all(|(owner, field)| {
            schema.types.get(owner).and_then(|t| t.fields.get(field)).is_some_and(|f| !f.facts.external)
        })
    })
}
