//! The merged schema as satisfiability looks at it: for each object type, how each subgraph knows it. Knows nothing of what can be
//! reached.

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{DraftContextArgument, DraftField, DraftJoinField, DraftKind, DraftType};
use indexmap::IndexSet;
use smallvec::SmallVec;

use super::contexts::Contexts;
use crate::checks::Context;
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::{self, BUILT_IN_SCALARS, Directives, Field, Kind, Schema, TypeDef, is_root};
use crate::subgraph::spec::Known;
use braid_graphql::field_set::FieldSet;

pub(super) struct Model<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) types: Vec<ObjectType<'a>>,
    pub(super) contexts: Contexts<'a>,
    /// The numbers of the draft's types among the object types.
    objects: Vec<Option<usize>>,
    /// The object types that an interface, a union or an interface object can be, by subgraph.
    runtime: Vec<AHashMap<&'a Name, TypeSet>>,
    /// Each set is kept once, its types in order.
    type_sets: IndexSet<Box<[usize]>, ahash::RandomState>,
    /// A number for each text of a key.
    key_ids: AHashMap<&'a str, usize>,
    field_sets: Vec<FieldSet>,
    field_set_ids: AHashMap<(*const Field, Known), FieldSetId>,
}

/// A set of object types, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TypeSet(u32);

/// The field set of a `@requires` or a `@provides`, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FieldSetId(u32);

/// An object type of the supergraph.
pub(super) struct ObjectType<'a> {
    pub(super) name: &'a Name,
    /// In the order of the subgraphs.
    pub(super) views: SmallVec<[View<'a>; 1]>,
    pub(super) merged: &'a DraftType,
    /// Not in the API.
    pub(super) hidden: bool,
    /// In the order of the merged type.
    pub(super) fields: Vec<ObjectField<'a>>,
}

/// A field of an object type, with what is looked up often.
pub(super) struct ObjectField<'a> {
    pub(super) merged: &'a DraftField,
    pub(super) target: Target,
    /// Not in the API.
    pub(super) hidden: bool,
    /// The subgraphs that have it, in order.
    pub(super) sources: SmallVec<[Source<'a>; 1]>,
}

/// The kind of type that a field has in the supergraph.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A leaf, or a type that is not in the API.
    Nothing,
    Object,
    /// An interface or a union.
    Abstract,
}

/// A field of an object type in one subgraph.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) subgraph: usize,
    pub(super) field: &'a Field,
    pub(super) join: Join<'a>,
    /// The type it returns, if that is the object type that it returns in the supergraph too.
    object: Option<usize>,
    pub(super) requires: Option<FieldSetId>,
    pub(super) provides: Option<FieldSetId>,
}

/// The object types that a field can return in one subgraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Returned {
    Nothing,
    One(usize),
    Any(TypeSet),
}

