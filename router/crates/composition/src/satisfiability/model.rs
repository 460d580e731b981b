//! What satisfiability looks at: for each object type of the supergraph, how each subgraph knows it.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::write::{DraftField, DraftJoinField, DraftKind, DraftType, NameMap};
use smallvec::SmallVec;

use crate::checks::Context;
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{self, BUILT_IN_SCALARS, Directives, Field, Kind, Schema, TypeDef, is_root};
use crate::subgraph::spec::Known;

pub(super) struct Model<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) types: Vec<ObjectType<'a>>,
    /// The object type at each place among the draft's types.
    objects: Vec<Option<usize>>,
    /// The object types that an interface, a union or an interface object can be, by subgraph.
    runtime: Vec<AHashMap<&'a Name, Vec<usize>>>,
    /// A number for each text of a key.
    key_ids: AHashMap<&'a str, usize>,
}

/// An object type of the supergraph.
pub(super) struct ObjectType<'a> {
    pub(super) id: usize,
    pub(super) name: &'a Name,
    /// In the order of the subgraphs.
    pub(super) places: SmallVec<[Place<'a>; 1]>,
    pub(super) merged: &'a DraftType,
    /// In the order of the merged type.
    pub(super) fields: Vec<ObjectField<'a>>,
}

/// A field of an object type, with what is asked of it again and again.
pub(super) struct ObjectField<'a> {
    pub(super) merged: &'a DraftField,
    pub(super) target: Target,
    /// Not in the API.
    pub(super) hidden: bool,
    /// Who has it, in the order of the subgraphs.
    pub(super) there: SmallVec<[FieldThere<'a>; 1]>,
}

/// What is behind a field in the supergraph.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A leaf, or a type that is not in the API.
    Nothing,
    /// An object type, by its number.
    Object(usize),
    /// An interface or a union.
    Abstract,
}

/// A field of an object type in a subgraph, and how the supergraph joins it there.
#[derive(Clone, Copy)]
pub(super) struct FieldThere<'a> {
    pub(super) subgraph: usize,
    pub(super) field: &'a Field,
    pub(super) join: Join<'a>,
    /// What is behind it, if that is the object type that is behind it in the supergraph too.
    pub(super) object: Option<usize>,
    pub(super) has_requires: bool,
    pub(super) has_provides: bool,
}

/// An object type as one subgraph knows it.
pub(super) struct Place<'a> {
    pub(super) subgraph: usize,
    pub(super) real: bool,
    pub(super) keys: SmallVec<[Key<'a>; 1]>,
    /// Keys of its interfaces here, by which one can come without knowing the type.
    pub(super) interface_keys: Vec<Key<'a>>,
    /// The subgraph can be entered again by a key that it has itself.
    pub(super) local_key: bool,
}

pub(super) struct Key<'a> {
    pub(super) set: &'a FieldSet,
    pub(super) text: &'a str,
    /// Equal for keys of equal text.
    pub(super) id: usize,
    pub(super) resolvable: bool,
}

