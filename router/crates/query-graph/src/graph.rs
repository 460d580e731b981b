//! The nodes and edges of the query graph. Knows nothing of reachability.

use std::sync::Arc;

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::field_set::parse_field_set;
use braid_graphql::normalize::normalize_field_set;
use braid_graphql::operation::{Field, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node};
use braid_supergraph::{ContextArgument, FieldInSubgraph, Key, LabelCondition, SubgraphId, Supergraph, TypeInSubgraph};
use smallvec::SmallVec;

/// How subgraphs hang together, computed once a schema version.
#[derive(Debug)]
pub struct QueryGraph {
    supergraph: Arc<Supergraph>,
    types: Vec<TypeNode>,
    fields: Vec<FieldNode>,
    /// Position of each subgraph in the order of names, so that plans do not depend on the order of subgraphs.
    rank: Vec<u16>,
    contexts: AHashMap<(FieldId, SubgraphId), Vec<Context>>,
}

/// A subgraph's view of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The subgraph.
    pub subgraph: SubgraphId,
    /// The interface that the subgraph knows as an object; it stands for all implementing types, and which of them an
    /// object has is not known there.
    pub interface_object: Option<TypeId>,
}

/// A place where objects of a type can be.
#[derive(Debug, Clone)]
pub struct PlaceOfType {
    /// The place.
    pub place: Place,
    /// How it is entered by a representation.
    pub ways_in: Vec<WayIn>,
}

/// A resolvable key by which a place is entered.
#[derive(Debug, Clone)]
pub struct WayIn {
    /// The type that bears the key: the object type, or an interface.
    pub on: TypeId,
    /// The key's fields.
    pub key: SelectionSet,
    /// The key as written.
    pub text: String,
    /// Whether the representation names `on`, an interface, rather than the object's own type, which need not be known then.
    pub by_interface: bool,
}

/// A field at a place of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Index into [`QueryGraph::places`] of the type.
    pub place: u16,
    /// The field as the place knows it: of the type, or of the interface that the subgraph knows as an object.
    pub field: FieldId,
}

/// A field that needs more than a key: `@requires` or `@fromContext`.
#[derive(Debug, Clone, Copy)]
pub struct RequiredField {
    /// The field and its place.
    pub owner: Owner,
}

/// Where an argument's value comes from (`@fromContext`).
#[derive(Debug, Clone)]
pub struct Context {
    /// The context, as named in the supergraph.
    pub context: String,
    /// The argument.
    pub argument: Name,
    /// Its type in the subgraph.
    pub ty: braid_graphql::Type,
    /// For each type that sets the context, what is taken from it.
    pub sources: Vec<(TypeId, SelectionSet)>,
}

#[derive(Debug, Default)]
struct TypeNode {
    places: Vec<PlaceOfType>,
    required: Vec<RequiredField>,
    class: u32,
}

#[derive(Debug, Default)]
struct FieldNode {
    /// Places whose subgraph has the field on the type itself.
    own: SmallVec<[Owner; 2]>,
    /// Places that have it through an interface object.
    through_interface: SmallVec<[Owner; 1]>,
    /// Those of them where the field belongs to the interface's key: its value is the object's own.
    through_key: SmallVec<[Owner; 1]>,
    class: u32,
}

impl QueryGraph {
    /// Computes the graph of a supergraph.
    pub fn new(supergraph: Arc<Supergraph>) -> Self {
        let mut by_name: Vec<SubgraphId> = supergraph.subgraph_ids().collect();
        by_name.sort_by(|a, b| supergraph.subgraph(*a).name.cmp(&supergraph.subgraph(*b).name));
        let mut rank = vec![0; by_name.len()];
        for (position, subgraph) in by_name.iter().enumerate() {
            rank[subgraph.index()] = position as u16;
        }
        let (types, fields) = (supergraph.schema.types().len(), supergraph.schema.fields().len());
        let mut graph = Self {
            types: (0..types).map(|_| TypeNode::default()).collect(),
            fields: (0..fields).map(|_| FieldNode::default()).collect(),
            contexts: contexts(&supergraph),
            supergraph,
            rank,
        };
        let supergraph = graph.supergraph.clone();
        for (id, ty) in supergraph.schema.types() {
            if ty.is_object() || ty.is_interface() {
                graph.types[id.index()].places = graph.places_of(id);
            }
        }
        for (id, ty) in supergraph.schema.types() {
            if ty.is_object() || ty.is_interface() {
                graph.link_fields(id);
            }
        }
        graph.classify();
        graph
    }

