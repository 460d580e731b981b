//! Makes sure that what a key, a requirement or a context names is in the data tree. Who is asked is what the search has priced
//! ([`braid_query_graph::Reach::source`]); what is in the tree anyway is taken from there.

use std::rc::Rc;

use braid_graphql::Name;
use braid_graphql::operation::{Condition, Field, FieldRef, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Ats, Circumstances, Closure, Place, Source};
use braid_query_plan::RepresentationField;

use super::builder::{Builder, Built, Visits, Why, merge_fields, stage_at};
use crate::ask::Defers;
use crate::draft::{AskedField, AtomId, AtomKind, Draft, Made, ObjectsId, Parent};

/// The inputs of one atom as they come together.
pub(super) struct Inputs {
    pub(super) after: Vec<AtomId>,
    /// The deferred fragments that the atom is fetched for.
    pub(super) defers: Defers,
}

/// Of which objects an input is demanded.
#[derive(Clone, Copy)]
pub(super) struct Demand<'c, 'a> {
    pub(super) objects: ObjectsId,
    pub(super) ty: TypeId,
    pub(super) types: &'c TypeSet,
    pub(super) closure: &'c Closure<'a>,
    pub(super) condition: &'c Condition,
    /// Only what is there before this stage counts.
    pub(super) before: u8,
}

/// A field that is in the tree already and serves as an input.
struct Reused {
    key: Name,
    visits: Visits,
    below: Option<ObjectsId>,
}

impl<'a> Builder<'_, 'a, '_> {
    /// Makes sure that runtime types are known.
    pub(super) fn demand_typename(&mut self, demand: &Demand<'_, 'a>, inputs: &mut Inputs) -> Built<()> {
        let Demand { objects, ty, types, closure, condition, .. } = *demand;
        self.solver.reach.spend(self.draft.objects[objects].made.len() as u64)?;
        let known = self.draft.objects[objects].made.iter().find(|made| {
            made.name == self.typename
                && made.guard.is_superset(types)
                && made.condition.is_implied_by(condition)
                && self.is_there_for(made, objects, inputs)
        });
        if let Some(made) = known {
            inputs.after.extend(made.visits.iter().map(|visit| self.draft.visits[*visit].atom));
            return Ok(());
        }
        let known_as = self.draft.objects[objects].known_as();
        if let Some(interface) = known_as.filter(|interface| *interface != ty) {
            // Where no type is known, it is asked of all.
            let closure = self.closure(objects, interface)?;
            let types = self.types(objects)?;
            return self
                .demand_typename(&Demand { ty: interface, types: &types, closure: &closure, ..*demand }, inputs);
        }
        let node = closure.telling().ok_or_else(|| self.stuck(objects, ty, None, Why::Input))?;
        let place = self.graph.nodes(ty)[node.index()].place;
        let visit = self.visit_at(objects, place, AtomKind::Entity, stage_at(closure, node), types, &inputs.defers)?;
        self.ask_typename(objects, visit, types, condition.clone())?;
        inputs.after.push(self.draft.visits[visit].atom);
        Ok(())
    }

    /// Makes sure that a field set is in the data tree, and says under which keys. What the representation has already, in `fields` or
    /// as `known`, is taken from the same keys.
    pub(super) fn demand_set(
        &mut self,
        demand: &Demand<'_, 'a>,
        set: &'a SelectionSet,
        is_key: bool,
        known: &[RepresentationField],
        fields: &mut Vec<RepresentationField>,
        inputs: &mut Inputs,
    ) -> Built<()> {
        for field in &set.fields {
            if !self.solver.reach.applies(field, demand.ty) {
                continue;
            }
            self.solver.reach.spend(1 + (fields.len() + known.len()) as u64 / 16)?;
            match field.definition {
                FieldRef::Field(id) => {
                    let has = |known: &&RepresentationField| known.name == field.response_key;
                    let has = fields.iter().chain(known).find(has).cloned();
                    let made = self.demand_field(demand, id, field, is_key, has.as_ref(), inputs)?;
                    match fields.iter_mut().find(|known| known.name == made.name && known.key == made.key) {
                        Some(known) => {
                            known.is_key |= made.is_key;
                            if let (Some(known), Some(more)) = (&mut known.fields, made.fields) {
                                merge_fields(known, more);
                            }
                        }
                        None => fields.push(made),
                    }
                }
                FieldRef::Typename => self.demand_typename(demand, inputs)?,
                // A field set is of a type with keys or requirements, which the introspection's types are not.
                // Nor is anything refused in one.
                FieldRef::IntrospectSchema | FieldRef::IntrospectType | FieldRef::Refused(_) => {}
            }
        }
        Ok(())
    }

