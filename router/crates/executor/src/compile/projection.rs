//! The client's response, made ready to be written: for each position and runtime type the keys in the order of *CollectFields*,
//! with the slot and the type of each. Compiled by [`super::project`].
//!
//! A key that several selections share is there once for each of them, so that it can stand where the first of them that is
//! included stands; [`Rules`] say which that is. What is below is merged from all of them, each under its condition. So one
//! projection serves all values of the variables that `@include` and `@skip` name.

use std::sync::Arc;

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{DeferId, FieldRef, SelectionSet, StreamId};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::{Name, Node};
use smallvec::SmallVec;

use crate::block::Text;

use super::condition::{CompiledCondition, RuleId, Rules};
use super::heap;
use super::initial::Initial;
use super::wrappers::Wrappers;

#[derive(Debug)]
pub(crate) struct Projection {
    pub(super) sets: Vec<OutSet>,
    pub(crate) root: OutSetId,
    pub(crate) enums: Vec<OutEnum>,
    pub(crate) introspections: Vec<OutIntrospection>,
    pub(crate) rules: Rules,
    /// The lists whose items may come later.
    pub(crate) streams: Vec<OutStream>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OutSetId(pub(super) u32);

/// What is written of an object at a position.
#[derive(Debug)]
pub(crate) struct OutSet {
    pub(super) variants: Vec<OutVariant>,
    /// The variant of each runtime type that clients can see, sorted, with `"Name"`.
    pub(super) by_type: Vec<(TypeId, u32, Arc<[u8]>)>,
    /// The variant of an object whose runtime type is not known.
    pub(super) unknown: Option<u32>,
    /// The only runtime type.
    pub(crate) single: Option<TypeId>,
}

/// What is written of an object of some runtime types.
#[derive(Debug)]
pub(crate) struct OutVariant {
    pub(crate) fields: Vec<OutField>,
    /// Whether some fields have rules.
    pub(crate) is_conditional: bool,
    /// What is delivered later than these fields.
    pub(crate) groups: Vec<OutGroup>,
}

/// Fields of an object that are delivered together, later than the object.
#[derive(Debug)]
pub(crate) struct OutGroup {
    /// The deferred fragments that they are delivered with: the first of them has them.
    pub(crate) defers: Defers,
    /// The fields.
    pub(crate) variant: OutVariant,
}

/// The deferred fragments that fields are delivered with; none for those that are delivered at once.
pub(crate) type Defers = SmallVec<[DeferId; 2]>;

/// A list whose items may come later.
#[derive(Debug)]
pub(crate) struct OutStream {
    pub(crate) id: StreamId,
    /// The list.
    pub(crate) field: OutField,
    /// A JSON string.
    pub(crate) label: Option<Box<[u8]>>,
    /// How many items come with the list.
    pub(crate) initial: Initial,
}

#[derive(Debug, Clone)]
pub(crate) struct OutField {
    /// `{"key":` or `,"key":`
    pub(crate) prefix: Text,
    /// When it is written; `None` for always.
    pub(crate) rule: Option<RuleId>,
    pub(crate) key: Name,
    pub(crate) wrappers: Wrappers,
    pub(crate) kind: OutKind,
    /// The field, for messages.
    pub(crate) definition: Option<FieldId>,
    /// Its place in [`Projection::streams`].
    pub(crate) stream: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OutKind {
    Typename,
    Leaf {
        slot: u32,
        kind: LeafKind,
    },
    Object {
        slot: u32,
        set: OutSetId,
    },
    /// The client may not see the field.
    Refused,
    /// The client may not see objects of this type; nothing else is written of them.
    RefusedObject,
    Introspection(u32),
}

/// What a leaf must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LeafKind {
    Int,
    Float,
    String,
    Boolean,
    Id,
    Enum(u32),
    /// A custom scalar: whatever it is.
    Any,
}

/// The values of an enum that clients can see, quoted and sorted.
#[derive(Debug)]
pub(crate) struct OutEnum {
    pub(crate) ty: TypeId,
    pub(crate) values: Vec<Box<[u8]>>,
}

/// A selection of the schema itself.
#[derive(Debug)]
pub(crate) struct OutIntrospection {
    pub(crate) definition: FieldRef,
    pub(crate) arguments: Vec<Node<Argument>>,
    /// Those of all fields that merge into it, each with the condition of its field.
    pub(crate) selection_sets: Vec<(CompiledCondition, SelectionSet)>,
}

impl Projection {
    #[inline]
    pub(crate) fn set(&self, id: OutSetId) -> &OutSet {
        &self.sets[id.0 as usize]
    }

    /// The bytes that it has on the heap.
    pub(crate) fn heap(&self) -> usize {
        let set = |set: &OutSet| heap::list(&set.variants, OutVariant::heap) + heap::flat(&set.by_type);
        let of_enum = |entry: &OutEnum| heap::list(&entry.values, |value| value.len());
        // Selections of the schema itself are rare, and no longer than what asks for them.
        heap::list(&self.sets, set) + heap::list(&self.enums, of_enum) + self.rules.heap()
    }
}

impl OutVariant {
    fn heap(&self) -> usize {
        let group = |group: &OutGroup| group.variant.heap();
        heap::list(&self.fields, |field| field.prefix.heap()) + heap::list(&self.groups, group)
    }
}

impl OutSet {
    /// What is written of its objects, whatever their types.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &OutVariant> {
        self.variants.iter()
    }

    /// What is written of an object of this type, and the type's name in quotes. `None` when clients cannot see the type, or when
    /// it is not known and must be.
    #[inline]
    pub(crate) fn variant(&self, ty: Option<TypeId>) -> Option<(&OutVariant, Option<&[u8]>)> {
        match ty.or(self.single) {
            Some(ty) => {
                let entry = match &self.by_type[..] {
                    [only] if only.0 == ty => only,
                    many => &many[many.binary_search_by_key(&ty, |entry| entry.0).ok()?],
                };
                Some((&self.variants[entry.1 as usize], Some(&entry.2)))
            }
            None => Some((&self.variants[self.unknown? as usize], None)),
        }
    }
}
