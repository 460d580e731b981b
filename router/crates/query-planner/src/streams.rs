//! Fetches what streamed lists need below them twice: for the items that are delivered with the list, and for those that follow. So a
//! list does not wait for what belongs to its later items. A list that is the only streamed one is asked for last. Chooses nothing, and changes no plan of an operation without `@stream`.

use braid_graphql::operation::{DeferId, Field, InitialCount, Operation, SelectionSet, StreamId};
use braid_graphql::{Name, OperationType};
use braid_query_plan::{Fetch, FetchId, FetchKind, FetchSelection, Items, Path, QueryPlan};

/// A streamed list that a path leads through.
#[derive(Debug, Clone, PartialEq)]
struct Streamed {
    /// Which segment of the path leads to it.
    depth: usize,
    initial: InitialCount,
    /// One for each selection of the list.
    ids: Vec<StreamId>,
    /// With what the list is delivered, as in [`Fetch::serves`].
    with: Vec<Option<DeferId>>,
}

/// What became of a fetch.
struct Split {
    first: FetchId,
    rest: Option<(FetchId, Vec<StreamId>)>,
}

/// The plan with fetches of their own for the later items of streamed lists.
pub(crate) fn split_streams(plan: QueryPlan, operation: &Operation) -> QueryPlan {
    if operation.streams == 0 {
        return plan;
    }
    let mut split = QueryPlan::empty(plan.kind);
    let mut done: Vec<Split> = Vec::with_capacity(plan.fetches.len());
    for fetch in plan.fetches {
        let lists = lists(&fetch, operation);
        let streamed: Vec<&Streamed> = lists.iter().flatten().collect();
        let with: Vec<Option<DeferId>> = streamed.iter().flat_map(|list| &list.with).copied().collect();
        // What is delivered later than the list anyway is fetched in one piece.
        let is_with = fetch.serves.is_empty() || fetch.serves.iter().any(|part| with.contains(part));
        let mut ids: Vec<StreamId> = streamed.iter().flat_map(|list| &list.ids).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let ids = Some(ids).filter(|ids| is_with && !ids.is_empty());
        // Objects that are in no streamed list may need all items of one.
        let needs_all = lists.contains(&None) || takes_contexts(&fetch);
        let after = |is_first: bool| {
            let mut after: Vec<FetchId> = Vec::new();
            for before in fetch.after.iter().filter_map(|before| done.get(before.0 as usize)) {
                after.push(before.first);
                let is_same = |of: &[StreamId]| ids.as_ref().is_some_and(|own| of.iter().all(|id| own.contains(id)));
                let rest = before.rest.as_ref().filter(|(_, of)| !is_first || needs_all || !is_same(of));
                after.extend(rest.map(|(rest, _)| *rest));
            }
            after.sort_unstable();
            after
        };
        let id = FetchId(split.fetches.len() as u32);
        match &ids {
            None => {
                let after = after(false);
                split.fetches.push(Fetch { id, after, ..fetch });
                done.push(Split { first: id, rest: None });
            }
            Some(ids) => {
                let later = fetch.serves.iter().filter(|part| !with.contains(part)).copied().collect();
                let rest_id = FetchId(id.0 + 1);
                let (mut first, mut rest) = (
                    Fetch { id, after: after(true), ..fetch.clone() },
                    Fetch { id: rest_id, after: after(false), serves: later, streams: ids.clone(), ..fetch.clone() },
                );
                limit(&mut first.kind, &lists, Items::First, false);
                limit(&mut rest.kind, &lists, Items::Rest, true);
                split.fetches.extend([first, rest]);
                done.push(Split { first: id, rest: Some((rest_id, ids.clone())) });
            }
        }
    }
    if operation.streams == 1
        && let Some(way) = way(&operation.selection_set)
    {
        for fetch in &mut split.fetches {
            if let FetchKind::Root { operation: OperationType::Query, selections, .. } = &mut fetch.kind {
                ask_last(selections, &way);
            }
        }
    }
    split
}

/// The keys that lead to a streamed list.
fn way(set: &SelectionSet) -> Option<Vec<&Name>> {
    set.fields.iter().find_map(|field| match (&field.stream, &field.selection_set) {
        (Some(_), _) => Some(vec![&field.response_key]),
        (None, Some(below)) => way(below).map(|mut way| {
            way.insert(0, &field.response_key);
            way
        }),
        (None, None) => None,
    })
}

/// Moves what leads to a list behind all that is asked beside it. In the response the list comes last then, so its items can be delivered
/// while they arrive.
fn ask_last(selections: &mut Vec<FetchSelection>, way: &[&Name]) {
    let Some((key, rest)) = way.split_first() else { return };
    let leads = |selection: &FetchSelection| matches!(selection, FetchSelection::Field(field) if field.key == **key);
    let Some(at) = selections.iter().position(leads) else { return };
    let mut leading = selections.remove(at);
    if let FetchSelection::Field(field) = &mut leading
        && let Some(below) = &mut field.selections
    {
        ask_last(below, rest);
    }
    selections.push(leading);
}

fn takes_contexts(fetch: &Fetch) -> bool {
    match &fetch.kind {
        FetchKind::Root { .. } => false,
        FetchKind::Entities(entities) => entities.iter().any(|list| !list.contexts.is_empty()),
    }
}

/// For each list of entities of a fetch, the outermost streamed list that leads to it.
fn lists(fetch: &Fetch, operation: &Operation) -> Vec<Option<Streamed>> {
    match &fetch.kind {
        FetchKind::Root { .. } => Vec::new(),
        FetchKind::Entities(entities) => {
            entities.iter().map(|list| streamed(&list.path, &operation.selection_set)).collect()
        }
    }
}

fn streamed(path: &Path, root: &SelectionSet) -> Option<Streamed> {
    let mut sets = vec![root];
    for (depth, segment) in path.0.iter().enumerate() {
        let fields = sets.iter().flat_map(|set| &set.fields);
        let fields: Vec<&Field> = fields.filter(|field| field.response_key == segment.key).collect();
        let streams: Vec<_> = fields.iter().filter_map(|field| field.stream.as_deref()).collect();
        if let Some(first) = streams.first() {
            let with: Vec<_> = fields.iter().map(|field| field.defer).collect();
            let with = if with.contains(&None) { vec![None] } else { with };
            let ids = streams.iter().map(|stream| stream.id).collect();
            return Some(Streamed { depth, initial: first.initial_count.clone(), ids, with });
        }
        sets = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
    }
    None
}

/// Leaves of the lists of entities what belongs to these items, and with `only`, no other lists.
fn limit(kind: &mut FetchKind, lists: &[Option<Streamed>], items: fn(InitialCount) -> Items, only: bool) {
    let FetchKind::Entities(entities) = kind else { return };
    for (entity, list) in entities.iter_mut().zip(lists) {
        if let Some(list) = list {
            entity.path.0[list.depth].items = Some(items(list.initial.clone()));
        }
    }
    let mut lists = lists.iter();
    entities.retain(|_| lists.next().is_none_or(|list| list.is_some() || !only));
}