    /// The supergraph.
    pub fn supergraph(&self) -> &Supergraph {
        &self.supergraph
    }

    /// The places of an object type (or of an interface without known implementations), in the order of subgraph names.
    pub fn places(&self, ty: TypeId) -> &[PlaceOfType] {
        &self.types[ty.index()].places
    }

    /// The index of a place among the places of a type.
    pub fn place_index(&self, ty: TypeId, place: Place) -> Option<u16> {
        self.places(ty).iter().position(|known| known.place == place).map(|at| at as u16)
    }

    /// The fields of a type that need more than a key.
    pub fn required_fields(&self, ty: TypeId) -> &[RequiredField] {
        &self.types[ty.index()].required
    }

    /// Types of equal class have the same places, keys, and owners of the keys' fields: they move between subgraphs alike.
    pub fn type_class(&self, ty: TypeId) -> u32 {
        self.types[ty.index()].class
    }

    /// Fields of equal class are resolved by the same subgraphs under the same conditions.
    pub fn field_class(&self, field: FieldId) -> u32 {
        self.fields[field.index()].class
    }

    /// The position of a subgraph in the order of names.
    pub fn rank(&self, subgraph: SubgraphId) -> u16 {
        self.rank[subgraph.index()]
    }

    /// The field of an object type that `field`, asked on it or on an interface of it, comes down to.
    pub fn concrete(&self, field: FieldId, ty: TypeId) -> Option<FieldId> {
        let definition = self.supergraph.schema.field(field);
        if definition.parent == ty { Some(field) } else { self.supergraph.schema.field_named(ty, &definition.name) }
    }

    /// Where `field` could be asked for objects of type `ty`, whether or not it is external there.
    ///
    /// A field asked on an interface that some subgraph knows as an object belongs to that subgraph: it is not exploded
    /// into the implementations' own fields of that name. A field asked on an object type is the type's own where any
    /// subgraph has it, and else comes through interface objects.
    pub fn owners(&self, field: FieldId, ty: TypeId) -> SmallVec<[Owner; 4]> {
        let Some(concrete) = self.concrete(field, ty) else { return SmallVec::new() };
        let node = &self.fields[concrete.index()];
        let asked_on = self.supergraph.schema.field(field).parent;
        if self.supergraph.schema.ty(ty).is_interface() {
            return self.all_owners(node);
        }
        if asked_on != ty {
            let of_interface = |owner: &&Owner| {
                self.places(ty)[usize::from(owner.place)].place.interface_object == Some(asked_on)
                    && self.join(**owner, ty).is_some_and(|join| !join.external)
            };
            let mut owners: SmallVec<[Owner; 4]> =
                node.through_interface.iter().filter(of_interface).copied().collect();
            if !owners.is_empty() {
                // A key's value is the same whoever gives it.
                let is_key = !node.through_key.is_empty();
                let declared = |owner: &&Owner| {
                    let place = self.places(ty)[usize::from(owner.place)].place;
                    is_key || self.supergraph.field_in(field, place.subgraph).is_some()
                };
                owners.extend(node.own.iter().filter(declared).copied());
                let other = node.through_key.iter().filter(|owner| !of_interface(owner));
                owners.extend(other.copied());
                owners.sort_by_key(|owner| owner.place);
                return owners;
            }
        }
        if node.own.iter().any(|owner| self.join(*owner, ty).is_some_and(|join| !join.external)) {
            let mut owners: SmallVec<[Owner; 4]> = node.own.iter().chain(&node.through_key).copied().collect();
            owners.sort_by_key(|owner| owner.place);
            return owners;
        }
        self.all_owners(node)
    }

    fn all_owners(&self, node: &FieldNode) -> SmallVec<[Owner; 4]> {
        let mut owners: SmallVec<[Owner; 4]> = node.own.iter().chain(&node.through_interface).copied().collect();
        owners.sort_by_key(|owner| owner.place);
        owners
    }

    /// What the owner's subgraph says of the field.
    pub fn join(&self, owner: Owner, ty: TypeId) -> Option<&FieldInSubgraph> {
        let place = self.places(ty).get(usize::from(owner.place))?;
        self.supergraph.field_in(owner.field, place.place.subgraph)
    }

    /// Where the arguments come from that a field takes from contexts in a subgraph.
    pub fn contexts(&self, field: FieldId, subgraph: SubgraphId) -> &[Context] {
        self.contexts.get(&(field, subgraph)).map_or(&[], Vec::as_slice)
    }

