//! Puts atoms into stages and groups. Changes nothing of what they ask.

use std::collections::BTreeMap;

use braid_graphql::OperationType;
use braid_supergraph::SubgraphId;

use crate::draft::{AtomIx, AtomKind, Draft};

/// Atoms that travel in one request.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) subgraph: SubgraphId,
    pub(crate) atoms: Vec<AtomIx>,
}

/// Atoms wait for one another in a circle; one of them.
#[derive(Debug)]
pub(crate) struct Circle(pub(crate) AtomIx);

/// Batches in an order in which each comes after what it waits for.
///
/// The longest chain of inputs gives the number of stages. An atom may run at any stage between its earliest and its latest; it is
/// put off only where another atom for the same subgraph comes later anyway, so that both travel in one request.
pub(crate) fn schedule(draft: &mut Draft<'_>, kind: OperationType) -> Result<Vec<Batch>, Circle> {
    if kind == OperationType::Mutation {
        chain_roots(draft);
    }
    let order = topological(draft)?;
    let mut earliest = vec![1u32; draft.atoms.len()];
    for atom in &order {
        let after = draft.atoms[*atom].after.iter().map(|before| earliest[*before] + 1);
        earliest[*atom] = after.max().unwrap_or(1);
    }
    let stages = earliest.iter().copied().max().unwrap_or(0);
    let mut latest = vec![stages; draft.atoms.len()];
    for atom in order.iter().rev() {
        for before in &draft.atoms[*atom].after {
            latest[*before] = latest[*before].min(latest[*atom] - 1);
        }
    }
    Ok(batches(draft, &earliest, &latest, stages))
}

fn batches(draft: &Draft<'_>, earliest: &[u32], latest: &[u32], stages: u32) -> Vec<Batch> {
    let mut done = vec![0u32; draft.atoms.len()];
    let mut batches: Vec<Batch> = Vec::new();
    let subgraph = |atom: AtomIx| draft.visits[draft.atoms[atom].visit].place.subgraph;
    let is_root = |atom: AtomIx| matches!(draft.atoms[atom].kind, AtomKind::Root(_));
    for stage in 1..=stages {
        let is_ready = |atom: AtomIx, done: &[u32]| {
            done[atom] == 0 && draft.atoms[atom].after.iter().all(|before| done[*before] != 0 && done[*before] < stage)
        };
        let ready: Vec<AtomIx> = (0..draft.atoms.len()).filter(|atom| is_ready(*atom, &done)).collect();
        let mut entities: BTreeMap<usize, Vec<AtomIx>> = BTreeMap::new();
        let mut first: Vec<(AtomIx, Batch)> = Vec::new();
        for atom in ready {
            if is_root(atom) {
                done[atom] = stage;
                first.push((atom, Batch { subgraph: subgraph(atom), atoms: vec![atom] }));
            } else {
                entities.entry(subgraph(atom).index()).or_default().push(atom);
            }
        }
        for atoms in entities.into_values() {
            let must = atoms.iter().any(|atom| latest[*atom] <= stage);
            let later = (0..draft.atoms.len()).any(|other| {
                done[other] == 0 && !is_root(other) && earliest[other] > stage && subgraph(other) == subgraph(atoms[0])
            });
            if must || !later {
                atoms.iter().for_each(|atom| done[*atom] = stage);
                first.push((atoms[0], Batch { subgraph: subgraph(atoms[0]), atoms }));
            }
        }
        first.sort_by_key(|(atom, _)| *atom);
        batches.extend(first.into_iter().map(|(_, batch)| batch));
    }
    batches
}

/// A mutation's field starts when everything of the fields before it is done.
fn chain_roots(draft: &mut Draft<'_>) {
    let root_of: Vec<AtomIx> = (0..draft.atoms.len())
        .map(|atom| {
            let mut position = draft.visits[draft.atoms[atom].visit].position;
            let mut root = atom;
            while let Some((parent, ..)) = &draft.positions[position].parent {
                let visit = draft.positions[position].ats.iter().find_map(|(_, visit)| *visit);
                root = visit.map_or(root, |visit| draft.visits[visit].atom);
                position = *parent;
            }
            root
        })
        .collect();
    let is_root = |atom: &AtomIx| {
        let atom = &draft.atoms[*atom];
        matches!(atom.kind, AtomKind::Root(_)) && draft.visits[atom.visit].position == 0
    };
    let roots: Vec<AtomIx> = (0..draft.atoms.len()).filter(is_root).collect();
    for pair in roots.windows(2) {
        let before: Vec<AtomIx> = (0..draft.atoms.len()).filter(|atom| root_of[*atom] == pair[0]).collect();
        draft.atoms[pair[1]].after.extend(before);
    }
}

fn topological(draft: &Draft<'_>) -> Result<Vec<AtomIx>, Circle> {
    let mut waits: Vec<usize> = vec![0; draft.atoms.len()];
    let mut dependents: Vec<Vec<AtomIx>> = vec![Vec::new(); draft.atoms.len()];
    for (index, atom) in draft.atoms.iter().enumerate() {
        for before in &atom.after {
            waits[index] += 1;
            dependents[*before].push(index);
        }
    }
    let mut order: Vec<AtomIx> = (0..draft.atoms.len()).filter(|atom| waits[*atom] == 0).collect();
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
    match waits.iter().position(|waits| *waits > 0) {
        Some(stuck) => Err(Circle(stuck)),
        None => Ok(order),
    }
}
