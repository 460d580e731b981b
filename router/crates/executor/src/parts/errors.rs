//! Errors that wait for the part that they are about. Knows nothing of how parts are written.

use braid_graphql::error::PathSegment;

use crate::compile::operation::CompiledOperation;
use crate::compile::parts::{INITIAL, Parts, part_of};
use crate::compile::projection::{OutField, OutKind, OutVariant};
use crate::error::{ErrorEntry, Errors, Step};

/// The errors that were not delivered yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    entries: Vec<(usize, ErrorEntry)>,
    left_out: usize,
}

impl Waiting {
    /// Takes what was collected while a fetch was absorbed.
    pub(super) fn add(&mut self, operation: &CompiledOperation, parts: &Parts, fetch: usize, errors: &mut Errors) {
        let (entries, left_out) = errors.take();
        self.left_out += left_out;
        for entry in entries {
            let part = match parts.concerns[fetch].as_slice() {
                [] => INITIAL,
                [only] => *only,
                several => {
                    let led_to = part_at(operation, &entry.path);
                    let known = several.iter().find(|part| led_to.contains(part));
                    *known.or(several.first()).unwrap_or(&INITIAL)
                }
            };
            self.entries.push((part, entry));
        }
    }

    /// Takes errors that are all about one part.
    pub(super) fn add_to(&mut self, part: usize, errors: &mut Errors) {
        let (entries, left_out) = errors.take();
        self.left_out += left_out;
        self.entries.extend(entries.into_iter().map(|entry| (part, entry)));
    }

    /// Moves those about one of `parts` that belong at a path to `into`, except where `stays` says otherwise.
    pub(super) fn give(
        &mut self,
        parts: &[usize],
        at: &[Step],
        stays: impl Fn(&[PathSegment]) -> bool,
        into: &mut Errors,
    ) {
        if self.entries.is_empty() && self.left_out == 0 {
            return;
        }
        let mut rest = Vec::new();
        for (part, entry) in std::mem::take(&mut self.entries) {
            let is_here = parts.contains(&part) && agrees(&entry.path, at) && !stays(&entry.path);
            if is_here { into.push(entry) } else { rest.push((part, entry)) }
        }
        self.entries = rest;
        into.leave_out(std::mem::take(&mut self.left_out));
    }
}

/// Whether one of the paths leads on from where the other ends.
fn agrees(path: &[PathSegment], at: &[Step]) -> bool {
    path.iter().zip(at).all(|(segment, step)| is_same(segment, step))
}

/// Whether a path leads into what is at a place.
pub(super) fn is_within(path: &[PathSegment], at: &[Step]) -> bool {
    path.len() >= at.len() && agrees(path, at)
}

fn is_same(segment: &PathSegment, step: &Step) -> bool {
    match (segment, step) {
        (PathSegment::Key(key), Step::Key(name, _)) => key == name.as_str(),
        (PathSegment::Index(one), Step::Index(other)) => *one == *other as usize,
        _ => false,
    }
}

/// The parts that have what is at a path, whatever the runtime types on the way are.
fn part_at(operation: &CompiledOperation, path: &[PathSegment]) -> Vec<usize> {
    let projection = &operation.program.projection;
    let mut parts = vec![INITIAL];
    let mut set = Some(projection.root);
    for segment in path {
        let PathSegment::Key(key) = segment else { continue };
        let Some(at) = set else { break };
        let found = projection.set(at).variants().find_map(|variant| {
            let own = field_of(variant, key).map(|field| (None, field));
            let later =
                || variant.groups.iter().find_map(|group| Some((Some(&group.defers), field_of(&group.variant, key)?)));
            own.or_else(later)
        });
        let Some((defers, field)) = found else { break };
        if let Some(defers) = defers {
            parts = defers.iter().map(|defer| part_of(*defer)).collect();
        }
        set = match field.kind {
            OutKind::Object { set, .. } => Some(set),
            _ => None,
        };
    }
    parts
}

fn field_of<'a>(variant: &'a OutVariant, key: &str) -> Option<&'a OutField> {
    variant.fields.iter().find(|field| field.key == key)
}
