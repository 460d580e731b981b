//! Puts atoms into stages and groups. Changes nothing of what they ask.
//!
//! # Why there is an order
//!
//! Atoms of the same objects have the stages that the search gave them, and an input is fetched at a lower stage than that of the atom
//! that needs it (`Circumstances::before`), because the search is a least fixpoint: it reaches nothing
//! through itself. What composition proves satisfiable, the same fixpoint reaches. Atoms wait for those of objects above, where these stand, and for those of objects
//! below only as parts of an input. So where runtime types are known, each wait leads to a lower stage of the same objects, or to an input of one,
//! and none leads back. Field sets of keys have no arguments, so none needs the value of a context.
//!
//! Two waits are outside of this argument: that for the runtime types of interface objects (`await_type`), and that for the
//! value of a context, which the search does not price. No operation is known in which they make a circle; one would end with a coded
//! error, as would a defect of the argument.

use std::collections::BTreeMap;

use braid_graphql::OperationType;
use braid_query_graph::Exhausted;
use braid_supergraph::SubgraphId;

use crate::arena::Arena;
use crate::ask::Defers;
use crate::budget::Spend;
use crate::draft::{AtomId, AtomKind, Draft};

/// Atoms that travel in one request.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) subgraph: SubgraphId,
    /// At least one.
    pub(crate) atoms: Vec<AtomId>,
}

/// Why atoms have no order.
#[derive(Debug)]
pub(crate) enum ScheduleError {
    /// It took more work than is allowed.
    Exhausted,
    /// Atoms wait for one another in a circle; one of them. See the head of this file.
    Circle(AtomId),
}