impl<'a> Model<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let draft = context.draft;
        let mut count = 0;
        let numbers = draft.types.values().map(|ty| {
            let is_object = ty.kind == DraftKind::Object;
            count += usize::from(is_object);
            is_object.then(|| count - 1)
        });
        let mut model = Model {
            context,
            objects: numbers.collect(),
            types: Vec::with_capacity(count),
            runtime: Vec::with_capacity(context.subgraphs.len()),
            key_ids: AHashMap::new(),
        };
        let mut implementations: AHashMap<&'a Name, Vec<usize>> = AHashMap::new();
        for ty in draft.types.values().filter(|ty| ty.kind == DraftKind::Object) {
            let id = model.types.len();
            let mut object = ObjectType {
                id,
                name: &ty.name,
                places: SmallVec::new(),
                merged: ty,
                fields: ty.fields.values().map(|field| model.object_field(field)).collect(),
            };
            knowing(context, ty).into_iter().for_each(|index| model.add_place(&mut object, index));
            model.types.push(object);
            for interface in ty.implements.keys() {
                implementations.entry(interface).or_default().push(id);
            }
        }
        for subgraph in context.subgraphs {
            let runtime = model.runtime_here(&subgraph.schema, &implementations);
            model.runtime.push(runtime);
        }
        model
    }

    /// A field, of which it is not yet known who has it.
    fn object_field(&self, merged: &'a DraftField) -> ObjectField<'a> {
        let hidden = self.context.features.is_inaccessible(&merged.applied);
        ObjectField { merged, target: self.target(merged), hidden, there: SmallVec::new() }
    }

    fn target(&self, field: &'a DraftField) -> Target {
        let name = field.ty.inner_named_type();
        if BUILT_IN_SCALARS.contains(&name.as_str()) {
            return Target::Nothing;
        }
        let Some((at, _, ty)) = self.context.draft.types.get_full(name) else { return Target::Nothing };
        match (ty.kind, self.objects.get(at).copied().flatten()) {
            _ if self.context.features.is_inaccessible(&ty.applied) => Target::Nothing,
            (_, Some(object)) => Target::Object(object),
            (DraftKind::Interface | DraftKind::Union, _) => Target::Abstract,
            _ => Target::Nothing,
        }
    }

    /// Adds an object type as a subgraph knows it: as itself, or through interface objects.
    fn add_place(&mut self, object: &mut ObjectType<'a>, index: usize) {
        let context = self.context;
        let (ty, schema) = (object.merged, &context.subgraphs[index].schema);
        let interfaces = || ty.implements.keys().filter_map(|interface| schema.types.get(interface));
        let own = schema.types.get(&ty.name).filter(|own| own.kind == Kind::Object);
        let types: SmallVec<[&TypeDef; 1]> = match own {
            Some(own) => SmallVec::from_buf([own]),
            None => interfaces().filter(|t| t.is_interface_object()).collect(),
        };
        if types.is_empty() {
            return;
        }
        for owner in &types {
            let elsewhere = if own.is_some() { None } else { context.draft.types.get(&owner.name) };
            for (near, (name, field)) in owner.fields.iter().enumerate() {
                let Some((at, merged)) = get_near(&ty.fields, near, name) else { continue };
                let merged = if own.is_some() { Some(merged) } else { elsewhere.and_then(|ty| ty.fields.get(name)) };
                let Some(merged) = merged else { continue };
                let having = &mut object.fields[at];
                // Of several interface objects, the first gives the field.
                if having.there.last().is_none_or(|there| there.subgraph != index) {
                    having.there.push(FieldThere {
                        subgraph: index,
                        field,
                        join: Join::of(&merged.joins, index),
                        object: having.object_behind(field),
                        has_requires: field.has(Known::Requires),
                        has_provides: field.has(Known::Provides),
                    });
                }
            }
        }
        object.places.push(Place {
            subgraph: index,
            real: own.is_some(),
            keys: types.iter().flat_map(|t| &t.facts.keys).map(|key| self.key(key)).collect(),
            interface_keys: match own {
                Some(_) => interfaces()
                    .filter(|t| t.kind == Kind::Interface)
                    .flat_map(|t| &t.facts.keys)
                    .map(|key| self.key(key))
                    .collect(),
                None => Vec::new(),
            },
            local_key: types.iter().any(|t| t.facts.local_key),
        });
    }

    fn key(&mut self, key: &'a model::Key) -> Key<'a> {
        let next = self.key_ids.len();
        let id = *self.key_ids.entry(&key.text).or_insert(next);
        Key { set: &key.set, text: &key.text, id, resolvable: key.resolvable }
    }

    /// The object types behind the interfaces, unions and interface objects of a subgraph, given those of all interfaces.
    fn runtime_here(
        &self,
        schema: &'a Schema,
        implementations: &AHashMap<&'a Name, Vec<usize>>,
    ) -> AHashMap<&'a Name, Vec<usize>> {
        let mut runtime: AHashMap<&'a Name, Vec<usize>> = AHashMap::new();
        for ty in schema.types.values() {
            match ty.kind {
                Kind::Object if ty.is_interface_object() => {
                    runtime.insert(&ty.name, implementations.get(&ty.name).cloned().unwrap_or_default());
                }
                Kind::Object if !ty.implements.is_empty() => {
                    let Some(id) = self.object(&ty.name) else { continue };
                    ty.implements.keys().for_each(|interface| runtime.entry(interface).or_default().push(id));
                }
                Kind::Union => {
                    runtime.insert(&ty.name, ty.members.keys().filter_map(|member| self.object(member)).collect());
                }
                _ => {}
            }
        }
        runtime
    }

    /// The object type of a name.
    pub(super) fn object(&self, name: &str) -> Option<usize> {
        self.objects.get(self.context.draft.types.get_index_of(name)?).copied().flatten()
    }

    /// The object types that a value of a type can have in a subgraph that has the type.
    pub(super) fn runtime(&self, index: usize, ty: &Name) -> &[usize] {
        match self.runtime.get(index).and_then(|types| types.get(ty)) {
            Some(types) => types,
            None => self.object(ty).and_then(|id| self.types.get(id)).map_or(&[], |ty| std::slice::from_ref(&ty.id)),
        }
    }

    pub(super) fn place(&self, ty: usize, subgraph: usize) -> Option<&Place<'a>> {
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
        ty.merged.fields.get_index_of(name).map_or(&[], |at| &ty.fields[at].there)
    }

    /// Whether a fragment on a type applies to an object type.
    pub(super) fn applies(&self, ty: usize, condition: &str) -> bool {
        let ObjectType { name, merged, .. } = &self.types[ty];
        *name == condition
            || merged.implements.contains_key(condition)
            || self.context.draft.types.get(condition).is_some_and(|t| t.members.contains_key(*name))
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

impl ObjectField<'_> {
    /// The object type behind the field as a subgraph has it, if it is the one behind the merged field.
    fn object_behind(&self, field: &Field) -> Option<usize> {
        match self.target {
            Target::Object(id) if field.ty.inner_named_type() == self.merged.ty.inner_named_type() => Some(id),
            _ => None,
        }
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

/// A value by its name, and where it stands; most stand in the order in which they are asked for.
fn get_near<'m, T>(map: &'m NameMap<T>, near: usize, name: &Name) -> Option<(usize, &'m T)> {
    match map.get_index(near) {
        Some((there, value)) if there == name => Some((near, value)),
        _ => map.get_full(name).map(|(at, _, value)| (at, value)),
    }
}

/// The subgraphs that know an object type by itself or through an interface, in order.
fn knowing(context: &Context<'_>, ty: &DraftType) -> SmallVec<[usize; 4]> {
    let interfaces = ty.implements.keys().filter_map(|name| context.draft.types.get(name));
    let joins = std::iter::once(ty).chain(interfaces).flat_map(|ty| &ty.joins);
    let mut graphs: SmallVec<[usize; 4]> = joins.map(|join| join.graph).collect();
    if is_root(&ty.name) {
        // A root without fields is not joined.
        let having = context.subgraphs.iter().enumerate().filter(|(_, s)| s.schema.types.contains_key(&ty.name));
        graphs.extend(having.map(|(index, _)| index));
    }
    graphs.sort_unstable();
    graphs.dedup();
    graphs
}
