//! Who is asked for what keys and requirements name, and what that takes. What is priced here is what plans are made of: a plan asks
//! [`Reach::source`] again, with what it has already.

use braid_graphql::operation::{Field, FieldRef, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use smallvec::SmallVec;

use crate::closure::{Closure, Found, Source};
use crate::graph::{Owner, Place};
use crate::reach::{Exhausted, Reach};
use crate::requests::Requests;
use crate::standing::{At, Ats, Presence, presences_of, types_of};

/// What a plan that is being made says of the owners of a field.
pub struct Circumstances<'c> {
    /// Only what is there before this stage counts.
    pub before: u8,
    /// Whether a place is visited anyway.
    pub is_visited: &'c dyn Fn(Place) -> bool,
}

impl Circumstances<'static> {
    /// Nothing is known yet.
    pub const NONE: Self = Self { before: u8::MAX, is_visited: &|_| false };
}

impl<'g> Reach<'g> {
    /// What it takes to have all of a field set for objects of type `ty`, in a state of the search.
    pub fn resolve(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        set: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let mut all = Found::default();
        for field in &set.fields {
            if !self.applies(field, ty) {
                continue;
            }
            self.spend(1)?;
            let found = match field.definition {
                FieldRef::Typename => state.typename().cloned(),
                FieldRef::Field(id) => {
                    let source = self.source(ty, state, id, field.selection_set.as_ref(), &Circumstances::NONE)?;
                    source.map(|source| source.found)
                }
                _ => None,
            };
            let Some(found) = found else { return Ok(None) };
            all.add(&found);
        }
        Ok(Some(all))
    }

    /// Whether a field of a field set is asked of objects of a type.
    pub fn applies(&self, field: &Field, ty: TypeId) -> bool {
        field.guard.contains(ty) || self.graph().supergraph().schema.ty(ty).is_interface()
    }

    /// Who is asked for a field, with what is needed below it: the owner that has it first, preferably one that is visited anyway.
    /// A composite that no owner completes alone is asked of all of them, and the objects are merged by position.
    pub fn source(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        id: FieldId,
        below: Option<&'g SelectionSet>,
        circumstances: &Circumstances<'_>,
    ) -> Result<Option<Source>, Exhausted> {
        let graph = self.graph();
        let mut best: Option<((u8, bool, usize), Source)> = None;
        let mut available: SmallVec<[(Owner, Found); 4]> = SmallVec::new();
        for owner in graph.owners(id, ty) {
            let Some(mut found) = self.available(ty, state, owner) else { continue };
            let stage = found.stage;
            if stage >= circumstances.before {
                continue;
            }
            if let Some(set) = below {
                available.push((owner, found.clone()));
                let at = self.child(ty, owner, state, 0);
                let Some(child) = self.resolve_below(&[at], set)? else { continue };
                found.requests.add_later(&child.requests, stage);
                found.stage = stage.saturating_add(child.stage);
            }
            let is_visited = (circumstances.is_visited)(graph.place(ty, owner));
            let score = (found.stage, !is_visited, found.requests.len());
            if found.is_better_than(None) && best.as_ref().is_none_or(|(known, _)| score < *known) {
                best = Some((score, Source { owners: SmallVec::from_elem(owner, 1), stage, found }));
            }
        }
        match (best, below) {
            (Some((_, source)), _) => Ok(Some(source)),
            (None, Some(set)) if available.len() > 1 => self.source_together(ty, state, &available, set),
            (None, _) => Ok(None),
        }
    }

    fn source_together(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        available: &[(Owner, Found)],
        below: &'g SelectionSet,
    ) -> Result<Option<Source>, Exhausted> {
        let ats: Ats<'g> = available.iter().map(|(owner, found)| self.child(ty, *owner, state, found.stage)).collect();
        let Some(mut found) = self.resolve_below(&ats, below)? else { return Ok(None) };
        available.iter().for_each(|(_, asked)| found.add(asked));
        let stage = available.iter().map(|(_, found)| found.stage).max().unwrap_or(0);
        Ok(Some(Source { owners: available.iter().map(|(owner, _)| *owner).collect(), stage, found }))
    }

    /// What it takes to have all of a field set for the objects that stand there, whatever their runtime types.
    pub fn resolve_below(&mut self, ats: &[At<'g>], set: &'g SelectionSet) -> Result<Option<Found>, Exhausted> {
        let mut all = Found::default();
        for ty in types_of(self.graph(), ats).iter() {
            let presences = presences_of(self.graph(), ats, ty);
            let Some(found) = self.resolve_at(ty, &presences, set)? else { return Ok(None) };
            all.add(&found);
        }
        Ok(Some(all))
    }

    /// The same for objects of one type: where they stand, or after jumps.
    fn resolve_at(
        &mut self,
        ty: TypeId,
        presences: &[Presence<'g>],
        set: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let initial = self.initial(ty, presences)?;
        if let Some(found) = self.resolve(ty, &initial, set)? {
            return Ok(Some(found));
        }
        let closure = self.closure(ty, presences)?;
        self.resolve(ty, &closure, set)
    }

    /// What it takes to be able to ask a field of its owner.
    pub fn available(&self, ty: TypeId, state: &Closure<'g>, owner: Owner) -> Option<Found> {
        let join = self.graph().join(owner);
        let node = state.node(owner.node);
        if !self.is_resolvable(join) {
            let name = &self.graph().supergraph().schema.field(owner.field).name;
            return if node.provided.has(ty, name) { node.found.clone() } else { None };
        }
        if join.requires.is_none() && join.context_arguments.is_empty() {
            return node.found.clone();
        }
        state.required(owner)?.found.clone()
    }

    /// Where the objects of a field stand that is asked of its owner; at `stage`, seen from where the question starts.
    pub fn child(&self, ty: TypeId, owner: Owner, closure: &Closure<'g>, stage: u8) -> At<'g> {
        let graph = self.graph();
        let join = graph.join(owner);
        let returned_as = graph.inner(owner);
        let (place, _) = graph.returned(returned_as, join.subgraph);
        let name = &graph.supergraph().schema.field(owner.field).name;
        let provided = closure.node(owner.node).provided.below(ty, name, join);
        At { presence: Presence { place, stage, provided }, returned_as }
    }
}

impl Requests {
    /// Whether nothing but requests of `other` is in this set.
    pub fn is_within(&self, other: &Self) -> bool {
        other.missing(self, 0) == 0
    }
}
