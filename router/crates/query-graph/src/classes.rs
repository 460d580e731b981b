//! Which types and which fields behave alike, compared in full. Knows nothing of reachability.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Field, SelectionSet};
use braid_graphql::schema::{FieldDef, FieldId, TypeId};
use braid_graphql::{Name, Node as Shared};
use braid_supergraph::{ContextArgument, LabelCondition};

use crate::graph::{Jump, Node, Owner, Place, QueryGraph};

/// A place of a type with the jumps to it: each with the interface that it names and the key.
type NodeFacts<'g> = (Place, Vec<(Option<TypeId>, Vec<SetFacts<'g>>)>);

/// What planning looks at when a field is asked of an owner, besides what the field requires.
#[derive(PartialEq, Eq, Hash)]
struct OwnerFacts<'g> {
    place: Place,
    external: bool,
    used_overridden: bool,
    label: Option<&'g LabelCondition>,
    inner: &'g Name,
    provides: Option<&'g SelectionSet>,
    contexts: &'g [ContextArgument],
}

/// A field of a key or of a requirement, for one type.
#[derive(PartialEq, Eq, Hash)]
struct SetFacts<'g> {
    is_for_type: bool,
    key: &'g Name,
    arguments: &'g [Shared<Argument>],
    below: Option<&'g SelectionSet>,
    owners: Option<Asked>,
}

/// Equal for fields whose owners are equal, whatever they require.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Asked(u32);

/// All that is said of a field: its owners, and for those that require something, by their numbers, what that is.
type FieldFacts<'g> = (Asked, Vec<(usize, Vec<SetFacts<'g>>)>);

impl QueryGraph {
    /// The classes of all types and of all fields: equal numbers for what is equal, in the order in which it is met first.
    pub(crate) fn classes(&self) -> (Vec<u32>, Vec<u32>) {
        let schema = &self.supergraph().schema;
        let (mut types, mut fields) = (vec![0; schema.types().len()], vec![0; schema.fields().len()]);
        let asked = self.asked();
        let mut known_types: AHashMap<Vec<NodeFacts<'_>>, u32> = AHashMap::new();
        let mut known_fields: AHashMap<FieldFacts<'_>, u32> = AHashMap::new();
        for (id, definition) in schema.types() {
            let Some(own) = definition.fields() else { continue };
            for field in own.values() {
                let next = known_fields.len() as u32;
                let facts = self.field_facts(id, *field, &asked);
                fields[field.index()] = *known_fields.entry(facts).or_insert(next);
            }
            let next = known_types.len() as u32;
            types[id.index()] = *known_types.entry(self.type_facts(id, &asked)).or_insert(next);
        }
        (types, fields)
    }

    /// The owners of all fields, as numbers: keys and requirements name the same fields over and over.
    fn asked(&self) -> Vec<Asked> {
        let schema = &self.supergraph().schema;
        let mut known: AHashMap<Vec<OwnerFacts<'_>>, Asked> = AHashMap::new();
        let mut number = |(id, field): (FieldId, &FieldDef)| {
            let next = Asked(known.len() as u32);
            *known.entry(self.owner_facts(field.parent, id)).or_insert(next)
        };
        schema.fields().map(&mut number).collect()
    }

    fn type_facts<'g>(&'g self, ty: TypeId, asked: &[Asked]) -> Vec<NodeFacts<'g>> {
        let jump = |jump: &'g Jump| (jump.by_interface.then_some(jump.on), self.set_facts(ty, &jump.key, asked));
        let node = |node: &'g Node| (node.place, node.jumps.iter().map(jump).collect());
        self.nodes(ty).iter().map(node).collect()
    }

    fn field_facts<'g>(&'g self, ty: TypeId, field: FieldId, asked: &[Asked]) -> FieldFacts<'g> {
        let owners = self.joined_owners(field).enumerate();
        let required = owners.filter_map(|(number, owner)| Some((number, self.join(*owner).requires.as_ref()?)));
        let facts = required.map(|(number, set)| (number, self.set_facts(ty, set, asked)));
        (asked[field.index()], facts.collect())
    }

    fn owner_facts(&self, ty: TypeId, field: FieldId) -> Vec<OwnerFacts<'_>> {
        let facts = |owner: &Owner| {
            let join = self.join(*owner);
            OwnerFacts {
                place: self.place(ty, *owner),
                external: join.external,
                used_overridden: join.used_overridden,
                label: join.label.as_ref(),
                inner: join.ty.inner_named_type(),
                provides: join.provides.as_ref(),
                contexts: &join.context_arguments,
            }
        };
        self.joined_owners(field).map(facts).collect()
    }

    fn set_facts<'g>(&'g self, ty: TypeId, set: &'g SelectionSet, asked: &[Asked]) -> Vec<SetFacts<'g>> {
        let facts = |field: &'g Field| {
            let concrete = field.definition.id().and_then(|id| self.concrete(id, ty));
            SetFacts {
                is_for_type: field.guard.contains(ty),
                key: &field.response_key,
                arguments: &field.arguments,
                below: field.selection_set.as_ref(),
                owners: concrete.map(|field| asked[field.index()]),
            }
        };
        set.fields.iter().map(facts).collect()
    }
}
