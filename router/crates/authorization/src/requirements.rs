//! The requirements of one supergraph. Knows neither how they are written down nor who fulfils them.

use ahash::AHashMap;
use braid_graphql::Name;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use indexmap::IndexSet;
use smallvec::SmallVec;

/// Something that a type or field requires of who asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// To be somebody (`@authenticated`).
    Authenticated,
    /// To have scopes (`@requiresScopes`).
    Scopes(Alternatives),
    /// To satisfy policies (`@policy`).
    Policies(Alternatives),
}

/// Lists of names. Who has all names of one list has what is required; without any list, nobody has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alternatives(pub Vec<Vec<String>>);

/// The number of a requirement in its [`Requirements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequirementId(u32);

/// Requirements that must all be met: sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RequirementSet(SmallVec<[RequirementId; 2]>);

/// What a supergraph requires.
#[derive(Debug, Default)]
pub struct Requirements {
    pub(crate) all: IndexSet<Requirement>,
    /// By type: what its objects require.
    pub(crate) types: Vec<RequirementSet>,
    /// By field: what its directives, its type, and the fields that it requires from other subgraphs need.
    pub(crate) fields: Vec<RequirementSet>,
    /// The object types that require something and are no root operation types.
    pub(crate) guarded_types: Vec<TypeId>,
    /// The object types whose field of a name requires something.
    pub(crate) guarded_fields: AHashMap<Name, TypeSet>,
}

impl Alternatives {
    /// Whether who has exactly the names for which `has` says so has all of one list.
    pub fn are_met(&self, has: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|all| all.iter().all(|name| has(name)))
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }
}

impl RequirementId {
    /// The number, for arrays beside the requirements.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl FromIterator<RequirementId> for RequirementSet {
    fn from_iter<I: IntoIterator<Item = RequirementId>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

impl RequirementSet {
    /// Adds one.
    pub fn insert(&mut self, id: RequirementId) {
        if let Err(at) = self.0.binary_search(&id) {
            self.0.insert(at, id);
        }
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        other.iter().for_each(|id| self.insert(id));
    }

    /// In the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RequirementId> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Requirements {
    /// Whether the supergraph requires nothing of anybody.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The requirement with this number.
    pub fn get(&self, id: RequirementId) -> Option<&Requirement> {
        self.all.get_index(id.index())
    }

    /// All with their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (RequirementId, &Requirement)> {
        self.all.iter().enumerate().map(|(at, requirement)| (RequirementId(at as u32), requirement))
    }

    /// Whether the requirements are the same, with the same numbers; not whether the same elements have them.
    pub fn are_like(&self, other: &Self) -> bool {
        self.all.iter().eq(&other.all)
    }

    pub(crate) fn add(&mut self, requirement: Requirement) -> RequirementId {
        RequirementId(self.all.insert_full(requirement).0 as u32)
    }

    /// What objects of a type, or values of it, require.
    pub fn of_type(&self, id: TypeId) -> &RequirementSet {
        &self.types[id.index()]
    }

    /// What a field needs by its definition.
    pub fn of_field(&self, id: FieldId) -> &RequirementSet {
        &self.fields[id.index()]
    }
}
