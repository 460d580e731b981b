//! Which runtime types behave alike. Knows nothing of what makes them so.

use std::hash::Hash;

use ahash::AHashMap;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;

/// Runtime types for which the same is done.
#[derive(Debug, Clone)]
pub(crate) struct Alike {
    pub(crate) types: TypeSet,
    /// The first of them; an interface itself when it has no implementations.
    pub(crate) ty: TypeId,
}

/// The types put together by what is said of them, in the order of the first of each.
pub(crate) fn alike<F: Hash + Eq>(
    types: impl IntoIterator<Item = TypeId>,
    mut facts: impl FnMut(TypeId) -> F,
) -> Vec<Alike> {
    let mut numbers: AHashMap<F, usize> = AHashMap::new();
    let mut groups: Vec<Vec<TypeId>> = Vec::new();
    for ty in types {
        let number = *numbers.entry(facts(ty)).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(known) => known.push(ty),
            None => groups.push(vec![ty]),
        }
    }
    groups.into_iter().map(|types| Alike { ty: types[0], types: types.into_iter().collect() }).collect()
}
