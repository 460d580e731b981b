//! Fetches apart what can't come with its objects: what is deferred, and what an interface object has under one key for several fields. Chooses no owner.
//!
//! A field that is deferred where its objects are not, and that the search found where the objects stand already, is asked by a
//! visit of its own: the objects are looked up once more by a key, or, for fields of the query root type, there is a further request for them. Where
//! neither is possible the field comes with its objects, and is delivered later all the same.
//!
//! Where an interface object stands, fields of some types can't share a key with other fields of other types, since it knows no types. They are asked by a
//! look-up, which has the types apart.

use braid_graphql::OperationType;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Exhausted, Found, Jump, Owner, Place};

use super::builder::{Builder, Built};
use super::demand::Inputs;
use crate::ask::{Defers, Entry, PositionId};
use crate::draft::{AtomKind, Made, ObjectsId, Visit, VisitId};

impl<'a> Builder<'_, 'a, '_> {
    /// The visit by which an owner is asked for an entry of the operation.
    pub(super) fn visit_of(
        &mut self,
        objects: ObjectsId,
        ty: TypeId,
        types: &TypeSet,
        owner: Owner,
        (asked, entry): (PositionId, &Entry<'_>),
    ) -> Result<VisitId, Exhausted> {
        let own = self.draft.objects[objects].defers.clone();
        let defers = if entry.is_apart { &entry.defers } else { &own };
        let place = self.graph.place(ty, owner);
        if place.interface_object.is_some()
            && self.stands_at(objects, place)
            && self.gives_again(objects, place)
            && self.shares_its_key(asked, entry)?
            && self.is_plain(owner)
            && let Some((_, found)) = self.key_at(objects, ty, place)?
        {
            return self.atom_at(objects, place, AtomKind::Entity, found.stage, types, defers);
        }
        let with_objects = defers.iter().any(|defer| self.draft.objects[objects].defers.contains(defer));
        if !defers.is_empty() && !with_objects {
            let join = self.graph.join(owner);
            let name = &self.graph.supergraph().schema.field(entry.field).name;
            if self.is_plain(owner) && self.stands_at(objects, place) {
                if self.is_query_root(objects) {
                    return self.atom_at(objects, place, AtomKind::Root(OperationType::Query), 0, types, defers);
                }
                if self.reach_again(objects, place)
                    && self.solver.reach.is_resolvable(join)
                    && let Some((jump, found)) = self.key_at(objects, ty, place)?
                    // What is sent with a look-up is there already.
                    && !jump.key.fields.iter().any(|field| field.response_key == *name)
                {
                    return self.atom_at(objects, place, AtomKind::Entity, found.stage, types, defers);
                }
            }
        }
        self.visit_for(objects, ty, types, owner, defers)
    }

    /// Notes what is delivered with the fields of a visit.
    pub(super) fn serve(&mut self, visit: VisitId, defers: &Defers) {
        if !self.ask.in_parts {
            return;
        }
        let serves = &mut self.draft.atoms[self.draft.visits[visit].atom].serves;
        match defers.is_empty() {
            true => drop(serves.insert(None)),
            false => serves.extend(defers.iter().copied().map(Some)),
        }
    }

    /// Whether what needs `inputs` may wait for a field that was asked: what is not deferred must not wait for what is.
    pub(super) fn is_there_for(&self, made: &Made, objects: ObjectsId, inputs: &Inputs) -> bool {
        if !self.ask.in_parts {
            return true;
        }
        made.visits.iter().all(|visit| {
            let defers = &self.draft.atoms[self.draft.visits[*visit].atom].defers;
            let is_delivered_before = || *defers == self.draft.objects[objects].defers && !inputs.defers.is_empty();
            defers.is_empty() || *defers == inputs.defers || is_delivered_before()
        })
    }

    /// How a visit looks up objects where they stand already, if it is such a visit.
    pub(super) fn reentry(&mut self, visit: VisitId, ty: TypeId) -> Built<Option<(&'a Jump, Found)>> {
        let (objects, place) = (self.draft.visits[visit].objects, self.draft.visits[visit].place);
        match self.is_reentry(visit) {
            true => Ok(self.key_at(objects, ty, place)?),
            false => Ok(None),
        }
    }

    /// Whether a visit looks up objects where they stand already.
    pub(super) fn is_reentry(&self, visit: VisitId) -> bool {
        let Visit { objects, place, atom, .. } = self.draft.visits[visit];
        let atom = &self.draft.atoms[atom];
        atom.visit == visit && atom.kind == AtomKind::Entity && self.stands_at(objects, place)
    }

    /// Whether another field has the key of an entry, in objects of other types.
    fn shares_its_key(&mut self, asked: PositionId, entry: &Entry<'_>) -> Result<bool, Exhausted> {
        let entries = &self.ask.positions[asked].entries;
        self.solver.reach.spend(1 + entries.len() as u64 / 16)?;
        let name = |entry: &Entry<'_>| &self.graph.supergraph().schema.field(entry.field).name;
        let differs = |other: &Entry<'_>| name(other) != name(entry) || other.arguments != entry.arguments;
        Ok(entries.iter().any(|other| other.key == entry.key && differs(other)))
    }

    /// Whether an owner needs nothing but the object.
    fn is_plain(&self, owner: Owner) -> bool {
        let join = self.graph.join(owner);
        join.requires.is_none() && join.context_arguments.is_empty()
    }

    /// The best key by which objects are looked up where they stand, made of what is there.
    fn key_at(&mut self, objects: ObjectsId, ty: TypeId, place: Place) -> Result<Option<(&'a Jump, Found)>, Exhausted> {
        let Some(node) = self.graph.node_at(ty, place) else { return Ok(None) };
        let presences = self.presences(objects, ty);
        let initial = self.solver.reach.initial(ty, &presences)?;
        self.solver.reach.reentry(ty, &initial, node)
    }

    fn stands_at(&self, objects: ObjectsId, place: Place) -> bool {
        self.draft.objects[objects].standing.iter().any(|standing| standing.at.presence.place == place)
    }

    /// Whether a look-up gives what is there where the objects stand: what is provided there is not.
    fn reach_again(&self, objects: ObjectsId, place: Place) -> bool {
        place.interface_object.is_none()
            && self.draft.objects[objects].known_as().is_none()
            && self.gives_again(objects, place)
    }

    /// Whether nothing is provided where the objects stand.
    fn gives_again(&self, objects: ObjectsId, place: Place) -> bool {
        let mut standing = self.draft.objects[objects].standing.iter();
        standing.all(|standing| standing.at.presence.place != place || standing.at.presence.provided.is_empty())
    }

    fn is_query_root(&self, objects: ObjectsId) -> bool {
        self.graph.supergraph().schema.query == Some(self.draft.objects[objects].ty)
            && (objects != self.root || self.kind == OperationType::Query)
    }
}
