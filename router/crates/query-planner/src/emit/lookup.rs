//! Which atoms of a batch look up the same entities in one list. Writes no selections.

use braid_graphql::Name;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::Exhausted;
use braid_query_plan::{Representation, RepresentationField};

use crate::budget::Spend;
use crate::build::merge_fields;
use crate::draft::{AtomId, Draft, ObjectsId, VisitId};
use crate::schedule::Batch;

/// Atoms of the same objects that are looked up together.
pub(super) struct Lookup {
    pub(super) objects: ObjectsId,
    pub(super) atoms: Vec<AtomId>,
    pub(super) guard: TypeSet,
    pub(super) representations: Vec<Representation>,
}

/// All lists of entities that a batch asks for.
pub(super) fn lookups(draft: &Draft<'_>, batch: &Batch, spend: Spend<'_>) -> Result<Vec<Lookup>, Exhausted> {
    let mut lookups: Vec<Lookup> = Vec::new();
    for index in &batch.atoms {
        let atom = &draft.atoms[*index];
        let objects = draft.visits[atom.visit].objects;
        let compared = lookups.iter().filter(|known| known.objects == objects).map(|known| known.work(draft));
        spend(1 + lookups.len() as u64 / 16 + compared.sum::<u64>())?;
        let joined = lookups.iter_mut().find_map(|known| {
            let together = known.with(draft, *index)?;
            Some((known, together))
        });
        match joined {
            Some((known, together)) => {
                known.atoms.push(*index);
                known.guard = known.guard.union(&atom.guard);
                known.representations = together;
            }
            None => lookups.push(Lookup {
                objects,
                atoms: vec![*index],
                guard: atom.guard.clone(),
                representations: atom.representations.clone(),
            }),
        }
    }
    let mut split = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        spend(1 + (lookup.guard.len() as u64 / 16) * lookup.work(draft))?;
        split.extend(lookup.split(draft));
    }
    Ok(split)
}

impl Lookup {
    /// What it takes to compare it with another.
    fn work(&self, draft: &Draft<'_>) -> u64 {
        let asks: usize = self.atoms.iter().map(|atom| draft.visits[draft.atoms[*atom].visit].asks.len()).sum();
        1 + (self.representations.len() + self.atoms.len() + asks / 8) as u64
    }

    /// The visits of its atoms.
    pub(super) fn visits(&self, draft: &Draft<'_>) -> Vec<VisitId> {
        self.atoms.iter().map(|atom| draft.atoms[*atom].visit).collect()
    }

    /// The representations with those of a further atom, if both can be looked up together.
    fn with(&self, draft: &Draft<'_>, index: AtomId) -> Option<Vec<Representation>> {
        let atom = &draft.atoms[index];
        let visit = &draft.visits[atom.visit];
        let first = &draft.atoms[self.atoms[0]];
        let place = draft.visits[first.visit].place;
        if self.objects != visit.objects || place != visit.place || first.contexts != atom.contexts {
            return None;
        }
        let mut visits = self.visits(draft);
        visits.push(atom.visit);
        if place.interface_object.is_some() && draft.ambiguous(&visits).is_some() {
            return None;
        }
        join(&self.representations, &atom.representations)
    }

    /// An interface object does not tell types apart: where a key means different things for them, each is looked up by itself.
    fn split(self, draft: &Draft<'_>) -> Vec<Self> {
        let visits = self.visits(draft);
        let place = draft.visits[visits[0]].place;
        if place.interface_object.is_none() || draft.ambiguous(&visits).is_none() {
            return vec![self];
        }
        let mut parts: Vec<(Vec<bool>, Vec<TypeId>)> = Vec::new();
        for ty in self.guard.iter() {
            let asks = visits.iter().flat_map(|visit| &draft.visits[*visit].asks);
            let asked: Vec<bool> = asks.map(|asked| asked.guard.contains(ty)).collect();
            match parts.iter_mut().find(|(known, _)| *known == asked) {
                Some((_, types)) => types.push(ty),
                None => parts.push((asked, vec![ty])),
            }
        }
        parts.into_iter().map(|(_, types)| self.only_for(types.into_iter().collect())).collect()
    }

    fn only_for(&self, guard: TypeSet) -> Self {
        let representations = self.representations.iter().filter_map(|representation| {
            let guard = representation.guard.intersection(&guard);
            (!guard.is_empty()).then(|| Representation { guard, ..representation.clone() })
        });
        let representations = representations.collect();
        Self { objects: self.objects, atoms: self.atoms.clone(), guard, representations }
    }
}

/// Both lists of representations as one, unless one object would need two different ones.
fn join(known: &[Representation], more: &[Representation]) -> Option<Vec<Representation>> {
    let mut together = known.to_vec();
    for new in more {
        match together.iter().position(|known| known.guard == new.guard && known.typename == new.typename) {
            Some(at) => {
                let same = &mut together[at];
                if clash(&same.fields, &new.fields) || keys(same) != keys(new) {
                    return None;
                }
                merge_fields(&mut same.fields, new.fields.clone());
            }
            None if together.iter().all(|known| known.guard.is_disjoint(&new.guard)) => together.push(new.clone()),
            None => return None,
        }
    }
    Some(together)
}

fn keys(representation: &Representation) -> Vec<(&Name, &Name)> {
    let keys = representation.fields.iter().filter(|field| field.is_key);
    keys.map(|field| (&field.name, &field.key)).collect()
}

/// Whether a field, here or below, is taken from different keys of the tree.
fn clash(a: &[RepresentationField], b: &[RepresentationField]) -> bool {
    let pairs = a.iter().flat_map(|field| b.iter().map(move |other| (field, other)));
    pairs.filter(|(field, other)| field.name == other.name).any(|(field, other)| {
        field.key != other.key || matches!((&field.fields, &other.fields), (Some(a), Some(b)) if clash(a, b))
    })
}
