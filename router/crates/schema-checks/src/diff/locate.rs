//! Finds for each change the lines that made it. Knows nothing of severities.

use crate::change::Change;
use crate::location::Location;
use crate::sources::{Sources, parent};

/// Fills in the location of each change: the element in the new files, or its location in the old ones together with what
/// contained it in the new ones.
pub fn locate(changes: &mut [Change], old: &Sources, new: &Sources) {
    for change in changes.iter_mut().filter(|change| change.locations.is_empty()) {
        let mut found = places(&change.coordinate, old, new);
        let of_subgraph = |at: &Location| at.subgraph.as_ref().is_some_and(|name| change.subgraphs.contains(name));
        if found.iter().any(of_subgraph) {
            found.retain(of_subgraph);
        }
        change.locations = found;
    }
}

fn places(coordinate: &str, old: &Sources, new: &Sources) -> Vec<Location> {
    let now = new.locate(coordinate);
    if !now.is_empty() {
        return now;
    }
    let before = old.locate(coordinate);
    let mut enclosing = parent(coordinate);
    let mut around = Vec::new();
    while let (Some(outer), true) = (enclosing, around.is_empty()) {
        around = new.locate(outer);
        enclosing = parent(outer);
    }
    // In the subgraph that lost the element, when it still has what contained it.
    let in_same = |at: &Location| before.iter().any(|old| old.subgraph == at.subgraph);
    if around.iter().any(in_same) {
        around.retain(in_same);
    }
    around.extend(before);
    around
}
