//! A set of object types. Knows nothing of what the types mean.

use std::sync::Arc;

use crate::schema::TypeId;

/// A set of object types, sorted by id and cheap to clone.
///
/// Selections are guarded by such sets rather than by names of types: `... on Node` under a `Product` position and
/// `... on Product` are one thing, and seventy implementations of an interface stay one set.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeSet(Arc<[TypeId]>);

impl TypeSet {
    /// The set with no types.
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// The set of one type.
    pub fn one(id: TypeId) -> Self {
        Self(Arc::from([id]))
    }

    /// Whether `id` is in the set.
    pub fn contains(&self, id: TypeId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// Whether every type of `other` is in this set.
    pub fn is_superset(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        other.len() <= self.len() && other.iter().all(|id| self.contains(id))
    }

    /// Whether the two sets share no type.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (small, large) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        !small.iter().any(|id| large.contains(id))
    }

    /// The types in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if other.is_superset(self) {
            return self.clone();
        }
        if self.is_superset(other) {
            return other.clone();
        }
        self.iter().filter(|id| other.contains(*id)).collect()
    }

    /// The types in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_superset(other) {
            return self.clone();
        }
        if other.is_superset(self) {
            return other.clone();
        }
        self.iter().chain(other.iter()).collect()
    }

    /// The types in this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        if self.is_disjoint(other) {
            return self.clone();
        }
        self.iter().filter(|id| !other.contains(*id)).collect()
    }

    /// How many types there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no type.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The types in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TypeId> + '_ {
        self.0.iter().copied()
    }

    /// The only type, when there is exactly one.
    pub fn single(&self) -> Option<TypeId> {
        match &*self.0 {
            [id] => Some(*id),
            _ => None,
        }
    }
}

impl FromIterator<TypeId> for TypeSet {
    fn from_iter<I: IntoIterator<Item = TypeId>>(iter: I) -> Self {
        let mut ids: Vec<TypeId> = iter.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into())
    }
}

impl std::fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[u32]) -> TypeSet {
        ids.iter().map(|id| TypeId::new(*id)).collect()
    }

    #[test]
    fn algebra() {
        let (a, b) = (set(&[3, 1, 2]), set(&[2, 3, 4]));
        assert_eq!(a.intersection(&b), set(&[2, 3]));
        assert_eq!(a.union(&b), set(&[1, 2, 3, 4]));
        assert_eq!(a.difference(&b), set(&[1]));
        assert!(a.is_superset(&set(&[1, 3])));
        assert!(a.is_disjoint(&set(&[4, 5])));
        assert!(!a.is_disjoint(&b));
        assert_eq!(set(&[7]).single(), Some(TypeId::new(7)));
        assert_eq!(a.single(), None);
    }
}
