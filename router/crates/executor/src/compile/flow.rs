//! Which streamed list can be delivered while the response that has it arrives, and how its items are recognized in it. Knows nothing
//! of one execution.
//!
//! It is a list of one root fetch, with nothing but objects of known types around it, to which no other fetch adds anything. What looks up its later
//! items looks up nothing else, so it can be done for a few items at a time, in a tree that has only those.

use braid_graphql::OperationType;
use braid_graphql::operation::Operation;
use braid_query_plan::QueryPlan;

use super::fetch::{CompiledFetch, CompiledKind, Step, StepItems};
use super::projection::{OutKind, OutSetId, Projection};
use super::reading::{ReadKind, ReadingId, Readings};
use super::shape::{ShapeId, Shapes};

/// A list that is delivered while it arrives.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The fetch whose response has it.
    pub(crate) fetch: usize,
    /// The objects around it, from the root of the data, each with the number of the field that leads on.
    pub(crate) way: Vec<(ReadingId, usize)>,
    /// Its place in the projection.
    pub(crate) stream: u32,
    /// For each fetch, how many others it waits for when it is made for some later items; [`NEVER`] for those that are not made for them.
    pub(crate) waits_for: Vec<u32>,
    /// A response that has nothing else, up to the first item.
    pub(crate) head: Box<[u8]>,
}

/// More than there can be fetches.
const NEVER: u32 = u32::MAX;

impl Flow {
    /// `None` if no list can be delivered while it arrives.
    pub(crate) fn new(
        operation: &Operation,
        plan: &QueryPlan,
        fetches: &[CompiledFetch],
        projection: &Projection,
    ) -> Option<Self> {
        if operation.streams != 1 || projection.streams.len() != 1 || !operation.defers.is_empty() {
            return None;
        }
        let mut slots = Vec::new();
        let stream = find(projection, projection.root, &mut slots)?;
        let (fetch, way) = fetches.iter().enumerate().find_map(|(at, fetch)| Some((at, way(fetch, &slots)?)))?;
        let readings = &fetches[fetch].readings;
        let (parent, _) = *way.last()?;
        let place = (readings.get(parent).shape, *slots.last()?);
        let mut others = fetches.iter().enumerate().filter(|(at, _)| *at != fetch);
        if others.any(|(_, other)| other.readings.writes(place.0, place.1)) {
            return None;
        }
        let is_rest = fetches.iter().map(|fetch| looks_up_rest(fetch, place)).collect::<Option<Vec<bool>>>()?;
        let mut waits_for = vec![NEVER; fetches.len()];
        for (at, planned) in plan.fetches.iter().enumerate() {
            let mut after = planned.after.iter().map(|before| before.0 as usize);
            match is_rest[at] {
                true => {
                    waits_for[at] = after.filter(|before| *before == fetch || is_rest[*before]).count() as u32;
                    // Otherwise nothing would begin it.
                    if waits_for[at] == 0 {
                        return None;
                    }
                }
                false if after.any(|before| is_rest[before]) => return None,
                false => {}
            }
        }
        let mut head = b"{\"data\":".to_vec();
        for (reading, number) in &way {
            head.push(b'{');
            head.extend_from_slice(readings.get(*reading).fields[*number].expected.bytes());
        }
        head.push(b'[');
        Some(Self { fetch, way, stream, waits_for, head: head.into() })
    }

    /// What closes all that [`Flow::head`] opens.
    pub(crate) fn close(&self, out: &mut Vec<u8>) {
        out.push(b']');
        out.resize(out.len() + self.way.len() + 1, b'}');
    }
}

/// The streamed list below a set, with the slots that lead to it through objects of one type each.
fn find(projection: &Projection, set: OutSetId, slots: &mut Vec<u32>) -> Option<u32> {
    let mut variants = projection.set(set).variants();
    let variant = variants.next().filter(|_| variants.next().is_none())?;
    for field in &variant.fields {
        let OutKind::Object { slot, set } = field.kind else { continue };
        slots.push(slot);
        let found = match field.stream {
            Some(stream) => Some(stream),
            None if field.wrappers.lists == 0 => find(projection, set, slots),
            None => None,
        };
        if found.is_some() {
            return found;
        }
        slots.pop();
    }
    None
}

/// How the response to a fetch leads along the slots.
fn way(fetch: &CompiledFetch, slots: &[u32]) -> Option<Vec<(ReadingId, usize)>> {
    let CompiledKind::Root { operation: OperationType::Query, path, reading } = &fetch.kind else { return None };
    if !path.is_empty() {
        return None;
    }
    let mut at = *reading;
    let mut way = Vec::with_capacity(slots.len());
    for (depth, slot) in slots.iter().enumerate() {
        let fields = fetch.readings.get(at).fields.iter().enumerate();
        let mut leading = fields.filter(|(_, field)| field.targets.iter().any(|target| target.slot == *slot));
        let (number, field) = leading.next().filter(|_| leading.next().is_none())?;
        let [target] = &field.targets[..] else { return None };
        let ReadKind::Objects(below, lists) = target.kind else { return None };
        let is_list = depth + 1 == slots.len();
        if lists != u8::from(is_list) || (!is_list && fetch.readings.get(below).assumed.is_none()) {
            return None;
        }
        way.push((at, number));
        at = below;
    }
    Some(way)
}

/// Whether a fetch looks up later items of the list in this slot of this position, and nothing else; `None` if it does both, or
/// needs the whole list.
fn looks_up_rest(fetch: &CompiledFetch, list: (ShapeId, u32)) -> Option<bool> {
    let items = |path: &[Step]| -> Option<Option<StepItems>> {
        let mut shape = Shapes::ROOT;
        for step in path {
            if (shape, step.slot) == list {
                return step.items.map(Some);
            }
            shape = step.shape;
        }
        Some(None)
    };
    let lists = match &fetch.kind {
        CompiledKind::Root { path, .. } => return items(path)?.is_none().then_some(false),
        CompiledKind::Entities(lists) => lists,
    };
    let mut rest = 0;
    for list in lists {
        if items(&list.path)?.is_some_and(|items| items.rest) {
            rest += 1;
            if !list.contexts.is_empty() {
                return None;
            }
        }
    }
    match rest {
        0 => Some(false),
        rest => (rest == lists.len()).then_some(true),
    }
}

impl Readings {
    /// Whether objects at a position have something read into a slot.
    fn writes(&self, shape: ShapeId, slot: u32) -> bool {
        self.iter().any(|reading| reading.shape == shape && reading.slots.contains(&slot))
    }
}
