//! The operation model: what is asked, in the order the client wrote it. Knows nothing of who answers.
//!
//! # One flat list per position
//!
//! Fragments are gone. A selection set is a flat list of fields; each says for which runtime object types ([`Field::guard`])
//! and under which variables ([`Field::condition`]) it is selected. For a runtime type and coerced variables, the fields that
//! apply, in order, with equal response keys merged, are exactly what *CollectFields* of the specification yields
//! (<https://spec.graphql.org/draft/#sec-Field-Collection>), so the order of keys in a response can be read off.
//!
//! Two fields of one list may share a response key: under different guards or conditions, or where merging would move
//! a key. Fields with equal key, guard and condition are always merged.
//!
//! # Delivery in parts
//!
//! An operation that is to be answered in parts ([`crate::normalize::normalize_in_parts`]) has no conditions: it is made for given
//! values of the variables that decide them. Each of its fields names the innermost `@defer` around it ([`Field::defer`]), what is
//! inherited from the fields above included, so it can be read off one field alone. Fields of one key that are deferred by different
//! fragments are not merged: what is below them is selected by different fragments too. The fields of one key and one runtime type
//! are delivered together: at once if one of them is not deferred, else with the first of their fragments ([`delivered_with`]).

use apollo_compiler::ast::{Argument, OperationType, VariableDefinition};
use apollo_compiler::{Name, Node};
use smallvec::SmallVec;

use crate::schema::{FieldId, TypeId};
use crate::type_set::TypeSet;

/// One executable operation in normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The name the client gave it.
    pub name: Option<Name>,
    /// Its variables as the client defined them.
    pub variables: Vec<Node<VariableDefinition>>,
    /// The root operation type.
    pub root: TypeId,
    /// What is asked.
    pub selection_set: SelectionSet,
    /// The object types that the client may not see: an object of one of them is an error in the response. No guard has them.
    pub refused_types: TypeSet,
    /// The fragments that are deferred, by their numbers; empty unless it is answered in parts.
    pub defers: Vec<Defer>,
    /// How many streamed lists have numbers.
    pub streams: u32,
}

/// The number of a deferred fragment in [`Operation::defers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeferId(pub u32);

/// A fragment that may be delivered later than what is around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defer {
    /// What the client calls it.
    pub label: Option<String>,
    /// The deferred fragment that it is in.
    pub parent: Option<DeferId>,
    /// How many fields are above the selection set that it is in.
    pub depth: u32,
}

/// A list whose items may be delivered later than what is around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Its number, below [`Operation::streams`].
    pub id: StreamId,
    /// What the client calls it.
    pub label: Option<String>,
    /// How many items are delivered with what is around the list.
    pub initial_count: InitialCount,
}

/// The number of a streamed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// How many items of a streamed list are not put off.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InitialCount {
    /// So many.
    Fixed(u32),
    /// As many as a variable says, or, where the client gives it no value, so many.
    Variable(Name, u32),
}

/// What is asked at one position: a flat list of fields in document order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SelectionSet {
    /// The fields, each with its guard and condition.
    pub fields: Vec<Field>,
}

/// One field of a [`SelectionSet`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// The key in the response: the alias, or the name.
    pub response_key: Name,
    /// Which field is asked.
    pub definition: FieldRef,
    /// The composite type whose definition the field was looked up on: the innermost type condition, or the position's type.
    pub parent: TypeId,
    /// The runtime object types for which the field is selected: never empty, and a subset of the possible types of
    /// the position and of [`Field::parent`].
    pub guard: TypeSet,
    /// The variables under which the field is selected.
    pub condition: Condition,
    /// Arguments in the order of their names.
    pub arguments: Vec<Node<Argument>>,
    /// What is asked below; `None` for leaves. Below `__schema` and `__type`, ids are of the introspection types' own schema
    /// ([`crate::introspection`]). It can be empty: every branch below was impossible, yet the field itself is asked.
    pub selection_set: Option<SelectionSet>,
    /// The innermost deferred fragment that it is in, here or above.
    pub defer: Option<DeferId>,
    /// Whether its items may come later; for a list.
    pub stream: Option<Box<Stream>>,
}

/// Which field a [`Field`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldRef {
    /// `__typename`
    Typename,
    /// `__schema` of the query root.
    IntrospectSchema,
    /// `__type` of the query root.
    IntrospectType,
    /// A field of the schema.
    Field(FieldId),
    /// A field of the schema that the client may not see: it is an error in the response, and nobody is asked for it.
    Refused(FieldId),
}

impl Operation {
    /// Whether `inner` is within `outer`.
    pub fn is_within(&self, inner: DeferId, outer: DeferId) -> bool {
        let parent = |id: &DeferId| self.defers.get(id.0 as usize).and_then(|defer| defer.parent);
        std::iter::successors(parent(&inner), parent).any(|above| above == outer)
    }

