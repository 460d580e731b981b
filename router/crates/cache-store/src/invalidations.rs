//! Which tags were invalidated, and when: in an order that all routers of a group agree on. Knows no entry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use ahash::AHashMap;

use crate::entry::now;
use crate::invalidation::{Invalidation, Tag};

/// A point in the order of invalidations: milliseconds since the Unix epoch, and a number within the millisecond in the lowest 20 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// The point of the `number`th invalidation of a millisecond.
    pub fn new(millis: u64, number: u64) -> Self {
        Self((millis.min((1 << 44) - 1) << 20) | number.min((1 << 20) - 1))
    }
}

/// The invalidations of which entries may be left.
#[derive(Debug, Default)]
pub struct Invalidations {
    table: RwLock<Table>,
    last: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    /// The last invalidation of each tag.
    at: AHashMap<Tag, Position>,
    /// What was asked for before it is not true, whatever its tags.
    floor: Position,
}

/// How many tags are remembered. When there are more, the older half of them becomes one invalidation of everything before.
const MAX_TAGS: usize = 1 << 20;

impl Invalidations {
    /// The last invalidation: what is asked for from now on is true.
    pub fn last(&self) -> Position {
        Position(self.last.load(Ordering::Acquire))
    }

    /// The last invalidation of any of these tags.
    pub fn last_of(&self, tags: impl IntoIterator<Item = Tag>) -> Position {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        tags.into_iter().filter_map(|tag| table.at.get(&tag).copied()).fold(table.floor, Position::max)
    }

    /// Invalidates now, in a router that keeps to itself.
    pub fn add(&self, invalidations: &[Invalidation]) -> Position {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let position = Position::new(now(), 0).max(Position(self.last().0 + 1));
        self.apply_to(&mut table, position, invalidations);
        position
    }

    /// Takes over invalidations that the group agreed on. Older ones may come after newer ones.
    pub fn apply(&self, position: Position, invalidations: &[Invalidation]) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        self.apply_to(&mut table, position, invalidations);
    }

    /// Invalidates before the group has agreed on it: nothing that was asked for until now is served, nor what is asked for before
    /// the next invalidation that the group agrees on.
    pub fn distrust(&self, invalidations: &[Invalidation]) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        // The group's next position is at least this one. Only the group says which positions have been reached.
        table.apply(Position(self.last().0 + 1), invalidations);
    }

    fn apply_to(&self, table: &mut Table, position: Position, invalidations: &[Invalidation]) {
        table.apply(position, invalidations);
        // Readers that see it see the table as it is now.
        self.last.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Forgets invalidations before `position`: nothing that was asked for before may be left, and if it is, it is not served.
    pub fn forget_before(&self, position: Position) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.floor = table.floor.max(position);
        let floor = table.floor;
        table.at.retain(|_, at| *at > floor);
    }

    /// How many tags are remembered.
    pub fn len(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).at.len()
    }

    /// Whether no tag is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    fn apply(&mut self, position: Position, invalidations: &[Invalidation]) {
        for invalidation in invalidations {
            match invalidation.tags() {
                None => self.floor = self.floor.max(position),
                Some(tags) => {
                    for tag in tags {
                        let at = self.at.entry(tag).or_default();
                        *at = position.max(*at);
                    }
                }
            }
        }
        if self.at.len() > MAX_TAGS {
            self.forget_half();
        }
    }

    fn forget_half(&mut self) {
        let mut positions: Vec<Position> = self.at.values().copied().collect();
        let half = positions.len() / 2;
        let (_, median, _) = positions.select_nth_unstable(half);
        self.floor = self.floor.max(*median);
        let floor = self.floor;
        self.at.retain(|_, at| *at > floor);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::invalidation::TagKind;

    fn entity(ty: &str, key: Value) -> Invalidation {
        let Value::Object(key) = key else { unreachable!() };
        Invalidation::Entity { subgraph: None, ty: ty.into(), key }
    }

    #[test]
    fn what_is_asked_for_after_an_invalidation_is_true() {
        let invalidations = Invalidations::default();
        let before = invalidations.last();
        let product = |key| entity("Product", json!({ "id": key }));
        let at = invalidations.add(&[product(json!("1"))]);
        let tag = |key: &Value| product(key.clone()).tags().unwrap()[0];
        assert!(before < invalidations.last_of([tag(&json!("1"))]));
        assert_eq!(before, invalidations.last_of([tag(&json!("2"))]));
        // An ID is written as a number or as a text.
        assert_eq!(invalidations.last_of([tag(&json!(1))]), at);
        assert_eq!(invalidations.last(), at);
        let contains = Tag::new(None, TagKind::Contains, &[b"Product"]);
        assert_eq!(invalidations.last_of([contains]), at);
        assert!(invalidations.add(&[Invalidation::Subgraph("a".into())]) > at);
    }

    #[test]
    fn order_of_arrival_does_not_matter() {
        let invalidations = Invalidations::default();
        let tag = |tag: &str| Invalidation::Tag { subgraph: None, tag: tag.into() };
        invalidations.apply(Position(20), &[tag("a")]);
        invalidations.apply(Position(10), &[tag("a"), tag("b")]);
        let last_of = |name: &str| invalidations.last_of(tag(name).tags().unwrap());
        assert_eq!((last_of("a"), last_of("b"), invalidations.last()), (Position(20), Position(10), Position(20)));
        invalidations.forget_before(Position(15));
        assert_eq!((last_of("b"), last_of("never"), invalidations.len()), (Position(15), Position(15), 1));
        invalidations.apply(Position(30), &[Invalidation::All]);
        assert_eq!(last_of("never"), Position(30));
    }

    #[test]
    fn the_number_of_tags_is_bounded() {
        let mut table = Table::default();
        let tag = |number: u64| Tag::new(None, TagKind::Given, &[&number.to_le_bytes()]);
        table.at.extend((1..=100).map(|number| (tag(number), Position(number))));
        table.forget_half();
        assert_eq!((table.floor, table.at.len()), (Position(51), 49));
    }
}
