//! Gives each atom its inputs: representations, contexts, and what it waits for. Does not know how a field set is fetched.

use braid_graphql::operation::Condition;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Closure, Found, Jump, Owner};
use braid_query_plan::{Representation, TypenameSource};
use smallvec::SmallVec;

use super::builder::{BuildError, Builder, Built, Why, add_representation};
use super::demand::{Demand, Inputs};
use crate::choose::{Alike, alike};
use crate::draft::{AtomId, AtomKind, ObjectsId, Visit, VisitId};

/// How a visit's objects of one type are looked up.
struct Entry<'a> {
    jump: &'a Jump,
    found: Found,
    /// The owner of the field with requirements.
    required: Option<Owner>,
}

impl<'a> Builder<'_, 'a, '_> {
    /// Makes the inputs of all atoms. Making one can add fields to other visits, and atoms; what such an addition
    /// widens is made again until nothing changes.
    pub(super) fn make_inputs(&mut self) -> Built<()> {
        self.refuse_ambiguous()?;
        loop {
            let mut changed = false;
            let mut index = 0;
            while let Some(atom) = self.draft.atoms.id(index) {
                let visit = self.draft.atoms[atom].visit;
                self.solver.reach.spend(1 + self.draft.visits[visit].asks.len() as u64 / 16)?;
                let condition = self.draft.condition(visit);
                if self.draft.atoms[atom].inputs_for.as_ref() != Some(&condition) {
                    self.draft.atoms[atom].inputs_for = Some(condition.clone());
                    self.make_inputs_of(atom, &condition)?;
                    changed = true;
                }
                index += 1;
            }
            if !changed {
                return Ok(());
            }
        }
    }

    /// An interface object is not asked for fields of some types that share a key with other fields of other types, except where it
    /// is entered for some objects only.
    fn refuse_ambiguous(&mut self) -> Built<()> {
        for (id, visit) in self.draft.visits.iter() {
            let is_entered = self.draft.atoms[visit.atom].visit == id;
            if visit.place.interface_object.is_none() || is_entered {
                continue;
            }
            self.solver.reach.spend(1 + visit.asks.len() as u64 / 16)?;
            if let Some(field) = self.draft.ambiguous(&[id]).and_then(|asked| asked.field) {
                let ty = self.graph.supergraph().schema.field(field).parent;
                return Err(self.stuck(visit.objects, ty, Some(field), Why::Ambiguous(visit.place)));
            }
        }
        Ok(())
    }

    fn make_inputs_of(&mut self, atom: AtomId, condition: &Condition) -> Built<()> {
        let defers = self.draft.atoms[atom].defers.clone();
        let mut inputs = Inputs { after: Vec::new(), defers };
        let visit = self.draft.atoms[atom].visit;
        let objects = self.draft.visits[visit].objects;
        match self.draft.atoms[atom].kind {
            AtomKind::Root(_) => inputs.after = self.met_in(objects),
            AtomKind::Entity => self.look_up(atom, condition, &mut inputs)?,
            AtomKind::Required(_) => {
                self.look_up(atom, condition, &mut inputs)?;
                self.make_contexts(atom, condition, &mut inputs)?;
            }
        }
        self.await_types_above(objects, &mut inputs)?;
        inputs.after.sort_unstable();
        inputs.after.dedup();
        self.draft.atoms[atom].after = inputs.after;
        Ok(())
    }

    /// Below the root, fields of a root type wait for the object that they are met in, not for other roots met there.
    fn met_in(&self, objects: ObjectsId) -> Vec<AtomId> {
        let visits = self.draft.objects[objects].standing.iter().filter_map(|standing| standing.visit);
        let atoms = visits.map(|visit| self.draft.visits[visit].atom);
        let is_above = |atom: &AtomId| self.draft.visits[self.draft.atoms[*atom].visit].objects != objects;
        atoms.filter(is_above).collect()
    }

    fn look_up(&mut self, atom: AtomId, condition: &Condition, inputs: &mut Inputs) -> Built<()> {
        self.draft.atoms[atom].representations = self.representations(atom, condition, inputs)?;
        Ok(())
    }