    /// The named type that a field has in a subgraph.
    pub fn type_in_subgraph(&self, join: &FieldInSubgraph, field: FieldId) -> TypeId {
        let own = self.supergraph.schema.field(field);
        let name = join.ty.inner_named_type();
        if *name == self.supergraph.schema.ty(own.inner).name {
            return own.inner;
        }
        self.supergraph.schema.type_named(name).unwrap_or(own.inner)
    }

    /// Where an object stands that a subgraph returns for a field of type `ty`, and the object types that it can have.
    pub fn returned(&self, ty: TypeId, subgraph: SubgraphId) -> (Place, TypeSet) {
        let all = &self.supergraph.schema.ty(ty).possible;
        match self.supergraph.type_in(ty, subgraph) {
            Some(joined) if joined.interface_object => (Place { subgraph, interface_object: Some(ty) }, all.clone()),
            Some(joined) => (Place { subgraph, interface_object: None }, joined.possible.clone()),
            None => (Place { subgraph, interface_object: None }, all.clone()),
        }
    }

    fn places_of(&self, ty: TypeId) -> Vec<PlaceOfType> {
        let supergraph = &*self.supergraph;
        let definition = supergraph.schema.ty(ty);
        let interfaces = definition.implements();
        let mut places: Vec<PlaceOfType> = Vec::new();
        for joined in &supergraph.ty(ty).subgraphs {
            let object = joined.interface_object.then_some(ty);
            let mut ways_in = ways(ty, joined, definition.is_interface());
            for interface in interfaces {
                if let Some(joined) = supergraph.type_in(*interface, joined.subgraph)
                    && !joined.interface_object
                    && joined.possible.contains(ty)
                {
                    ways_in.extend(ways(*interface, joined, true));
                }
            }
            places.push(PlaceOfType { place: Place { subgraph: joined.subgraph, interface_object: object }, ways_in });
        }
        for interface in interfaces {
            for joined in supergraph.ty(*interface).subgraphs.iter().filter(|joined| joined.interface_object) {
                let place = Place { subgraph: joined.subgraph, interface_object: Some(*interface) };
                if places.iter().all(|known| known.place != place) {
                    places.push(PlaceOfType { place, ways_in: ways(*interface, joined, true) });
                }
            }
        }
        places.sort_by_key(|place| (self.rank(place.place.subgraph), place.place.interface_object));
        places
    }

    fn link_fields(&mut self, ty: TypeId) {
        let supergraph = self.supergraph.clone();
        let mut required = Vec::new();
        let Some(fields) = supergraph.schema.ty(ty).fields() else { return };
        for (name, id) in fields {
            for (index, place) in self.types[ty.index()].places.iter().enumerate() {
                let field = match place.place.interface_object {
                    Some(interface) if interface != ty => supergraph.schema.field_named(interface, name),
                    _ => Some(*id),
                };
                let Some(field) = field else { continue };
                let Some(join) = supergraph.field_in(field, place.place.subgraph) else { continue };
                let owner = Owner { place: index as u16, field };
                let node = &mut self.fields[id.index()];
                match place.place.interface_object {
                    Some(interface) => {
                        node.through_interface.push(owner);
                        let joined = supergraph.type_in(interface, place.place.subgraph);
                        let mut keys = joined.iter().flat_map(|joined| &joined.keys);
                        if keys.any(|key| key.fields.fields.iter().any(|field| field.response_key == *name)) {
                            node.through_key.push(owner);
                        }
                    }
                    None => node.own.push(owner),
                }
                if join.requires.is_some() || !join.context_arguments.is_empty() {
                    required.push(RequiredField { owner });
                }
            }
        }
        self.types[ty.index()].required = required;
    }

    fn classify(&mut self) {
        let (types, fields) = self.classes();
        self.types.iter_mut().zip(types).for_each(|(node, class)| node.class = class);
        self.fields.iter_mut().zip(fields).for_each(|(node, class)| node.class = class);
    }

