//! Matches two collections by name. Knows nothing of what is in them.

/// Splits two named collections into what is only in the old one, what is in both, and what is only in the new one.
pub(super) fn pair<'a, T>(
    old: impl IntoIterator<Item = &'a T>,
    new: impl IntoIterator<Item = &'a T>,
    name: impl Fn(&T) -> &str,
) -> Paired<'a, T> {
    let new: indexmap::IndexMap<String, &'a T, ahash::RandomState> =
        new.into_iter().map(|item| (name(item).to_owned(), item)).collect();
    let mut paired = Paired { removed: Vec::new(), kept: Vec::new(), added: Vec::new() };
    let mut seen = ahash::AHashSet::new();
    for item in old {
        seen.insert(name(item).to_owned());
        match new.get(name(item)) {
            Some(counterpart) => paired.kept.push((item, *counterpart)),
            None => paired.removed.push(item),
        }
    }
    paired.added.extend(new.iter().filter(|(name, _)| !seen.contains(*name)).map(|(_, item)| *item));
    paired
}

pub(super) struct Paired<'a, T> {
    pub(super) removed: Vec<&'a T>,
    pub(super) kept: Vec<(&'a T, &'a T)>,
    pub(super) added: Vec<&'a T>,
}