    fn demand_field(
        &mut self,
        demand: &Demand<'_, 'a>,
        id: FieldId,
        field: &'a Field,
        is_key: bool,
        known: Option<&RepresentationField>,
        inputs: &mut Inputs,
    ) -> Built<RepresentationField> {
        let name = &self.graph.supergraph().schema.field(id).name;
        let known_below = known.and_then(|known| known.fields.as_deref()).unwrap_or_default();
        let from = match self.reusable(demand, name, field, known, inputs)? {
            Some(reused) => reused,
            None => self.ask_field(demand, id, field, known, inputs)?,
        };
        inputs.after.extend(from.visits.iter().map(|visit| self.draft.visits[*visit].atom));
        let fields = match (from.below, &field.selection_set) {
            (Some(below), Some(set)) => Some(self.demand_below(below, set, is_key, known_below, inputs)?),
            _ => None,
        };
        Ok(RepresentationField { name: name.clone(), key: from.key, is_key, guard: None, fields })
    }

    /// The field where it is asked already, in time and for all of the objects.
    fn reusable(
        &mut self,
        demand: &Demand<'_, 'a>,
        name: &Name,
        field: &'a Field,
        known: Option<&RepresentationField>,
        inputs: &Inputs,
    ) -> Built<Option<Reused>> {
        self.solver.reach.spend(self.draft.objects[demand.objects].made.len() as u64)?;
        for index in 0..self.draft.objects[demand.objects].made.len() {
            let made = &self.draft.objects[demand.objects].made[index];
            let fits = made.name == *name
                && made.arguments == field.arguments
                && made.stage < demand.before
                && known.is_none_or(|known| known.key == made.key)
                && made.guard.is_superset(demand.types)
                && made.condition.is_implied_by(demand.condition)
                && self.is_there_for(made, demand.objects, inputs);
            if !fits {
                continue;
            }
            let reused = Reused { key: made.key.clone(), visits: made.visits.clone(), below: made.below };
            if let Some(set) = &field.selection_set {
                let Some(below) = reused.below else { continue };
                let standing = self.draft.objects[below].standing.iter();
                let ats: Ats<'a> = standing.map(|standing| standing.at.clone()).collect();
                if self.solver.reach.resolve_below(&ats, set)?.is_none() {
                    continue;
                }
            }
            return Ok(Some(reused));
        }
        Ok(None)
    }