    /// The classes of all types and of all fields: equal numbers for what is equal, in the order in which it is met first.
    fn classes(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut types, mut fields) = (vec![0; self.types.len()], vec![0; self.fields.len()]);
        let mut known_types: AHashMap<Vec<PlaceFacts<'_>>, u32> = AHashMap::new();
        let mut known_fields: AHashMap<Vec<OwnerFacts<'_>>, u32> = AHashMap::new();
        for (id, definition) in self.supergraph.schema.types() {
            let Some(own) = definition.fields() else { continue };
            for field in own.values() {
                let next = known_fields.len() as u32;
                fields[field.index()] = *known_fields.entry(self.field_facts(id, *field, true)).or_insert(next);
            }
            let next = known_types.len() as u32;
            types[id.index()] = *known_types.entry(self.type_facts(id)).or_insert(next);
        }
        (types, fields)
    }

    fn type_facts<'g>(&'g self, ty: TypeId) -> Vec<PlaceFacts<'g>> {
        let way = |way: &'g WayIn| (way.by_interface.then_some(way.on), self.set_facts(ty, &way.key));
        let place = |place: &'g PlaceOfType| (place.place, place.ways_in.iter().map(way).collect());
        self.places(ty).iter().map(place).collect()
    }

    /// What is said of a field; of what it requires, only if `deep`.
    fn field_facts(&self, ty: TypeId, field: FieldId, deep: bool) -> Vec<OwnerFacts<'_>> {
        let node = &self.fields[field.index()];
        let facts = |owner: &Owner| {
            let join = self.join(*owner, ty)?;
            let requires = join.requires.as_ref().filter(|_| deep);
            Some(OwnerFacts {
                place: self.places(ty)[usize::from(owner.place)].place,
                external: join.external,
                used_overridden: join.used_overridden,
                label: join.label.as_ref(),
                inner: join.ty.inner_named_type(),
                requires: requires.map(|set| self.set_facts(ty, set)),
                provides: join.provides.as_ref(),
                contexts: &join.context_arguments,
            })
        };
        node.own.iter().chain(&node.through_interface).filter_map(facts).collect()
    }

    fn set_facts<'g>(&'g self, ty: TypeId, set: &'g SelectionSet) -> Vec<SetFacts<'g>> {
        let facts = |field: &'g Field| {
            let concrete = field.definition.id().and_then(|id| self.concrete(id, ty));
            SetFacts {
                is_for_type: field.guard.contains(ty),
                key: &field.response_key,
                arguments: &field.arguments,
                below: field.selection_set.as_ref(),
                owners: concrete.map(|field| self.field_facts(ty, field, false)),
            }
        };
        set.fields.iter().map(facts).collect()
    }
}

/// A place of a type with its ways in, each with the interface by which it is one and the key.
type PlaceFacts<'g> = (Place, Vec<(Option<TypeId>, Vec<SetFacts<'g>>)>);

/// All that planning looks at when a field is asked of an owner.
#[derive(PartialEq, Eq, Hash)]
struct OwnerFacts<'g> {
    place: Place,
    external: bool,
    used_overridden: bool,
    label: Option<&'g LabelCondition>,
    inner: &'g Name,
    requires: Option<Vec<SetFacts<'g>>>,
    provides: Option<&'g SelectionSet>,
    contexts: &'g [ContextArgument],
}

/// A field of a key or of a requirement, for one type.
#[derive(PartialEq, Eq, Hash)]
struct SetFacts<'g> {
    is_for_type: bool,
    key: &'g Name,
    arguments: &'g [Node<Argument>],
    below: Option<&'g SelectionSet>,
    owners: Option<Vec<OwnerFacts<'g>>>,
}

fn ways(on: TypeId, joined: &TypeInSubgraph, by_interface: bool) -> Vec<WayIn> {
    let way = |key: &Key| WayIn { on, key: key.fields.clone(), text: key.text.clone(), by_interface };
    joined.keys.iter().filter(|key| key.resolvable).map(way).collect()
}

fn contexts(supergraph: &Supergraph) -> AHashMap<(FieldId, SubgraphId), Vec<Context>> {
    let mut all = AHashMap::new();
    for (field, _) in supergraph.schema.fields() {
        for join in &supergraph.field(field).subgraphs {
            if !join.context_arguments.is_empty() {
                let contexts = join.context_arguments.iter().map(|argument| context(supergraph, argument)).collect();
                all.insert((field, join.subgraph), contexts);
            }
        }
    }
    all
}

fn context(supergraph: &Supergraph, argument: &braid_supergraph::ContextArgument) -> Context {
    let mut sources = Vec::new();
    for (ty, definition) in supergraph.schema.types() {
        if !supergraph.ty(ty).contexts.contains(&argument.context) {
            continue;
        }
        let schema = Valid::assume_valid_ref(&supergraph.source);
        let parsed = parse_field_set(schema, definition.name.clone(), &argument.selection);
        // A selection for other types that set the context does not fit this one.
        let Ok(parsed) = parsed else { continue };
        if let Ok(selection) = normalize_field_set(&parsed.selection_set, ty, &supergraph.schema) {
            sources.push((ty, selection));
        }
    }
    Context { context: argument.context.clone(), argument: argument.name.clone(), ty: argument.ty.clone(), sources }
}
