//! Which types and which fields behave alike, compared in full. Knows nothing of reachability.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Field, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::{Name, Node as Shared};
use braid_supergraph::{ContextArgument, LabelCondition};

use crate::graph::{Jump, Node, Owner, Place, QueryGraph};

/// A place of a type with the jumps to it: each with the interface that it names and the key.
type NodeFacts<'g> = (Place, Vec<(Option<TypeId>, Vec<SetFacts<'g>>)>);

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
    arguments: &'g [Shared<Argument>],
    below: Option<&'g SelectionSet>,
    owners: Option<Vec<OwnerFacts<'g>>>,
}

impl QueryGraph {
    /// The classes of all types and of all fields: equal numbers for what is equal, in the order in which it is met first.
    pub(crate) fn classes(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut types, mut fields) =
            (vec![0; self.supergraph().schema.types().len()], vec![0; self.supergraph().schema.fields().len()]);
        let mut known_types: AHashMap<Vec<NodeFacts<'_>>, u32> = AHashMap::new();
        let mut known_fields: AHashMap<Vec<OwnerFacts<'_>>, u32> = AHashMap::new();
        for (id, definition) in self.supergraph().schema.types() {
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

    fn type_facts<'g>(&'g self, ty: TypeId) -> Vec<NodeFacts<'g>> {
        let jump = |jump: &'g Jump| (jump.by_interface.then_some(jump.on), self.set_facts(ty, &jump.key));
        let node = |node: &'g Node| (node.place, node.jumps.iter().map(jump).collect());
        self.nodes(ty).iter().map(node).collect()
    }

    /// What is said of a field; of what it requires, only if `deep`.
    fn field_facts(&self, ty: TypeId, field: FieldId, deep: bool) -> Vec<OwnerFacts<'_>> {
        let facts = |owner: &Owner| {
            let join = self.join(*owner);
            let requires = join.requires.as_ref().filter(|_| deep);
            OwnerFacts {
                place: self.place(ty, *owner),
                external: join.external,
                used_overridden: join.used_overridden,
                label: join.label.as_ref(),
                inner: join.ty.inner_named_type(),
                requires: requires.map(|set| self.set_facts(ty, set)),
                provides: join.provides.as_ref(),
                contexts: &join.context_arguments,
            }
        };
        self.joined_owners(field).map(facts).collect()
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
