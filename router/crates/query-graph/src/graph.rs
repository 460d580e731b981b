//! The nodes and edges of the query graph. Knows nothing of reachability.

use std::sync::Arc;

use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_supergraph::{FieldInSubgraph, Key, SubgraphId, Supergraph, TypeInSubgraph};
use smallvec::SmallVec;

use crate::context::{ContextSource, Contexts, contexts};

/// How subgraphs are connected, computed once per schema version.
#[derive(Debug)]
pub struct QueryGraph {
    supergraph: Arc<Supergraph>,
    types: Vec<TypeEntry>,
    fields: Vec<FieldEntry>,
    /// Position of each subgraph in the order of names, so that plans do not depend on the order of subgraphs.
    rank: Vec<u16>,
    contexts: Contexts,
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
pub struct Node {
    /// The place.
    pub place: Place,
    /// How it is entered by a representation.
    pub jumps: Vec<Jump>,
}

/// The number of a node among those of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u16);

impl NodeId {
    /// The node at an index of [`QueryGraph::nodes`].
    pub(crate) fn new(index: usize) -> Self {
        Self(index as u16)
    }

    /// The index among the nodes of the type.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A resolvable key by which a node is entered.
#[derive(Debug, Clone)]
pub struct Jump {
    /// The type that bears the key: the object type, or an interface.
    pub on: TypeId,
    /// The key's fields.
    pub key: SelectionSet,
    /// The key as written.
    pub text: String,
    /// Whether the representation names `on`, an interface, rather than the object's own type, which need not be known then.
    pub by_interface: bool,
}

/// A field at a node: who can be asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The node of the type.
    pub node: NodeId,
    /// The field as the node knows it: of the type, or of the interface that the subgraph knows as an object.
    pub field: FieldId,
    /// Which of the field's joins is the subgraph's. Only [`QueryGraph::link_fields`] makes owners, so there is one.
    join: u16,
}

#[derive(Debug, Default)]
struct TypeEntry {
    nodes: Vec<Node>,
    required: Vec<Owner>,
    class: u32,
}

#[derive(Debug, Default)]
struct FieldEntry {
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
            types: (0..types).map(|_| TypeEntry::default()).collect(),
            fields: (0..fields).map(|_| FieldEntry::default()).collect(),
            contexts: contexts(&supergraph),
            supergraph,
            rank,
        };
        let supergraph = graph.supergraph.clone();
        for (id, ty) in supergraph.schema.types() {
            if ty.is_object() || ty.is_interface() {
                graph.types[id.index()].nodes = graph.nodes_of(id);
            }
        }
        for (id, ty) in supergraph.schema.types() {
            if ty.is_object() || ty.is_interface() {
                graph.link_fields(id);
            }
        }
        let (type_classes, field_classes) = graph.classes();
        graph.types.iter_mut().zip(type_classes).for_each(|(entry, class)| entry.class = class);
        graph.fields.iter_mut().zip(field_classes).for_each(|(entry, class)| entry.class = class);
        graph
    }

    /// The supergraph.
    pub fn supergraph(&self) -> &Supergraph {
        &self.supergraph
    }

    /// The nodes of an object type or an interface, in the order of subgraph names.
    pub fn nodes(&self, ty: TypeId) -> &[Node] {
        &self.types[ty.index()].nodes
    }

    /// The nodes of a type with their numbers.
    pub fn numbered_nodes(&self, ty: TypeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes(ty).iter().enumerate().map(|(index, node)| (NodeId::new(index), node))
    }

    /// The node of a type at a place.
    pub fn node_at(&self, ty: TypeId, place: Place) -> Option<NodeId> {
        self.nodes(ty).iter().position(|known| known.place == place).map(NodeId::new)
    }

    /// The place of an owner of a type's field.
    pub fn place(&self, ty: TypeId, owner: Owner) -> Place {
        self.nodes(ty)[owner.node.index()].place
    }

    /// The fields of a type that need more than a key.
    pub fn required_fields(&self, ty: TypeId) -> &[Owner] {
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
        let entry = &self.fields[concrete.index()];
        let asked_on = self.supergraph.schema.field(field).parent;
        if self.supergraph.schema.ty(ty).is_interface() {
            return all_owners(entry);
        }
        if asked_on != ty {
            let of_interface = |owner: &&Owner| {
                self.place(ty, **owner).interface_object == Some(asked_on) && !self.join(**owner).external
            };
            let mut owners: SmallVec<[Owner; 4]> =
                entry.through_interface.iter().filter(of_interface).copied().collect();
            if !owners.is_empty() {
                // A key's value is the same in every subgraph.
                let is_key = !entry.through_key.is_empty();
                let declared = |owner: &&Owner| {
                    let place = self.place(ty, **owner);
                    is_key || self.supergraph.field_in(field, place.subgraph).is_some()
                };
                owners.extend(entry.own.iter().filter(declared).copied());
                let other = entry.through_key.iter().filter(|owner| !of_interface(owner));
                owners.extend(other.copied());
                owners.sort_by_key(|owner| owner.node);
                return owners;
            }
        }
        if entry.own.iter().any(|owner| !self.join(*owner).external) {
            let mut owners: SmallVec<[Owner; 4]> = entry.own.iter().chain(&entry.through_key).copied().collect();
            owners.sort_by_key(|owner| owner.node);
            return owners;
        }
        all_owners(entry)
    }

    /// All that say something of a type's own field.
    pub(crate) fn joined_owners(&self, field: FieldId) -> impl Iterator<Item = &Owner> {
        let entry = &self.fields[field.index()];
        entry.own.iter().chain(&entry.through_interface)
    }

    /// What the owner's subgraph says of the field.
    pub fn join(&self, owner: Owner) -> &FieldInSubgraph {
        &self.supergraph.field(owner.field).subgraphs[usize::from(owner.join)]
    }

    /// The named type of the owner's field in its subgraph.
    pub fn inner(&self, owner: Owner) -> TypeId {
        self.type_in_subgraph(self.join(owner), owner.field)
    }

    /// Where the arguments come from that a field takes from contexts in a subgraph.
    pub fn contexts(&self, field: FieldId, subgraph: SubgraphId) -> &[ContextSource] {
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

    fn nodes_of(&self, ty: TypeId) -> Vec<Node> {
        let supergraph = &*self.supergraph;
        let definition = supergraph.schema.ty(ty);
        let interfaces = definition.implements();
        let mut nodes: Vec<Node> = Vec::new();
        for joined in &supergraph.ty(ty).subgraphs {
            let object = joined.interface_object.then_some(ty);
            let mut jumps = jumps_of(ty, joined, definition.is_interface());
            for interface in interfaces {
                if let Some(joined) = supergraph.type_in(*interface, joined.subgraph)
                    && !joined.interface_object
                    && joined.possible.contains(ty)
                {
                    jumps.extend(jumps_of(*interface, joined, true));
                }
            }
            nodes.push(Node { place: Place { subgraph: joined.subgraph, interface_object: object }, jumps });
        }
        for interface in interfaces {
            for joined in supergraph.ty(*interface).subgraphs.iter().filter(|joined| joined.interface_object) {
                let place = Place { subgraph: joined.subgraph, interface_object: Some(*interface) };
                if nodes.iter().all(|known| known.place != place) {
                    nodes.push(Node { place, jumps: jumps_of(*interface, joined, true) });
                }
            }
        }
        nodes.sort_by_key(|node| (self.rank(node.place.subgraph), node.place.interface_object));
        nodes
    }

    fn link_fields(&mut self, ty: TypeId) {
        let supergraph = self.supergraph.clone();
        let mut required = Vec::new();
        let Some(fields) = supergraph.schema.ty(ty).fields() else { return };
        for (name, id) in fields {
            for (index, node) in self.types[ty.index()].nodes.iter().enumerate() {
                let place = node.place;
                let field = match place.interface_object {
                    Some(interface) if interface != ty => supergraph.schema.field_named(interface, name),
                    _ => Some(*id),
                };
                let Some(field) = field else { continue };
                let joins = &supergraph.field(field).subgraphs;
                let Some(number) = joins.iter().position(|join| join.subgraph == place.subgraph) else { continue };
                let (join, owner) = (&joins[number], Owner { node: NodeId::new(index), field, join: number as u16 });
                let entry = &mut self.fields[id.index()];
                match place.interface_object {
                    Some(interface) => {
                        entry.through_interface.push(owner);
                        let joined = supergraph.type_in(interface, place.subgraph);
                        let mut keys = joined.iter().flat_map(|joined| &joined.keys);
                        if keys.any(|key| key.fields.fields.iter().any(|field| field.response_key == *name)) {
                            entry.through_key.push(owner);
                        }
                    }
                    None => entry.own.push(owner),
                }
                if join.requires.is_some() || !join.context_arguments.is_empty() {
                    required.push(owner);
                }
            }
        }
        self.types[ty.index()].required = required;
    }
}

fn all_owners(entry: &FieldEntry) -> SmallVec<[Owner; 4]> {
    let mut owners: SmallVec<[Owner; 4]> = entry.own.iter().chain(&entry.through_interface).copied().collect();
    owners.sort_by_key(|owner| owner.node);
    owners
}

fn jumps_of(on: TypeId, joined: &TypeInSubgraph, by_interface: bool) -> Vec<Jump> {
    let jump = |key: &Key| Jump { on, key: key.fields.clone(), text: key.text.clone(), by_interface };
    joined.keys.iter().filter(|key| key.resolvable).map(jump).collect()
}