impl From<Exhausted> for ScheduleError {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// Batches in an order in which each comes after what it waits for.
///
/// The longest chain of inputs gives the number of stages. An atom may run at any stage between its earliest and its latest; it is
/// put off only where another atom for the same subgraph comes later anyway, so that both travel in one request.
pub(crate) fn schedule(
    draft: &mut Draft<'_>,
    kind: OperationType,
    spend: Spend<'_>,
) -> Result<Vec<Batch>, ScheduleError> {
    if kind == OperationType::Mutation {
        chain_roots(draft, spend)?;
    }
    let waits: usize = draft.atoms.iter().map(|(_, atom)| atom.after.len()).sum();
    spend((draft.atoms.len() + waits) as u64 / 16)?;
    let order = topological(draft)?;
    let mut earliest = draft.atoms.map(|_, _| 1_u32);
    for atom in &order {
        let after = draft.atoms[*atom].after.iter().map(|before| earliest[*before] + 1);
        earliest[*atom] = after.max().unwrap_or(1);
    }
    let stages = earliest.iter().map(|(_, stage)| *stage).max().unwrap_or(0);
    let mut latest = draft.atoms.map(|_, _| stages);
    for atom in order.iter().rev() {
        for before in &draft.atoms[*atom].after {
            latest[*before] = latest[*before].min(latest[*atom] - 1);
        }
    }
    Ok(batches(draft, &Stages { earliest, latest, last: stages }, spend)?)
}

/// Between which stages each atom may run.
struct Stages {
    earliest: Arena<AtomId, u32>,
    latest: Arena<AtomId, u32>,
    last: u32,
}

/// Each atom is in a batch: at its latest stage all that it waits for is done, since that has an earlier latest stage.
fn batches(draft: &Draft<'_>, stages: &Stages, spend: Spend<'_>) -> Result<Vec<Batch>, Exhausted> {
    let mut done = draft.atoms.map(|_, _| 0_u32);
    let mut batches: Vec<Batch> = Vec::new();
    let subgraph = |atom: AtomId| draft.visits[draft.atoms[atom].visit].place.subgraph;
    let is_root = |atom: AtomId| matches!(draft.atoms[atom].kind, AtomKind::Root(_));
    // What is deferred travels apart.
    let mut entities_of: BTreeMap<(usize, &Defers), Vec<AtomId>> = BTreeMap::new();
    for atom in draft.atoms.ids().filter(|atom| !is_root(*atom)) {
        entities_of.entry((subgraph(atom).index(), &draft.atoms[atom].defers)).or_default().push(atom);
    }
    let waits: usize = draft.atoms.iter().map(|(_, atom)| atom.after.len()).sum();
    for stage in 1..=stages.last {
        spend((draft.atoms.len() + waits / 16) as u64)?;
        let is_ready = |atom: AtomId, done: &Arena<AtomId, u32>| {
            let is_done = |before: &AtomId| done[*before] != 0 && done[*before] < stage;
            done[atom] == 0 && draft.atoms[atom].after.iter().all(is_done)
        };
        let mut now: Vec<Batch> = Vec::new();
        for atom in draft.atoms.ids().filter(|atom| is_root(*atom)).filter(|atom| is_ready(*atom, &done)) {
            now.push(Batch { subgraph: subgraph(atom), atoms: vec![atom] });
        }
        for all in entities_of.values() {
            let atoms: Vec<AtomId> = all.iter().copied().filter(|atom| is_ready(*atom, &done)).collect();
            let Some(first) = atoms.first() else { continue };
            let must = atoms.iter().any(|atom| stages.latest[*atom] <= stage);
            let comes_later = |other: &AtomId| done[*other] == 0 && stages.earliest[*other] > stage;
            if must || !all.iter().any(comes_later) {
                now.push(Batch { subgraph: subgraph(*first), atoms });
            }
        }
        now.iter().flat_map(|batch| &batch.atoms).for_each(|atom| done[*atom] = stage);
        now.sort_by_key(|batch| batch.atoms[0]);
        batches.append(&mut now);
    }
    Ok(batches)
}

/// A mutation's field starts when everything of the fields before it is done.
fn chain_roots(draft: &mut Draft<'_>, spend: Spend<'_>) -> Result<(), Exhausted> {
    let mut below: BTreeMap<AtomId, Vec<AtomId>> = BTreeMap::new();
    // Nothing waits for what is deferred.
    for atom in draft.atoms.ids().filter(|atom| draft.atoms[*atom].defers.is_empty()) {
        let objects = draft.visits[draft.atoms[atom].visit].objects;
        let mut root = atom;
        for parent in std::iter::once(objects).chain(draft.above(objects).map(|parent| parent.objects)) {
            spend(1)?;
            let is_top = draft.objects[parent].parent.is_none();
            let visit = draft.objects[parent].standing.iter().find_map(|standing| standing.visit);
            root = visit.filter(|_| !is_top).map_or(root, |visit| draft.visits[visit].atom);
        }
        below.entry(root).or_default().push(atom);
    }
    let is_root = |atom: &AtomId| {
        let atom = &draft.atoms[*atom];
        matches!(atom.kind, AtomKind::Root(_)) && draft.objects[draft.visits[atom.visit].objects].parent.is_none()
    };
    let roots: Vec<AtomId> = draft.atoms.ids().filter(is_root).collect();
    for pair in roots.windows(2) {
        let before = below.get(&pair[0]).map(Vec::as_slice).unwrap_or_default();
        draft.atoms[pair[1]].after.extend(before);
    }
    Ok(())
}

fn topological(draft: &Draft<'_>) -> Result<Vec<AtomId>, ScheduleError> {
    let mut waits = draft.atoms.map(|_, atom| atom.after.len());
    let mut dependents = draft.atoms.map(|_, _| Vec::<AtomId>::new());
    for (id, atom) in draft.atoms.iter() {
        atom.after.iter().for_each(|before| dependents[*before].push(id));
    }
    let mut order: Vec<AtomId> = draft.atoms.ids().filter(|atom| waits[*atom] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for dependent in std::mem::take(&mut dependents[order[at]]) {
            waits[dependent] -= 1;
            if waits[dependent] == 0 {
                order.push(dependent);
            }
        }
        at += 1;
    }
    match waits.iter().find(|(_, waits)| **waits > 0) {
        Some((stuck, _)) => Err(ScheduleError::Circle(stuck)),
        None => Ok(order),
    }
}
