//! Every difference between two schemas, with its severity. Knows plain GraphQL only: what subgraphs do is `federation`'s.

mod applied;
mod default;
mod description;
mod directives;
mod enums;
mod fields;
mod inputs;
mod interfaces;
mod locate;
mod position;
mod roots;
mod scalars;
mod type_change;
mod types;
mod unions;
mod values;

use braid_graphql::compiler::Schema;

use crate::change::Change;

pub use self::locate::locate;

/// Compares two schemas. The result is in the order of the old schema's elements, then of the new ones.
///
/// Neither needs to be valid: elements are compared by name, and what is undefined is simply not there.
pub fn diff(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut context = Context {
        old,
        new,
        old_positions: position::Positions::of(old),
        new_positions: position::Positions::of(new),
        changes: Vec::new(),
    };
    roots::compare(&mut context);
    types::compare(&mut context);
    directives::compare(&mut context);
    context.changes
}

/// What every comparison needs.
struct Context<'a> {
    old: &'a Schema,
    new: &'a Schema,
    old_positions: position::Positions<'a>,
    new_positions: position::Positions<'a>,
    changes: Vec<Change>,
}

impl Context<'_> {
    fn push(&mut self, change: Change) {
        self.changes.push(change);
    }
}

/// Splits two named collections into what is only in the old one, what is in both, and what is only in the new one.
fn pair<'a, T>(
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

struct Paired<'a, T> {
    removed: Vec<&'a T>,
    kept: Vec<(&'a T, &'a T)>,
    added: Vec<&'a T>,
}