    /// Asks the field of those that have it first.
    fn ask_field(
        &mut self,
        demand: &Demand<'_, 'a>,
        id: FieldId,
        field: &'a Field,
        known: Option<&RepresentationField>,
        inputs: &Inputs,
    ) -> Built<Reused> {
        let Demand { objects, ty, types, closure, condition, before } = *demand;
        let definition = self.graph.supergraph().schema.field(id);
        let draft = &self.draft;
        let is_visited = |place| is_visited(draft, objects, place);
        let circumstances = Circumstances { before, is_visited: &is_visited };
        let source = self.solver.reach.source(ty, closure, id, field.selection_set.as_ref(), &circumstances)?;
        let Some(Source { owners, stage, .. }) = source else {
            return Err(self.stuck(objects, ty, Some(id), Why::Input));
        };
        let path = self.draft.objects[objects].path;
        let key = match known {
            Some(known) => known.key.clone(),
            None => {
                let (key, work) = self.draft.tree.key_for(path, &definition.name, &field.arguments);
                self.solver.reach.spend(work)?;
                key
            }
        };
        let visits = owners.iter().map(|owner| self.visit_for(objects, ty, types, *owner, &inputs.defers));
        let visits: Visits = visits.collect::<Result<_, _>>()?;
        let mut visits_below = Visits::new();
        let mut below = None;
        if field.selection_set.is_some() {
            let ats: Ats<'a> = owners.iter().map(|owner| self.solver.reach.child(ty, *owner, closure, 0)).collect();
            let parent = Parent { objects, key: key.clone(), types: types.clone() };
            let child;
            (child, visits_below) =
                self.add_objects(parent, condition, definition.inner, &ats, &visits, inputs.defers.clone());
            below = Some(child);
        }
        for (index, visit) in visits.iter().enumerate() {
            let asked = AskedField {
                key: key.clone(),
                name: definition.name.clone(),
                field: Some(id),
                arguments: field.arguments.clone(),
                guard: types.clone(),
                condition: condition.clone(),
                below: visits_below.get(index).copied(),
            };
            self.solver.reach.spend(self.draft.ask(*visit, asked))?;
        }
        self.draft.objects[objects].made.push(Made {
            name: definition.name.clone(),
            arguments: field.arguments.clone(),
            key: key.clone(),
            guard: types.clone(),
            condition: condition.clone(),
            stage,
            visits: visits.clone(),
            below,
        });
        Ok(Reused { key, visits, below })
    }

    /// The same of the objects below, for each of their runtime types.
    fn demand_below(
        &mut self,
        objects: ObjectsId,
        set: &'a SelectionSet,
        is_key: bool,
        known: &[RepresentationField],
        inputs: &mut Inputs,
    ) -> Built<Vec<RepresentationField>> {
        let all_types = self.types(objects)?;
        let always = Condition::always();
        let mut all: Vec<RepresentationField> = Vec::new();
        let is_abstract = self.graph.supergraph().schema.ty(self.draft.objects[objects].ty).is_abstract();
        for ty in all_types.iter() {
            self.solver.reach.spend(1 + all.len() as u64)?;
            let types = TypeSet::one(ty);
            let presences = self.presences(objects, ty);
            let initial = self.solver.reach.initial(ty, &presences)?;
            let is_local = self.solver.reach.resolve(ty, &initial, set)?.is_some();
            let closure = if is_local { Rc::new(initial) } else { self.solver.reach.closure(ty, &presences)? };
            let demand = Demand { objects, ty, types: &types, closure: &closure, condition: &always, before: u8::MAX };
            if is_abstract {
                self.demand_typename(&demand, inputs)?;
            }
            let mut fields = Vec::new();
            self.demand_set(&demand, set, is_key, known, &mut fields, inputs)?;
            for mut field in fields {
                let same = |known: &&mut RepresentationField| {
                    known.name == field.name && known.key == field.key && known.fields == field.fields
                };
                match all.iter_mut().find(same) {
                    Some(known) => known.guard = known.guard.as_ref().map(|guard| guard.union(&types)),
                    None => {
                        field.guard = Some(types.clone());
                        all.push(field);
                    }
                }
            }
        }
        for field in &mut all {
            if field.guard.as_ref().is_some_and(|guard| guard.is_superset(&all_types)) {
                field.guard = None;
            }
        }
        if is_abstract {
            let key = self.typename.clone();
            all.insert(0, RepresentationField { name: key.clone(), key, is_key: false, guard: None, fields: None });
        }
        Ok(all)
    }
}

fn is_visited(draft: &Draft<'_>, objects: ObjectsId, place: Place) -> bool {
    let here = &draft.objects[objects];
    let stands =
        |standing: &crate::draft::Standing<'_>| standing.visit.is_some() && standing.at.presence.place == place;
    here.standing.iter().any(stands)
        || here.atoms.iter().any(|atom| draft.visits[draft.atoms[*atom].visit].place == place)
}
