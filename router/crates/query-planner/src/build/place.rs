//! Puts the chosen fields into visits. Gives no inputs.

use std::rc::Rc;

use braid_graphql::OperationType;
use braid_graphql::operation::Condition;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Exhausted, Place, Requests};
use smallvec::SmallVec;

use super::builder::{Builder, Visits, stage_at};
use crate::ask::{Defers, PositionId};
use crate::choose::Solution;
use crate::draft::{AskedField, AtomKind, Made, ObjectsId, Parent};

/// A part of an entry's runtime types for which the same owners were chosen.
struct Part<'a> {
    entry: usize,
    visits: Visits,
    below: Option<Rc<Solution<'a>>>,
    guard: TypeSet,
    stage: u8,
}

impl<'a> Builder<'_, 'a, '_> {
    /// Puts all that was chosen for the operation into visits.
    pub(super) fn place_all(&mut self, solution: &Rc<Solution<'a>>) -> Result<(), Exhausted> {
        let (objects, asked) = (self.root, self.ask.root);
        match self.kind {
            OperationType::Mutation => self.place_serially(objects, asked, solution),
            OperationType::Query | OperationType::Subscription => self.place(objects, asked, solution),
        }
    }

    /// Puts the chosen fields of objects, and of all below, into visits. Recursive as deep as the operation.
    fn place(&mut self, objects: ObjectsId, asked: PositionId, solution: &Rc<Solution<'a>>) -> Result<(), Exhausted> {
        let ask = self.ask;
        let mut parts: Vec<Part<'a>> = Vec::new();
        self.place_typename(objects, solution, ask.positions[asked].needs_typename.as_ref())?;
        for group in &solution.groups {
            for pick in &group.picks {
                let entry = &ask.positions[asked].entries[pick.entry];
                let visits = pick
                    .owners
                    .iter()
                    .map(|owner| self.visit_of(objects, group.ty, &group.types, *owner, (asked, entry)));
                let visits: Visits = visits.collect::<Result<_, _>>()?;
                self.solver.reach.spend(1 + parts.len() as u64 / 16)?;
                let same = |part: &&mut Part<'a>| {
                    part.entry == pick.entry
                        && part.visits == visits
                        && part.below.as_ref().map(Rc::as_ptr) == pick.below.as_ref().map(Rc::as_ptr)
                };
                match parts.iter_mut().find(same) {
                    Some(part) => part.guard = part.guard.union(&group.types),
                    None => parts.push(Part {
                        entry: pick.entry,
                        visits,
                        below: pick.below.clone(),
                        guard: group.types.clone(),
                        stage: pick.stage,
                    }),
                }
            }
        }
        // In the order of the operation, whatever the groups were.
        parts.sort_by_key(|part| part.entry);
        parts.into_iter().try_for_each(|part| self.place_part(objects, asked, part))
    }

    /// The fields of a mutation in their order: one joins the request of the field before it only where that field
    /// is complete with it, since a field starts when those before it are done.
    fn place_serially(
        &mut self,
        objects: ObjectsId,
        asked: PositionId,
        solution: &Rc<Solution<'a>>,
    ) -> Result<(), Exhausted> {
        let mut last: Option<(Place, bool)> = None;
        for group in &solution.groups {
            for pick in &group.picks {
                // Each has one owner: choices for a mutation are not merged.
                let Some(owner) = pick.owners.first() else { continue };
                let place = self.graph.place(group.ty, *owner);
                if last != Some((place, true)) {
                    let standing = self.draft.objects[objects].standing.iter_mut();
                    standing.filter(|known| known.at.presence.place == place).for_each(|known| known.visit = None);
                }
                let visit = self.visit_at(objects, place, AtomKind::Entity, 0, &group.types, &Defers::new())?;
                let own = Requests::one(0, place.subgraph.index());
                let is_complete = pick.below.as_ref().is_none_or(|below| below.requests.is_within(&own));
                last = Some((place, is_complete));
                let part = Part {
                    entry: pick.entry,
                    visits: SmallVec::from_elem(visit, 1),
                    below: pick.below.clone(),
                    guard: group.types.clone(),
                    stage: pick.stage,
                };
                self.place_part(objects, asked, part)?;
            }
        }
        Ok(())
    }

    fn place_part(&mut self, objects: ObjectsId, asked: PositionId, part: Part<'a>) -> Result<(), Exhausted> {
        let ask = self.ask;
        let entry = &ask.positions[asked].entries[part.entry];
        let name = &self.graph.supergraph().schema.field(entry.field).name;
        let path = self.draft.objects[objects].path;
        self.draft.tree.claim(path, entry.key, name, entry.arguments);
        let mut below = None;
        let mut visits_below = Visits::new();
        if let (Some(solution), Some(asked)) = (&part.below, entry.below) {
            let ty = ask.positions[asked].ty;
            let parent = Parent { objects, key: entry.key.clone(), types: part.guard.clone() };
            let child;
            (child, visits_below) =
                self.add_objects(parent, &entry.condition, ty, &solution.ats, &part.visits, entry.defers.clone());
            below = Some((child, asked, solution.clone()));
        }
        let mut stage = part.stage;
        for (index, visit) in part.visits.iter().enumerate() {
            self.serve(*visit, &entry.defers);
            let atom = &self.draft.atoms[self.draft.visits[*visit].atom];
            if !atom.defers.is_empty() || self.is_reentry(*visit) {
                // The search knows of no further request.
                stage = stage.max(atom.stage);
            }
            let field = AskedField {
                key: entry.key.clone(),
                name: name.clone(),
                field: Some(entry.field),
                arguments: entry.arguments.to_vec(),
                guard: part.guard.clone(),
                condition: entry.condition.clone(),
                below: visits_below.get(index).copied(),
            };
            self.solver.reach.spend(self.draft.ask(*visit, field))?;
        }
        self.draft.objects[objects].made.push(Made {
            name: name.clone(),
            arguments: entry.arguments.to_vec(),
            key: entry.key.clone(),
            guard: part.guard,
            condition: entry.condition.clone(),
            stage,
            visits: part.visits,
            below: below.as_ref().map(|(child, ..)| *child),
        });
        match below {
            Some((child, asked, solution)) => self.place(child, asked, &solution),
            None => Ok(()),
        }
    }

    fn place_typename(
        &mut self,
        objects: ObjectsId,
        solution: &Rc<Solution<'a>>,
        condition: Option<&Condition>,
    ) -> Result<(), Exhausted> {
        let types = self.types(objects)?;
        if let Some(place) = solution.typename {
            // The types are asked of objects that are known as an interface.
            let known_as = self.draft.objects[objects].known_as();
            let stage = match known_as.and_then(|interface| Some((interface, self.graph.node_at(interface, place)?))) {
                Some((interface, node)) => stage_at(&*self.closure(objects, interface)?, node),
                None => 0,
            };
            let defers = self.draft.objects[objects].defers.clone();
            let visit = self.visit_at(objects, place, AtomKind::Entity, stage, &types, &defers)?;
            self.serve(visit, &defers);
            self.ask_typename(objects, visit, &types, condition.cloned().unwrap_or_default())?;
        }
        if condition.is_none() {
            return Ok(());
        }
        let standing = self.draft.objects[objects].standing.iter();
        let regular = standing.filter(|standing| standing.at.presence.place.interface_object.is_none());
        let regular: Vec<_> = regular.filter_map(|standing| standing.visit).collect();
        for visit in regular {
            self.ask_typename(objects, visit, &types, Condition::always())?;
        }
        Ok(())
    }
}
