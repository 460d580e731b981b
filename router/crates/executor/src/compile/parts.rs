//! What the parts of an answer wait for, and whose errors they have. Knows nothing of one execution.

use braid_graphql::operation::{DeferId, Operation, StreamId};
use braid_query_plan::{Fetch, QueryPlan};

use crate::error::write_string;

/// The parts of an operation that is answered in parts. Part 0 is what is not deferred. Then follow the deferred
/// fragments, wherever they are met, and then the later items of streamed lists.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The deferred fragments.
    pub(crate) defers: Vec<PartDefer>,
    /// How many fetches each part waits for.
    pub(crate) waits_for: Vec<u32>,
    /// For each fetch the parts that wait for it.
    pub(crate) serves: Vec<Vec<usize>>,
    /// For each fetch the parts that lack something when it fails: those that it serves, or, where it gives only what other
    /// fetches need, theirs.
    pub(crate) concerns: Vec<Vec<usize>>,
}

/// A deferred fragment.
#[derive(Debug)]
pub(crate) struct PartDefer {
    /// A JSON string.
    pub(crate) label: Option<Box<[u8]>>,
    pub(crate) parent: Option<DeferId>,
    /// How many keys lead to the objects that it is selected on.
    pub(crate) depth: u32,
}

/// The number of what is not deferred.
pub(crate) const INITIAL: usize = 0;

/// The number of a deferred fragment.
pub(crate) fn part_of(defer: DeferId) -> usize {
    defer.0 as usize + 1
}

fn items_of(defers: &[PartDefer], stream: StreamId) -> usize {
    1 + defers.len() + stream.0 as usize
}

impl Parts {
    /// The number of the later items of a list.
    pub(crate) fn items_of(&self, stream: StreamId) -> usize {
        items_of(&self.defers, stream)
    }

    /// `None` for an operation that is answered in one piece.
    pub(crate) fn new(operation: &Operation, plan: &QueryPlan) -> Option<Self> {
        if !operation.has_parts() {
            return None;
        }
        let mut defers = Vec::with_capacity(operation.defers.len());
        for defer in &operation.defers {
            let mut label = Vec::new();
            defer.label.iter().for_each(|text| write_string(text, &mut label));
            let label = defer.label.as_ref().map(|_| label.into());
            defers.push(PartDefer { label, parent: defer.parent, depth: defer.depth });
        }
        let count = 1 + defers.len() + operation.streams as usize;
        let serves = |fetch: &Fetch| -> Vec<usize> {
            let items = fetch.streams.iter().map(|stream| items_of(&defers, *stream));
            match defers.is_empty() && fetch.streams.is_empty() {
                // Without deferred fragments a plan does not say what a fetch is for.
                true => vec![INITIAL],
                false => fetch.serves.iter().map(|it| it.map_or(INITIAL, part_of)).chain(items).collect(),
            }
        };
        let serves: Vec<Vec<usize>> = plan.fetches.iter().map(serves).collect();
        let mut waits_for = vec![0; count];
        serves.iter().flatten().for_each(|part| waits_for[*part] += 1);
        let mut concerns = serves.clone();
        // A fetch comes after what it waits for.
        for fetch in plan.fetches.iter().rev() {
            let own = concerns[fetch.id.0 as usize].clone();
            for before in fetch.after.iter().map(|before| before.0 as usize).filter(|at| serves[*at].is_empty()) {
                concerns[before].extend(&own);
                concerns[before].sort_unstable();
                concerns[before].dedup();
            }
        }
        Some(Self { defers, waits_for, serves, concerns })
    }
}