/// An object type as one subgraph knows it.
pub(super) struct View<'a> {
    pub(super) subgraph: usize,
    /// The subgraph has the type itself, and not only interface objects that represent it.
    pub(super) real: bool,
    pub(super) keys: SmallVec<[Key<'a>; 1]>,
    /// Keys of its interfaces here, by which one can enter without knowing the type.
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

/// How the supergraph joins a field in a subgraph.
#[derive(Clone, Copy)]
pub(super) enum Join<'a> {
    Plain,
    Written(&'a DraftJoinField),
    /// Taken over by another subgraph.
    Gone,
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
            contexts: Contexts::default(),
            runtime: Vec::with_capacity(context.subgraphs.len()),
            type_sets: IndexSet::default(),
            key_ids: AHashMap::new(),
            field_sets: Vec::new(),
            field_set_ids: AHashMap::new(),
        };
        let mut implementations: AHashMap<&'a Name, Vec<usize>> = AHashMap::new();
        for ty in draft.types.values().filter(|ty| ty.kind == DraftKind::Object) {
            let id = model.types.len();
            let mut object = ObjectType {
                name: &ty.name,
                views: SmallVec::new(),
                merged: ty,
                hidden: context.features.is_inaccessible(&ty.applied),
                fields: ty.fields.values().map(|field| model.object_field(field)).collect(),
            };
            knowing(context, ty).into_iter().for_each(|index| model.add_view(&mut object, index));
            model.types.push(object);
            for interface in ty.implements.keys() {
                implementations.entry(interface).or_default().push(id);
            }
        }
        let merged: Vec<&DraftType> = model.types.iter().map(|ty| ty.merged).collect();
        model.contexts = Contexts::new(draft, context.features, &merged);
        let implementations =
            implementations.into_iter().map(|(interface, types)| (interface, model.type_set(types))).collect();
        for subgraph in context.subgraphs {
            let runtime = model.runtime_here(&subgraph.schema, &implementations);
            model.runtime.push(runtime);
        }
        model
    }

    /// A field whose subgraphs are not yet known.
    fn object_field(&self, merged: &'a DraftField) -> ObjectField<'a> {
        let hidden = self.context.features.is_inaccessible(&merged.applied);
        ObjectField { merged, target: self.target(merged), hidden, sources: SmallVec::new() }
    }

    fn target(&self, field: &'a DraftField) -> Target {
        let name = field.ty.inner_named_type();
        if BUILT_IN_SCALARS.contains(&name.as_str()) {
            return Target::Nothing;
        }
        match self.context.draft.types.get(name) {
            Some(ty) if self.context.features.is_inaccessible(&ty.applied) => Target::Nothing,
            Some(ty) if ty.kind == DraftKind::Object => Target::Object,
            Some(ty) if matches!(ty.kind, DraftKind::Interface | DraftKind::Union) => Target::Abstract,
            _ => Target::Nothing,
        }
    }

    /// Adds an object type as a subgraph knows it: as itself, or through interface objects.
    fn add_view(&mut self, object: &mut ObjectType<'a>, index: usize) {
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
                // Of several interface objects, the first counts.
                if object.fields[at].sources.last().is_some_and(|source| source.subgraph == index) {
                    continue;
                }
                let source = Source {
                    subgraph: index,
                    field,
                    join: Join::of(&merged.joins, index),
                    object: self.object_returned(&object.fields[at], field),
                    requires: self.field_set_of(field, Known::Requires),
                    provides: self.field_set_of(field, Known::Provides),
                };
                object.fields[at].sources.push(source);
            }
        }
        object.views.push(View {
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

    /// The object type that a subgraph's field returns, if it is the one that the merged field returns.
    fn object_returned(&self, merged: &ObjectField<'a>, field: &Field) -> Option<usize> {
        let name = field.ty.inner_named_type();
        match merged.target {
            Target::Object if name == merged.merged.ty.inner_named_type() => self.object(name),
            _ => None,
        }
    }

    /// The field set of a field's `@requires` or `@provides`, parsed once.
    fn field_set_of(&mut self, field: &'a Field, known: Known) -> Option<FieldSetId> {
        if !field.has(known) {
            return None;
        }
        let next = FieldSetId(self.field_sets.len() as u32);
        let id = *self.field_set_ids.entry((std::ptr::from_ref(field), known)).or_insert(next);
        if id == next {
            let items = field.all(known).filter_map(fields_of).flat_map(|set| set.items).collect();
            self.field_sets.push(FieldSet { items });
        }
        Some(id)
    }

    fn key(&mut self, key: &'a model::Key) -> Key<'a> {
        let next = self.key_ids.len();
        let id = *self.key_ids.entry(&key.text).or_insert(next);
        Key { set: &key.set, text: &key.text, id, resolvable: key.resolvable }
    }

    fn type_set(&mut self, mut types: Vec<usize>) -> TypeSet {
        types.sort_unstable();
        types.dedup();
        TypeSet(self.type_sets.insert_full(types.into_boxed_slice()).0 as u32)
    }

    /// The object types behind the interfaces, unions and interface objects of a subgraph; `implementations` has those of all interfaces.
    fn runtime_here(
        &mut self,
        schema: &'a Schema,
        implementations: &AHashMap<&'a Name, TypeSet>,
    ) -> AHashMap<&'a Name, TypeSet> {
        let mut of_interfaces: AHashMap<&'a Name, Vec<usize>> = AHashMap::new();
        let mut runtime: AHashMap<&'a Name, TypeSet> = AHashMap::new();
        for ty in schema.types.values() {
            match ty.kind {
                Kind::Object if ty.is_interface_object() => {
                    let types = implementations.get(&ty.name).copied().unwrap_or_else(|| self.type_set(Vec::new()));
                    runtime.insert(&ty.name, types);
                }
                Kind::Object if !ty.implements.is_empty() => {
                    let Some(id) = self.object(&ty.name) else { continue };
                    ty.implements.keys().for_each(|interface| of_interfaces.entry(interface).or_default().push(id));
                }
                Kind::Union => {
                    let members = ty.members.keys().filter_map(|member| self.object(member)).collect();
                    runtime.insert(&ty.name, self.type_set(members));
                }
                _ => {}
            }
        }
        runtime.extend(of_interfaces.into_iter().map(|(interface, types)| (interface, self.type_set(types))));
        runtime
    }

    /// The object type of a name.
    pub(super) fn object(&self, name: &str) -> Option<usize> {
        self.objects.get(self.context.draft.types.get_index_of(name)?).copied().flatten()
    }

    /// What a subgraph's field can return.
    pub(super) fn returned(&self, source: &Source<'_>) -> Returned {
        if let Some(object) = source.object {
            return Returned::One(object);
        }
        let name = source.field.ty.inner_named_type();
        match self.runtime.get(source.subgraph).and_then(|types| types.get(name)) {
            Some(types) => Returned::Any(*types),
            None => self.object(name).map_or(Returned::Nothing, Returned::One),
        }
    }

    /// The object types of what a field can return, in order.
    pub(super) fn types_of<'s>(&'s self, returned: &'s Returned) -> &'s [usize] {
        match returned {
            Returned::Nothing => &[],
            Returned::One(ty) => std::slice::from_ref(ty),
            Returned::Any(types) => self.type_sets.get_index(types.0 as usize).map_or(&[], |types| types),
        }
    }

    pub(super) fn field_set(&self, id: FieldSetId) -> &FieldSet {
        &self.field_sets[id.0 as usize]
    }

    pub(super) fn view(&self, ty: usize, subgraph: usize) -> Option<&View<'a>> {
        let views = &self.types[ty].views;
        views.binary_search_by_key(&subgraph, |view| view.subgraph).ok().and_then(|at| views.get(at))
    }

    pub(super) fn subgraph_name(&self, index: usize) -> &'a str {
        &self.context.subgraphs[index].name
    }

    /// Whether a fragment on a type applies to an object type.
    pub(super) fn applies(&self, ty: usize, condition: &str) -> bool {
        let ObjectType { name, merged, .. } = &self.types[ty];
        *name == condition
            || merged.implements.contains_key(condition)
            || self.context.draft.types.get(condition).is_some_and(|t| t.members.contains_key(*name))
    }
}

/// The source of a subgraph, out of some in order.
pub(super) fn source_in<'s, 'a>(sources: &'s [Source<'a>], subgraph: usize) -> Option<&'s Source<'a>> {
    let at = sources.binary_search_by_key(&subgraph, |source| source.subgraph).ok()?;
    sources.get(at)
}

impl<'a> Source<'a> {
    /// The arguments that the router fills in from contexts.
    pub(super) fn context_arguments(&self) -> &'a [DraftContextArgument] {
        match self.join {
            Join::Written(join) => &join.context_arguments,
            Join::Plain | Join::Gone => &[],
        }
    }

    /// The subgraph resolves the field unconditionally.
    pub(super) fn is_plain(&self) -> bool {
        let joins_plainly = match self.join {
            Join::Plain => true,
            Join::Written(join) => !join.external && join.override_label.is_none() && !join.used_overridden,
            Join::Gone => false,
        };
        joins_plainly && self.requires.is_none()
    }
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

/// A value by its name, and its index; most are in the order in which they are asked for.
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