    fn representations(
        &mut self,
        atom: AtomId,
        condition: &Condition,
        inputs: &mut Inputs,
    ) -> Built<Vec<Representation>> {
        let (visit, guard) = (self.draft.atoms[atom].visit, self.draft.atoms[atom].guard.clone());
        let Visit { objects, place, .. } = self.draft.visits[visit];
        // Where a key means one thing for some types and another for others, an interface object is asked for each by itself.
        let is_for_all = guard.is_superset(&self.types(objects)?)
            && (place.interface_object.is_none() || self.draft.ambiguous(&[visit]).is_none());
        let known_as = self.draft.objects[objects].known_as();
        if let Some(interface) = known_as.filter(|_| is_for_all) {
            let closure = self.closure(objects, interface)?;
            if let Some(entry) = self.entry(visit, interface, &closure)? {
                return Ok(vec![self.representation(visit, &guard, interface, entry, condition, inputs)?]);
            }
        }
        let mut representations: Vec<Representation> = Vec::new();
        for Alike { types, ty } in self.types_alike(visit, &guard)? {
            let closure = self.closure(objects, ty)?;
            let entry = self.entry(visit, ty, &closure)?.ok_or_else(|| self.cannot_enter(visit, ty))?;
            let representation = self.representation(visit, &types, ty, entry, condition, inputs)?;
            self.solver.reach.spend(1 + representations.len() as u64 / 8)?;
            add_representation(&mut representations, representation);
        }
        // Which of them fits, or whether any does, shows when the type is known.
        if !is_for_all || representations.len() > 1 {
            self.await_type(objects, condition, inputs)?;
        }
        Ok(representations)
    }

    /// Waits until the types are known of objects that a subgraph gives as interface objects.
    fn await_type(&mut self, objects: ObjectsId, condition: &Condition, inputs: &mut Inputs) -> Built<()> {
        let known = &self.draft.objects[objects];
        if known.standing.iter().all(|standing| standing.at.presence.place.interface_object.is_none()) {
            return Ok(());
        }
        let known_as = known.known_as();
        let types = self.types(objects)?;
        let ty = known_as.or_else(|| types.iter().next()).unwrap_or(self.draft.objects[objects].ty);
        let closure = self.closure(objects, ty)?;
        let demand = Demand { objects, ty, types: &types, closure: &closure, condition, before: u8::MAX };
        self.demand_typename(&demand, inputs)
    }

    /// Objects below some types only are met when the types are known.
    fn await_types_above(&mut self, objects: ObjectsId, inputs: &mut Inputs) -> Built<()> {
        let mut at = objects;
        while let Some(parent) = self.draft.objects[at].parent.clone() {
            self.solver.reach.spend(1)?;
            if !parent.types.is_empty() && !parent.types.is_superset(&self.types(parent.objects)?) {
                let condition = self.draft.objects[at].condition.clone();
                let condition = condition.beyond(&self.draft.objects[parent.objects].condition);
                self.await_type(parent.objects, &condition, inputs)?;
            }
            at = parent.objects;
        }
        Ok(())
    }

    /// Runtime types of a visit that get their inputs alike.
    fn types_alike(&mut self, visit: VisitId, guard: &TypeSet) -> Built<Vec<Alike>> {
        let objects = &self.draft.objects[self.draft.visits[visit].objects];
        if guard.is_empty() {
            return Ok(vec![Alike { types: TypeSet::empty(), ty: objects.ty }]);
        }
        if let Some(ty) = guard.single() {
            return Ok(vec![Alike { types: guard.clone(), ty }]);
        }
        self.solver.reach.spend((guard.len() * (8 + objects.standing.len() + objects.made.len()) / 8) as u64)?;
        let facts = |ty: TypeId| {
            let mut facts: SmallVec<[u32; 16]> = SmallVec::new();
            facts.push(self.graph.type_class(ty));
            let required = self.required_field(visit, ty).and_then(|id| self.graph.concrete(id, ty));
            facts.push(required.map_or(u32::MAX, |id| self.graph.field_class(id)));
            let stands = objects.standing.iter().map(|standing| standing.at.can_be(self.graph, ty));
            facts.extend(stands.map(u32::from));
            facts.extend(objects.made.iter().map(|made| u32::from(made.guard.contains(ty))));
            facts
        };
        Ok(alike(guard.iter(), facts))
    }