    /// Whether it is answered in parts.
    pub fn has_parts(&self) -> bool {
        !self.defers.is_empty() || self.streams > 0
    }
}

/// The fragments with which fields of one response key are delivered, sorted, given the innermost fragment of each; none if one of the fields is
/// not deferred. A fragment within another of them does not count: the outer one has the fields first.
pub fn delivered_with(
    operation: &Operation,
    fields: impl IntoIterator<Item = Option<DeferId>>,
) -> SmallVec<[DeferId; 2]> {
    let mut all: SmallVec<[DeferId; 2]> = SmallVec::new();
    for defer in fields {
        let Some(defer) = defer else { return SmallVec::new() };
        if let Err(at) = all.binary_search(&defer) {
            all.insert(at, defer);
        }
    }
    if all.len() > 1 {
        let outermost = |id: &DeferId| all.iter().all(|other| !operation.is_within(*id, *other));
        return all.iter().copied().filter(outermost).collect();
    }
    all
}

impl SelectionSet {
    /// Whether it asks for `__schema` or `__type`, at any depth. Recursive as deep as operations are, which normalization bounds.
    pub fn uses_introspection(&self) -> bool {
        self.fields.iter().any(|field| {
            matches!(field.definition, FieldRef::IntrospectSchema | FieldRef::IntrospectType)
                || field.selection_set.as_ref().is_some_and(Self::uses_introspection)
        })
    }
}

impl FieldRef {
    /// The id of a field of the schema that is asked for.
    pub fn id(self) -> Option<FieldId> {
        match self {
            Self::Field(id) => Some(id),
            _ => None,
        }
    }
}

/// A conjunction of Boolean variables that comes from `@skip` and `@include`; literals are folded away.
#[derive(Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition(SmallVec<[Literal; 1]>);

/// A variable that must be true (`@include(if: $v)`) or false (`@skip(if: $v)`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Literal {
    /// The Boolean variable.
    pub variable: Name,
    /// The value it must have.
    pub value: bool,
}

impl Clone for Condition {
    /// Nearly all conditions are empty, and planning copies many.
    fn clone(&self) -> Self {
        if self.0.is_empty() { Self::default() } else { Self(self.0.clone()) }
    }
}

impl Condition {
    /// The condition that always holds.
    pub fn always() -> Self {
        Self::default()
    }

    /// Whether it holds whatever the variables are.
    pub fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// Both this condition and `literal`; `None` when they contradict each other.
    #[must_use]
    pub fn and(&self, literal: Literal) -> Option<Self> {
        match self.0.binary_search_by(|own| own.variable.cmp(&literal.variable)) {
            Ok(at) if self.0[at].value == literal.value => Some(self.clone()),
            Ok(_) => None,
            Err(at) => {
                let mut literals = self.0.clone();
                literals.insert(at, literal);
                Some(Self(literals))
            }
        }
    }

    /// Both conditions; `None` when they contradict each other.
    #[must_use]
    pub fn and_all(&self, other: &Self) -> Option<Self> {
        if self.0.is_empty() {
            return Some(other.clone());
        }
        let mut all = self.0.clone();
        for literal in &other.0 {
            match all.binary_search_by(|own| own.variable.cmp(&literal.variable)) {
                Ok(at) if all[at].value == literal.value => {}
                Ok(_) => return None,
                Err(at) => all.insert(at, literal.clone()),
            }
        }
        Some(Self(all))
    }

    /// What this condition says beyond `given`.
    #[must_use]
    pub fn beyond(&self, given: &Self) -> Self {
        Self(self.0.iter().filter(|literal| !given.has(literal)).cloned().collect())
    }

    /// What both conditions say.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|literal| other.has(literal)).cloned().collect())
    }

    fn has(&self, literal: &Literal) -> bool {
        self.0.binary_search(literal).is_ok()
    }

    /// Whether this condition holds whenever `other` does.
    pub fn is_implied_by(&self, other: &Self) -> bool {
        self.0.iter().all(|literal| other.has(literal))
    }

    /// Its literals, sorted by variable.
    pub fn literals(&self) -> &[Literal] {
        &self.0
    }

    /// Whether it holds for these values of the variables. A variable without a value is a failed coercion, seen before.
    pub fn holds(&self, value_of: impl Fn(&Name) -> bool) -> bool {
        self.0.iter().all(|literal| value_of(&literal.variable) == literal.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::name;

    #[test]
    fn conditions() {
        let a = Condition::always().and(Literal { variable: name!("a"), value: true }).unwrap();
        let ab = a.and(Literal { variable: name!("b"), value: false }).unwrap();
        assert_eq!(a.and(Literal { variable: name!("a"), value: false }), None);
        assert!(a.is_implied_by(&ab));
        assert!(!ab.is_implied_by(&a));
        assert!(ab.holds(|name| name == "a"));
        assert!(!ab.holds(|_| true));
    }
}