    /// A field that a visit asks of a type, if it is one with requirements. All fields of such a visit require the same.
    pub(super) fn required_field(&self, visit: VisitId, ty: TypeId) -> Option<FieldId> {
        let visit = &self.draft.visits[visit];
        if !matches!(self.draft.atoms[visit.atom].kind, AtomKind::Required(_)) {
            return None;
        }
        let is_object = self.graph.supergraph().schema.ty(ty).is_object();
        let asks = visit.asks.iter().filter(|asked| !is_object || asked.guard.is_empty() || asked.guard.contains(ty));
        asks.filter_map(|asked| asked.field).next()
    }

    /// The jump that the search found for a visit, and the owner of the field that has requirements.
    fn entry(&mut self, visit: VisitId, ty: TypeId, closure: &Closure<'a>) -> Built<Option<Entry<'a>>> {
        if let Some((jump, found)) = self.reentry(visit, ty)? {
            return Ok(Some(Entry { jump, found, required: None }));
        }
        Ok(self.entry_found(visit, ty, closure))
    }

    fn entry_found(&self, visit: VisitId, ty: TypeId, closure: &Closure<'a>) -> Option<Entry<'a>> {
        let Visit { place, atom, .. } = self.draft.visits[visit];
        let node = self.graph.node_at(ty, place)?;
        let jumps = &self.graph.nodes(ty)[node.index()].jumps;
        if !matches!(self.draft.atoms[atom].kind, AtomKind::Required(_)) {
            let reached = closure.node(node);
            let (jump, found) = (jumps.get(reached.jump)?, reached.found.clone()?);
            return Some(Entry { jump, found, required: None });
        }
        let owners = self.graph.owners(self.required_field(visit, ty)?, ty);
        let owner = owners.into_iter().find(|owner| owner.node == node)?;
        let reached = closure.required(owner)?;
        let (jump, found) = (jumps.get(reached.jump)?, reached.found.clone()?);
        Some(Entry { jump, found, required: Some(owner) })
    }

    fn cannot_enter(&self, visit: VisitId, ty: TypeId) -> BuildError {
        let asked = self.draft.visits[visit].asks.iter().find_map(|asked| asked.field);
        self.stuck(self.draft.visits[visit].objects, ty, asked, Why::Input)
    }

    fn representation(
        &mut self,
        visit: VisitId,
        types: &TypeSet,
        ty: TypeId,
        entry: Entry<'a>,
        condition: &Condition,
        inputs: &mut Inputs,
    ) -> Built<Representation> {
        let objects = self.draft.visits[visit].objects;
        let Entry { jump, found, required } = entry;
        let closure = self.closure(objects, ty)?;
        let demand = Demand { objects, ty, types, closure: &closure, condition, before: found.stage };
        let schema = &self.graph.supergraph().schema;
        let typename = if jump.by_interface {
            TypenameSource::Fixed(schema.ty(jump.on).name.clone())
        } else if schema.ty(self.draft.objects[objects].ty).is_object() {
            TypenameSource::Fixed(schema.ty(ty).name.clone())
        } else {
            self.demand_typename(&demand, inputs)?;
            TypenameSource::Runtime
        };
        let mut fields = Vec::new();
        self.demand_set(&demand, &jump.key, true, &[], &mut fields, inputs)?;
        if let Some(requires) = required.and_then(|owner| self.graph.join(owner).requires.as_ref()) {
            self.demand_set(&demand, requires, false, &[], &mut fields, inputs)?;
        }
        Ok(Representation { guard: types.clone(), typename, fields })
    }
}
