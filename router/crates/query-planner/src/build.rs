//! Turns choices into visits and gives each visit its inputs. Decides no order.

use std::rc::Rc;

use braid_graphql::compiler::ast::{Argument, Value};
use braid_graphql::operation::{Condition, Field, FieldRef, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::{Closure, Exhausted, Found, Owner, Place, Presence, Requests, WayIn};
use braid_query_plan::{ContextValue, Representation, RepresentationField, TypenameSource};
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::ask::{Ask, PositionId, rest};
use crate::draft::{AskedField, Atom, AtomIx, AtomKind, Demands, Draft, Made, Pos, PosIx, Visit, VisitIx};
use crate::solve::{At, Failure, Solution, Solver, known_as};

/// What can go wrong while inputs are made.
pub(crate) enum BuildError {
    Exhausted,
    /// An input that the search found possible could not be made.
    Input(Failure),
}

impl From<Exhausted> for BuildError {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

type Built<T> = Result<T, BuildError>;

/// How good an owner is for an input, the smaller the better: the stage after which it is there, whether it is visited for
/// this alone, the requests, and its place in the order of names.
type Score = (u8, bool, usize, usize);

pub(crate) struct Builder<'s, 'a, 'o> {
    pub(crate) solver: &'s mut Solver<'a, 'o>,
    pub(crate) ask: &'o Ask<'o>,
    pub(crate) draft: Draft<'a>,
    pub(crate) kind: OperationType,
    typename: Name,
    variables: u32,
}

/// A part of an entry's runtime types for which the same owners were chosen.
struct Part<'a> {
    entry: usize,
    visits: SmallVec<[VisitIx; 1]>,
    below: Option<Rc<Solution<'a>>>,
    guard: TypeSet,
    stage: u8,
}

/// The inputs of one atom as they come together.
#[derive(Default)]
struct Inputs {
    after: Vec<AtomIx>,
}

/// For what an input is made.
struct Demand<'c, 'a> {
    position: PosIx,
    ty: TypeId,
    types: &'c TypeSet,
    closure: &'c Closure<'a>,
    condition: &'c Condition,
    /// Only what is there before this stage will do.
    before: u8,
}

/// Builds all visits and their inputs from the root's solution.
pub(crate) fn build<'a, 'o>(
    solver: &mut Solver<'a, 'o>,
    ask: &'o Ask<'o>,
    kind: OperationType,
    solution: &Rc<Solution<'a>>,
) -> Built<Draft<'a>> {
    let typename = braid_graphql::compiler::name!("__typename");
    let mut builder = Builder { solver, ask, draft: Draft::default(), kind, typename, variables: 0 };
    let ats = solution.ats.iter().map(|at| (at.clone(), None)).collect();
    let root = Pos {
        parent: None,
        condition: Condition::always(),
        ty: ask.positions[0].ty,
        ats,
        made: Vec::new(),
        atoms: Vec::new(),
        node: 0,
    };
    builder.draft.positions.push(root);
    builder.place(0, 0, solution);
    builder.make_inputs()?;
    Ok(builder.draft)
}

impl<'a, 'o> Builder<'_, 'a, 'o> {
    /// Puts the chosen fields of a position, and of all below, into visits.
    fn place(&mut self, position: PosIx, asked: PositionId, solution: &Rc<Solution<'a>>) {
        let ask = self.ask;
        if position == 0 && self.kind == OperationType::Mutation {
            return self.place_serially(solution);
        }
        let mut parts: Vec<Part<'a>> = Vec::new();
        self.place_typename(position, solution, ask.positions[asked].needs_typename.as_ref());
        for group in &solution.groups {
            for pick in &group.picks {
                let visits: SmallVec<[VisitIx; 1]> =
                    pick.owners.iter().map(|owner| self.visit_for(position, group.ty, &group.types, *owner)).collect();
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
        for part in parts {
            self.place_part(position, asked, part);
        }
    }

    /// The fields of a mutation in their order: one joins the request of the field before it only where that field
    /// is complete with it, since a field starts when those before it are done.
    fn place_serially(&mut self, solution: &Rc<Solution<'a>>) {
        let mut last: Option<(Place, bool)> = None;
        let Some(group) = solution.groups.first() else { return };
        for pick in &group.picks {
            let Some(owner) = pick.owners.first() else { continue };
            let place = self.solver.graph.places(group.ty)[usize::from(owner.place)].place;
            if last != Some((place, true)) {
                let root = &mut self.draft.positions[0];
                root.ats.iter_mut().filter(|(at, _)| at.presence.place == place).for_each(|at| at.1 = None);
            }
            let visit = self.visit_at(0, place, AtomKind::Entity, &group.types);
            let own = Requests::one(0, place.subgraph.index());
            let is_complete = pick.below.as_ref().is_none_or(|below| own.missing(&below.requests, 0) == 0);
            last = Some((place, is_complete));
            let part = Part {
                entry: pick.entry,
                visits: SmallVec::from_elem(visit, 1),
                below: pick.below.clone(),
                guard: group.types.clone(),
                stage: pick.stage,
            };
            self.place_part(0, 0, part);
        }
    }

    fn place_part(&mut self, position: PosIx, asked: PositionId, part: Part<'a>) {
        let ask = self.ask;
        let entry = &ask.positions[asked].entries[part.entry];
        let schema = &self.solver.graph.supergraph().schema;
        let name = &schema.field(entry.field).name;
        let node = self.draft.positions[position].node;
        self.draft.tree.claim(node, entry.key, name, entry.arguments);
        let mut below = None;
        let mut visits_below: SmallVec<[Option<VisitIx>; 1]> = SmallVec::from_elem(None, part.visits.len());
        if let (Some(solution), Some(asked)) = (&part.below, entry.below) {
            let ty = ask.positions[asked].ty;
            let parent = (position, entry.key.clone(), part.guard.clone());
            let child = self.position(parent, &entry.condition, ty, &solution.ats, &part.visits, &mut visits_below);
            below = Some((child, asked, solution.clone()));
        }
        for (visit, visit_below) in part.visits.iter().zip(&visits_below) {
            let field = AskedField {
                key: entry.key.clone(),
                name: name.clone(),
                field: Some(entry.field),
                arguments: entry.arguments.to_vec(),
                guard: part.guard.clone(),
                condition: entry.condition.clone(),
                below: *visit_below,
            };
            self.draft.ask(*visit, field);
        }
        self.draft.positions[position].made.push(Made {
            name: name.clone(),
            arguments: entry.arguments.to_vec(),
            key: entry.key.clone(),
            guard: part.guard,
            condition: entry.condition.clone(),
            stage: part.stage,
            visits: part.visits,
            below: below.as_ref().map(|(child, ..)| *child),
        });
        if let Some((child, asked, solution)) = below {
            self.place(child, asked, &solution);
        }
    }

    /// A position below `parent` whose objects stand at `ats`; the first of them come from `visits`, the rest are roots.
    fn position(
        &mut self,
        parent: (PosIx, Name, TypeSet),
        condition: &Condition,
        ty: TypeId,
        ats: &[At<'a>],
        visits: &[VisitIx],
        visits_below: &mut [Option<VisitIx>],
    ) -> PosIx {
        let position = self.draft.positions.len();
        let above = &self.draft.positions[parent.0];
        let condition = above.condition.and_all(condition).unwrap_or_default();
        let node = above.node;
        let node = self.draft.tree.below(node, &parent.1);
        let mut with_visits = Vec::with_capacity(ats.len());
        for (index, at) in ats.iter().enumerate() {
            let visit = visits.get(index).map(|visit| {
                let below = self.draft.visits.len();
                let atom = self.draft.visits[*visit].atom;
                self.draft.visits.push(Visit { position, place: at.presence.place, atom, asks: Vec::new() });
                visits_below[index] = Some(below);
                below
            });
            with_visits.push((at.clone(), visit));
        }
        let made = Vec::new();
        let atoms = Vec::new();
        let parent = Some(parent);
        self.draft.positions.push(Pos { parent, condition, ty, ats: with_visits, made, atoms, node });
        position
    }

    fn place_typename(&mut self, position: PosIx, solution: &Rc<Solution<'a>>, condition: Option<&Condition>) {
        let types = self.draft.positions[position].all_types(self.solver);
        if let Some(place) = solution.typename {
            let visit = self.visit_at(position, place, AtomKind::Entity, &types);
            self.ask_typename(position, visit, &types, condition.cloned().unwrap_or_default(), 0);
        }
        if condition.is_none() {
            return;
        }
        let regular: Vec<VisitIx> = self.draft.positions[position]
            .ats
            .iter()
            .filter(|(at, _)| at.presence.place.interface_object.is_none())
            .filter_map(|(_, visit)| *visit)
            .collect();
        for visit in regular {
            self.ask_typename(position, visit, &types, Condition::always(), 0);
        }
    }

    fn ask_typename(&mut self, position: PosIx, visit: VisitIx, types: &TypeSet, condition: Condition, stage: u8) {
        let key = self.typename.clone();
        let field = AskedField {
            key: key.clone(),
            name: key.clone(),
            field: None,
            arguments: Vec::new(),
            guard: types.clone(),
            condition: condition.clone(),
            below: None,
        };
        self.draft.ask(visit, field);
        self.draft.positions[position].made.push(Made {
            name: key.clone(),
            arguments: Vec::new(),
            key,
            guard: types.clone(),
            condition,
            stage,
            visits: SmallVec::from_elem(visit, 1),
            below: None,
        });
    }

    /// The visit by which an owner is asked for a field at a position.
    fn visit_for(&mut self, position: PosIx, ty: TypeId, types: &TypeSet, owner: Owner) -> VisitIx {
        let graph = self.solver.graph;
        let place = graph.places(ty)[usize::from(owner.place)].place;
        let kind = match graph.join(owner, ty) {
            Some(join) if join.requires.is_some() || !join.context_arguments.is_empty() => {
                AtomKind::Required(Demands(join))
            }
            _ => AtomKind::Entity,
        };
        self.visit_at(position, place, kind, types)
    }

    fn visit_at(&mut self, position: PosIx, place: Place, kind: AtomKind<'a>, types: &TypeSet) -> VisitIx {
        if kind == AtomKind::Entity {
            let at = self.draft.positions[position].ats.iter().position(|(at, _)| at.presence.place == place);
            if let Some(at) = at {
                if let Some(visit) = self.draft.positions[position].ats[at].1 {
                    return visit;
                }
                let operation = if position == 0 { self.kind } else { OperationType::Query };
                let visit = self.new_atom(position, place, AtomKind::Root(operation), types);
                self.draft.positions[position].ats[at].1 = Some(visit);
                return visit;
            }
        }
        let known = self.draft.positions[position].atoms.iter().copied().find(|atom| {
            let atom = &self.draft.atoms[*atom];
            self.draft.visits[atom.visit].place == place && atom.kind == kind
        });
        match known {
            Some(atom) => {
                let atom = &mut self.draft.atoms[atom];
                if !atom.guard.is_superset(types) {
                    atom.guard = atom.guard.union(types);
                    // More objects are looked up: their inputs are still to be made.
                    atom.inputs_for = None;
                }
                atom.visit
            }
            None => self.new_atom(position, place, kind, types),
        }
    }

    fn new_atom(&mut self, position: PosIx, place: Place, kind: AtomKind<'a>, types: &TypeSet) -> VisitIx {
        let (visit, atom) = (self.draft.visits.len(), self.draft.atoms.len());
        self.draft.visits.push(Visit { position, place, atom, asks: Vec::new() });
        self.draft.atoms.push(Atom {
            kind,
            visit,
            guard: types.clone(),
            after: Vec::new(),
            representations: Vec::new(),
            contexts: Vec::new(),
            inputs_for: None,
        });
        self.draft.positions[position].atoms.push(atom);
        visit
    }

    /// Makes the inputs of all atoms. Making one can add fields to other visits, and atoms; what such an addition
    /// widens is made again until nothing changes.
    fn make_inputs(&mut self) -> Built<()> {
        self.refuse_ambiguous()?;
        loop {
            let mut changed = false;
            let mut index = 0;
            while index < self.draft.atoms.len() {
                let condition = self.draft.condition(self.draft.atoms[index].visit);
                if self.draft.atoms[index].inputs_for.as_ref() != Some(&condition) {
                    self.draft.atoms[index].inputs_for = Some(condition.clone());
                    self.make_inputs_of(index, &condition)?;
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
    fn refuse_ambiguous(&self) -> Built<()> {
        for (index, visit) in self.draft.visits.iter().enumerate() {
            let is_entered = self.draft.atoms[visit.atom].visit == index;
            if visit.place.interface_object.is_none() || is_entered {
                continue;
            }
            if let Some(field) = self.draft.ambiguous(&[index]).and_then(|asked| asked.field) {
                let ty = self.solver.graph.supergraph().schema.field(field).parent;
                return Err(BuildError::Input(Failure { field, ty, from: SmallVec::from_elem(visit.place, 1) }));
            }
        }
        Ok(())
    }

    fn make_inputs_of(&mut self, atom: AtomIx, condition: &Condition) -> Built<()> {
        let mut inputs = Inputs::default();
        let visit = self.draft.atoms[atom].visit;
        let Visit { position, place, .. } = self.draft.visits[visit];
        match self.draft.atoms[atom].kind {
            AtomKind::Root(_) => {
                let stands = self.draft.positions[position].ats.iter().filter_map(|(_, visit)| *visit);
                // Below the root, it waits for the object that it is met in, not for other roots met there.
                let atoms = stands.map(|visit| self.draft.visits[visit].atom);
                let is_above = |atom: &AtomIx| {
                    let visit = self.draft.atoms[*atom].visit;
                    self.draft.visits[visit].position != position
                };
                inputs.after = atoms.filter(is_above).collect();
            }
            AtomKind::Entity | AtomKind::Required(_) => {
                let representations = self.representations(atom, condition, &mut inputs)?;
                self.draft.atoms[atom].representations = representations;
            }
        }
        if matches!(self.draft.atoms[atom].kind, AtomKind::Required(_)) {
            self.make_contexts(atom, position, place, condition, &mut inputs)?;
        }
        self.await_types_above(position, &mut inputs)?;
        inputs.after.sort_unstable();
        inputs.after.dedup();
        self.draft.atoms[atom].after = inputs.after;
        Ok(())
    }

    fn representations(
        &mut self,
        atom: AtomIx,
        condition: &Condition,
        inputs: &mut Inputs,
    ) -> Built<Vec<Representation>> {
        let Atom { visit, guard, .. } = &self.draft.atoms[atom];
        let (visit, guard) = (*visit, guard.clone());
        let position = self.draft.visits[visit].position;
        let all = self.draft.positions[position].all_types(self.solver);
        let is_for_all = guard.is_superset(&all);
        // Where a key means one thing for some types and another for others, an interface object is asked for each by itself.
        let is_for_all = is_for_all
            && (self.draft.visits[visit].place.interface_object.is_none() || self.draft.ambiguous(&[visit]).is_none());
        let known_as = self.draft.positions[position].known_as();
        if let Some(interface) = known_as.filter(|_| is_for_all)
            && self.is_entered_as(interface, visit)?
        {
            return Ok(vec![self.representation(visit, &guard, interface, condition, inputs)?]);
        }
        let mut representations: Vec<Representation> = Vec::new();
        for (types, ty) in self.classes(visit, &guard) {
            let representation = self.representation(visit, &types, ty, condition, inputs)?;
            add_representation(&mut representations, representation);
        }
        // Which of them fits, or whether any does, shows when the type is known.
        if !is_for_all || representations.len() > 1 {
            self.await_type(position, condition, inputs)?;
        }
        Ok(representations)
    }

    /// Whether the visit's objects can be looked up without knowing their types, by what they are known as.
    fn is_entered_as(&mut self, interface: TypeId, visit: VisitIx) -> Built<bool> {
        let presences = self.presences(self.draft.visits[visit].position, interface);
        let closure = self.solver.reach.closure(interface, &presences)?;
        Ok(self.way_in(visit, interface, &closure).is_ok())
    }

    /// Waits until the types of objects are known that somebody gives as objects of an interface.
    fn await_type(&mut self, position: PosIx, condition: &Condition, inputs: &mut Inputs) -> Built<()> {
        let pos = &self.draft.positions[position];
        if pos.ats.iter().all(|(at, _)| at.presence.place.interface_object.is_none()) {
            return Ok(());
        }
        let types = pos.all_types(self.solver);
        let ty = pos.known_as().or_else(|| types.iter().next()).unwrap_or(pos.ty);
        let presences = self.presences(position, ty);
        let closure = self.solver.reach.closure(ty, &presences)?;
        let demand = Demand { position, ty, types: &types, closure: &closure, condition, before: u8::MAX };
        self.demand_typename(&demand, inputs)
    }

    /// Objects below some types only are met when the types are known.
    fn await_types_above(&mut self, position: PosIx, inputs: &mut Inputs) -> Built<()> {
        let mut at = position;
        while let Some((parent, _, guard)) = self.draft.positions[at].parent.clone() {
            if !guard.is_empty() && !guard.is_superset(&self.draft.positions[parent].all_types(self.solver)) {
                let condition = self.draft.positions[at].condition.clone();
                let condition = rest(&condition, &self.draft.positions[parent].condition);
                self.await_type(parent, &condition, inputs)?;
            }
            at = parent;
        }
        Ok(())
    }

    /// Runtime types of an atom that get their inputs alike.
    fn classes(&self, visit: VisitIx, guard: &TypeSet) -> Vec<(TypeSet, TypeId)> {
        let graph = self.solver.graph;
        let position = self.draft.visits[visit].position;
        if guard.is_empty() {
            return vec![(TypeSet::empty(), self.draft.positions[position].ty)];
        }
        if let Some(ty) = guard.single() {
            return vec![(guard.clone(), ty)];
        }
        let ats = &self.draft.positions[position].ats;
        let mut classes: Vec<(SmallVec<[u32; 16]>, Vec<TypeId>)> = Vec::new();
        for ty in guard.iter() {
            let mut class: SmallVec<[u32; 16]> = SmallVec::new();
            class.push(graph.type_class(ty));
            let required = self.required_field(visit, ty).and_then(|id| graph.concrete(id, ty));
            class.push(required.map_or(u32::MAX, |id| graph.field_class(id)));
            class.extend(ats.iter().map(|(at, _)| u32::from(self.solver.can_be(at, ty))));
            let made = &self.draft.positions[position].made;
            class.extend(made.iter().map(|made| u32::from(made.guard.contains(ty))));
            match classes.iter_mut().find(|(known, _)| *known == class) {
                Some((_, types)) => types.push(ty),
                None => classes.push((class, vec![ty])),
            }
        }
        let set = |(_, types): (_, Vec<TypeId>)| {
            let first = types[0];
            (types.into_iter().collect(), first)
        };
        classes.into_iter().map(set).collect()
    }

    /// A field that a visit asks of a type, if it is one with requirements. All fields of such a visit require the same.
    fn required_field(&self, visit: VisitIx, ty: TypeId) -> Option<FieldId> {
        let visit = &self.draft.visits[visit];
        if !matches!(self.draft.atoms[visit.atom].kind, AtomKind::Required(_)) {
            return None;
        }
        let is_object = self.solver.graph.supergraph().schema.ty(ty).is_object();
        let asks = visit.asks.iter().filter(|asked| !is_object || asked.guard.is_empty() || asked.guard.contains(ty));
        asks.filter_map(|asked| asked.field).next()
    }

    fn presences(&self, position: PosIx, ty: TypeId) -> SmallVec<[Presence<'a>; 1]> {
        let here = self.draft.positions[position].ats.iter().filter(|(at, _)| self.solver.can_be(at, ty));
        here.map(|(at, _)| at.presence.clone()).collect()
    }

    fn representation(
        &mut self,
        visit: VisitIx,
        types: &TypeSet,
        ty: TypeId,
        condition: &Condition,
        inputs: &mut Inputs,
    ) -> Built<Representation> {
        let position = self.draft.visits[visit].position;
        let presences = self.presences(position, ty);
        let closure = self.solver.reach.closure(ty, &presences)?;
        let (way, found, join) = self.way_in(visit, ty, &closure)?;
        let demand = Demand { position, ty, types, closure: &closure, condition, before: found.stage };
        let schema = &self.solver.graph.supergraph().schema;
        let typename = if way.by_interface {
            TypenameSource::Fixed(schema.ty(way.on).name.clone())
        } else if schema.ty(self.draft.positions[position].ty).is_object() {
            TypenameSource::Fixed(schema.ty(ty).name.clone())
        } else {
            self.demand_typename(&demand, inputs)?;
            TypenameSource::Runtime
        };
        let mut fields = Vec::new();
        self.demand_set(&demand, &way.key, true, &[], &mut fields, inputs)?;
        if let Some(requires) = join.and_then(|join| join.requires.as_ref()) {
            self.demand_set(&demand, requires, false, &[], &mut fields, inputs)?;
        }
        Ok(Representation { guard: types.clone(), typename, fields })
    }

    /// The key that the search found for a visit, and the owner's word on the field that has requirements.
    fn way_in(
        &self,
        visit: VisitIx,
        ty: TypeId,
        closure: &Closure<'a>,
    ) -> Built<(&'a WayIn, Found, Option<&'a FieldInSubgraph>)> {
        let graph = self.solver.graph;
        let Visit { position, place, atom, .. } = self.draft.visits[visit];
        let stuck = || BuildError::Input(self.stuck(position, ty));
        let index = graph.place_index(ty, place).ok_or_else(stuck)?;
        let ways = &graph.places(ty)[usize::from(index)].ways_in;
        if !matches!(self.draft.atoms[atom].kind, AtomKind::Required(_)) {
            let node = &closure.nodes[usize::from(index)];
            let found = node.found.clone().ok_or_else(stuck)?;
            return Ok((ways.get(node.way).ok_or_else(stuck)?, found, None));
        }
        let schema = &graph.supergraph().schema;
        let name = self.required_field(visit, ty).map(|id| &schema.field(id).name).ok_or_else(stuck)?;
        let is_it = |owner: Owner| owner.place == index && schema.field(owner.field).name == *name;
        let required = closure.required.iter().find(|required| is_it(required.owner)).ok_or_else(stuck)?;
        let found = required.found.clone().ok_or_else(stuck)?;
        Ok((ways.get(required.way).ok_or_else(stuck)?, found, graph.join(required.owner, ty)))
    }

    fn stuck(&self, position: PosIx, ty: TypeId) -> Failure {
        let pos = &self.draft.positions[position];
        let schema = &self.solver.graph.supergraph().schema;
        let first = schema.ty(ty).fields().and_then(|fields| fields.values().next().copied());
        Failure {
            field: first.unwrap_or(FieldId::new(0)),
            ty,
            from: pos.ats.iter().map(|(at, _)| at.presence.place).collect(),
        }
    }

    fn demand_typename(&mut self, demand: &Demand<'_, 'a>, inputs: &mut Inputs) -> Built<()> {
        let known = self.draft.positions[demand.position].made.iter().find(|made| {
            made.name == self.typename
                && made.guard.is_superset(demand.types)
                && made.condition.is_implied_by(demand.condition)
        });
        if let Some(made) = known {
            let visit = made.visits[0];
            inputs.after.push(self.draft.visits[visit].atom);
            return Ok(());
        }
        let stuck = || BuildError::Input(self.stuck(demand.position, demand.ty));
        let known_as = self.draft.positions[demand.position].known_as();
        if let Some(interface) = known_as.filter(|interface| *interface != demand.ty) {
            // Where no type is known, it is asked of all.
            let presences = self.presences(demand.position, interface);
            let closure = self.solver.reach.closure(interface, &presences)?;
            let types = self.draft.positions[demand.position].all_types(self.solver);
            let demand = Demand { ty: interface, types: &types, closure: &closure, ..*demand };
            return self.demand_typename(&demand, inputs);
        }
        let place = self.solver.best_regular(demand.ty, demand.closure).ok_or_else(stuck)?;
        let place = self.solver.graph.places(demand.ty)[usize::from(place)].place;
        let visit = self.visit_at(demand.position, place, AtomKind::Entity, demand.types);
        self.ask_typename(demand.position, visit, demand.types, demand.condition.clone(), 0);
        inputs.after.push(self.draft.visits[visit].atom);
        Ok(())
    }

    /// Sees to it that a field set is in the data tree, and says under which keys. What the representation has already, in `fields` or
    /// as `known`, is taken from the same keys.
    fn demand_set(
        &mut self,
        demand: &Demand<'_, 'a>,
        set: &'a SelectionSet,
        is_key: bool,
        known: &[RepresentationField],
        fields: &mut Vec<RepresentationField>,
        inputs: &mut Inputs,
    ) -> Built<()> {
        let is_object = self.solver.graph.supergraph().schema.ty(demand.ty).is_object();
        for field in &set.fields {
            if is_object && !field.guard.contains(demand.ty) {
                continue;
            }
            if matches!(field.definition, FieldRef::Typename) {
                self.demand_typename(demand, inputs)?;
                continue;
            }
            let has = |known: &&RepresentationField| known.name == field.response_key;
            let has = fields.iter().chain(known).find(has).cloned();
            let made = self.demand_field(demand, field, is_key, has.as_ref(), inputs)?;
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
        Ok(())
    }

    fn demand_field(
        &mut self,
        demand: &Demand<'_, 'a>,
        field: &'a Field,
        is_key: bool,
        known: Option<&RepresentationField>,
        inputs: &mut Inputs,
    ) -> Built<RepresentationField> {
        let Some(id) = field.definition.id() else {
            return Err(BuildError::Input(self.stuck(demand.position, demand.ty)));
        };
        let name = self.solver.graph.supergraph().schema.field(id).name.clone();
        let representation =
            |key: Name, fields| RepresentationField { name: name.clone(), key, is_key, guard: None, fields };
        let known_below = known.and_then(|known| known.fields.as_deref()).unwrap_or_default();
        for index in 0..self.draft.positions[demand.position].made.len() {
            let made = &self.draft.positions[demand.position].made[index];
            let fits = made.name == name
                && made.arguments == field.arguments
                && made.stage < demand.before
                && known.is_none_or(|known| known.key == made.key)
                && made.guard.is_superset(demand.types)
                && made.condition.is_implied_by(demand.condition);
            if !fits {
                continue;
            }
            let (key, visits, below) = (made.key.clone(), made.visits.clone(), made.below);
            let mut below_fields = None;
            if let Some(set) = &field.selection_set {
                let Some(below) = below else { continue };
                if !self.can_demand_below(below, set)? {
                    continue;
                }
                below_fields = Some(self.demand_below(below, set, is_key, known_below, inputs)?);
            }
            inputs.after.extend(visits.iter().map(|visit| self.draft.visits[*visit].atom));
            return Ok(representation(key, below_fields));
        }
        let (owners, stage) = self.owners_for(demand, id, field)?;
        let node = self.draft.positions[demand.position].node;
        let key = match known {
            Some(known) => known.key.clone(),
            None => self.draft.tree.key_for(node, &name, &field.arguments),
        };
        let visits: SmallVec<[VisitIx; 1]> =
            owners.iter().map(|owner| self.visit_for(demand.position, demand.ty, demand.types, *owner)).collect();
        let mut visits_below: SmallVec<[Option<VisitIx>; 1]> = SmallVec::from_elem(None, visits.len());
        let below = field.selection_set.as_ref().map(|_| {
            let ats: SmallVec<[At<'a>; 1]> = owners.iter().map(|owner| self.at_below(demand, *owner)).collect();
            let ty = self.solver.graph.supergraph().schema.field(id).inner;
            let parent = (demand.position, key.clone(), demand.types.clone());
            self.position(parent, demand.condition, ty, &ats, &visits, &mut visits_below)
        });
        for (visit, below) in visits.iter().zip(&visits_below) {
            let asked = AskedField {
                key: key.clone(),
                name: name.clone(),
                field: Some(id),
                arguments: field.arguments.clone(),
                guard: demand.types.clone(),
                condition: demand.condition.clone(),
                below: *below,
            };
            self.draft.ask(*visit, asked);
        }
        self.draft.positions[demand.position].made.push(Made {
            name: name.clone(),
            arguments: field.arguments.clone(),
            key: key.clone(),
            guard: demand.types.clone(),
            condition: demand.condition.clone(),
            stage,
            visits: visits.clone(),
            below,
        });
        inputs.after.extend(visits.iter().map(|visit| self.draft.visits[*visit].atom));
        let fields = match (below, &field.selection_set) {
            (Some(below), Some(set)) => Some(self.demand_below(below, set, is_key, known_below, inputs)?),
            _ => None,
        };
        Ok(representation(key, fields))
    }

    fn at_below(&self, demand: &Demand<'_, 'a>, owner: Owner) -> At<'a> {
        let graph = self.solver.graph;
        let provided = demand.closure.provided(owner.place);
        let presence = self.solver.reach.child_presence(demand.ty, owner, provided, 0);
        let inner = match graph.join(owner, demand.ty) {
            Some(join) => graph.type_in_subgraph(join, owner.field),
            None => graph.supergraph().schema.field(owner.field).inner,
        };
        At { presence, inner }
    }

    /// Who is asked for an input: whoever has it first, of those preferably one that is visited anyway.
    fn owners_for(
        &mut self,
        demand: &Demand<'_, 'a>,
        id: FieldId,
        field: &'a Field,
    ) -> Built<(SmallVec<[Owner; 1]>, u8)> {
        let graph = self.solver.graph;
        let mut best: Option<(Score, Owner, u8)> = None;
        let mut available: SmallVec<[(Owner, u8); 4]> = SmallVec::new();
        for owner in graph.owners(id, demand.ty) {
            let Some(found) = self.solver.reach.available(demand.ty, demand.closure, owner) else { continue };
            if found.stage >= demand.before {
                continue;
            }
            available.push((owner, found.stage));
            let mut below = Found::default();
            if let Some(set) = &field.selection_set {
                let at = self.at_below(demand, owner);
                let Some(found) = self.resolve_below(&[at], set)? else { continue };
                below = found;
            }
            let place = graph.places(demand.ty)[usize::from(owner.place)].place;
            let visited = self.is_visited(demand.position, place);
            let stage = found.stage + below.stage;
            let score = (stage, !visited, found.requests.len() + below.requests.len(), usize::from(owner.place));
            if best.as_ref().is_none_or(|(known, ..)| score < *known) {
                best = Some((score, owner, found.stage));
            }
        }
        if let Some((_, owner, stage)) = best {
            return Ok((SmallVec::from_elem(owner, 1), stage));
        }
        if field.selection_set.is_some() && available.len() > 1 {
            let stage = available.iter().map(|(_, stage)| *stage).max().unwrap_or(0);
            return Ok((available.into_iter().map(|(owner, _)| owner).collect(), stage));
        }
        Err(BuildError::Input(Failure {
            field: id,
            ty: demand.ty,
            from: self.draft.positions[demand.position].ats.iter().map(|(at, _)| at.presence.place).collect(),
        }))
    }

    fn is_visited(&self, position: PosIx, place: Place) -> bool {
        let pos = &self.draft.positions[position];
        pos.ats.iter().any(|(at, visit)| visit.is_some() && at.presence.place == place)
            || pos.atoms.iter().any(|atom| self.draft.visits[self.draft.atoms[*atom].visit].place == place)
    }

    fn resolve_below(&mut self, ats: &[At<'a>], set: &'a SelectionSet) -> Built<Option<Found>> {
        let mut all = Found::default();
        for ty in types_of(self.solver, ats).iter() {
            let here = ats.iter().filter(|at| self.solver.can_be(at, ty)).map(|at| at.presence.clone());
            let here: SmallVec<[Presence<'a>; 1]> = here.collect();
            let Some(found) = self.solver.reach.resolve_at(ty, &here, set)? else { return Ok(None) };
            all.add(&found);
        }
        Ok(Some(all))
    }

    fn can_demand_below(&mut self, position: PosIx, set: &'a SelectionSet) -> Built<bool> {
        let ats: SmallVec<[At<'a>; 1]> = self.draft.positions[position].ats.iter().map(|(at, _)| at.clone()).collect();
        Ok(self.resolve_below(&ats, set)?.is_some())
    }

    /// The same at the objects below, for each of their runtime types.
    fn demand_below(
        &mut self,
        position: PosIx,
        set: &'a SelectionSet,
        is_key: bool,
        known: &[RepresentationField],
        inputs: &mut Inputs,
    ) -> Built<Vec<RepresentationField>> {
        let types = self.draft.positions[position].all_types(self.solver);
        let always = Condition::always();
        let mut all: Vec<RepresentationField> = Vec::new();
        let is_abstract = self.solver.graph.supergraph().schema.ty(self.draft.positions[position].ty).is_abstract();
        for ty in types.iter() {
            let types = TypeSet::one(ty);
            let presences = self.presences(position, ty);
            let initial = self.solver.reach.initial(ty, &presences);
            let local = self.solver.reach.resolve(ty, &initial, set)?.is_some();
            let closure = if local { Rc::new(initial) } else { self.solver.reach.closure(ty, &presences)? };
            let demand = Demand { position, ty, types: &types, closure: &closure, condition: &always, before: u8::MAX };
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
                    Some(known) => {
                        known.guard = known.guard.as_ref().map(|guard| guard.union(&types));
                    }
                    None => {
                        field.guard = Some(types.clone());
                        all.push(field);
                    }
                }
            }
        }
        for field in &mut all {
            if field.guard.as_ref().is_some_and(|guard| guard.is_superset(&types)) {
                field.guard = None;
            }
        }
        if is_abstract {
            let key = self.typename.clone();
            all.insert(0, RepresentationField { name: key.clone(), key, is_key: false, guard: None, fields: None });
        }
        Ok(all)
    }

    fn make_contexts(
        &mut self,
        atom: AtomIx,
        position: PosIx,
        place: Place,
        condition: &Condition,
        inputs: &mut Inputs,
    ) -> Built<()> {
        let graph = self.solver.graph;
        let schema = &graph.supergraph().schema;
        let Atom { visit, guard, .. } = &self.draft.atoms[atom];
        let Some(ty) = guard.iter().next() else { return Ok(()) };
        let Some(field) = self.required_field(*visit, ty) else { return Ok(()) };
        let Some(id) = graph.concrete(field, place.interface_object.unwrap_or(ty)) else { return Ok(()) };
        // The values do not depend on the condition: once made they stay.
        let made_before = !self.draft.atoms[atom].contexts.is_empty();
        let mut contexts = Vec::new();
        for (number, context) in graph.contexts(id, place.subgraph).iter().enumerate() {
            let mut at = position;
            let found = loop {
                let Some((parent, ..)) = self.draft.positions[at].parent else { break None };
                at = parent;
                let types = self.draft.positions[at].all_types(self.solver);
                let sets = |ty: TypeId, on: TypeId| ty == on || schema.ty(on).possible.contains(ty);
                let fitting: Vec<(TypeId, &'a SelectionSet)> = types
                    .iter()
                    .filter_map(|ty| {
                        let source = context.sources.iter().find(|(on, _)| sets(ty, *on))?;
                        Some((ty, &source.1))
                    })
                    .collect();
                if !fitting.is_empty() {
                    break Some((at, fitting));
                }
            };
            let Some((from, fitting)) = found else {
                return Err(BuildError::Input(Failure { field: id, ty, from: SmallVec::new() }));
            };
            let mut sources = Vec::new();
            for (ty, set) in fitting {
                let types = TypeSet::one(ty);
                let presences = self.presences(from, ty);
                let closure = self.solver.reach.closure(ty, &presences)?;
                let demand =
                    Demand { position: from, ty, types: &types, closure: &closure, condition, before: u8::MAX };
                let mut fields = Vec::new();
                self.demand_set(&demand, set, false, &[], &mut fields, inputs)?;
                if schema.ty(self.draft.positions[from].ty).is_abstract() {
                    self.demand_typename(&demand, inputs)?;
                }
                sources.push((types, path_of(&fields)));
            }
            let variable = if made_before {
                self.draft.atoms[atom].contexts[number].variable.clone()
            } else {
                let name = format!("contextualArgument_{}_{}", self.variables, context.argument);
                self.variables += 1;
                let Ok(variable) = Name::new(&name) else { continue };
                variable
            };
            let depth = self.draft.positions[from].depth(&self.draft);
            contexts.push(ContextValue { variable, ty: context.ty.clone(), depth, sources });
        }
        self.pass_contexts(atom, id, place, &contexts);
        self.draft.atoms[atom].contexts = contexts;
        Ok(())
    }

    /// Passes the variables to the fields of the atom that take them.
    fn pass_contexts(&mut self, atom: AtomIx, id: FieldId, place: Place, contexts: &[ContextValue]) {
        let graph = self.solver.graph;
        let visit = self.draft.atoms[atom].visit;
        for asked in &mut self.draft.visits[visit].asks {
            let Some(field) = asked.field else { continue };
            let names = |id| graph.contexts(id, place.subgraph).iter().map(|context| &context.argument);
            let own = graph.contexts(field, place.subgraph);
            let arguments: Vec<&Name> = if own.is_empty() { names(id).collect() } else { names(field).collect() };
            for (argument, value) in arguments.iter().zip(contexts) {
                if asked.arguments.iter().any(|known| known.name == **argument) {
                    continue;
                }
                let variable = Node::new(Value::Variable(value.variable.clone()));
                asked.arguments.push(Node::new(Argument { name: (*argument).clone(), value: variable }));
            }
        }
    }
}

impl<'a> Pos<'a> {
    /// The interface as which its objects are known where they stand, when nobody there knows their types.
    fn known_as(&self) -> Option<TypeId> {
        known_as(self.ats.iter().map(|(at, _)| at))
    }

    /// The runtime types that objects can have where they stand.
    pub(crate) fn all_types(&self, solver: &Solver<'a, '_>) -> TypeSet {
        let schema = &solver.graph.supergraph().schema;
        if schema.ty(self.ty).is_object() {
            return TypeSet::one(self.ty);
        }
        let possible = self.ats.iter().map(|(at, _)| solver.graph.returned(at.inner, at.presence.place.subgraph).1);
        possible.fold(TypeSet::empty(), |all, types| all.union(&types)).intersection(&schema.ty(self.ty).possible)
    }

    /// How many segments its path has.
    pub(crate) fn depth(&self, draft: &Draft<'a>) -> usize {
        let mut depth = 0;
        let mut at = self;
        while let Some((parent, ..)) = &at.parent {
            depth += 1;
            at = &draft.positions[*parent];
        }
        depth
    }
}

fn types_of<'a>(solver: &Solver<'a, '_>, ats: &[At<'a>]) -> TypeSet {
    let possible = ats.iter().map(|at| {
        let (_, possible) = solver.graph.returned(at.inner, at.presence.place.subgraph);
        if possible.is_empty() && solver.graph.supergraph().schema.ty(at.inner).is_interface() {
            TypeSet::one(at.inner)
        } else {
            possible
        }
    });
    possible.fold(TypeSet::empty(), |all, types| all.union(&types))
}

fn path_of(fields: &[RepresentationField]) -> Vec<Name> {
    let mut path = Vec::new();
    let mut at = fields;
    while let Some(field) = at.iter().find(|field| field.name != "__typename") {
        path.push(field.key.clone());
        at = field.fields.as_deref().unwrap_or_default();
    }
    path
}

fn add_representation(all: &mut Vec<Representation>, new: Representation) {
    let same = |known: &&mut Representation| known.fields == new.fields && known.typename == new.typename;
    match all.iter_mut().find(same) {
        Some(known) => known.guard = known.guard.union(&new.guard),
        None => all.push(new),
    }
}

/// Adds the fields of the same object that another field set names.
pub(crate) fn merge_fields(known: &mut Vec<RepresentationField>, more: Vec<RepresentationField>) {
    for field in more {
        let same = |other: &&mut RepresentationField| {
            other.name == field.name && other.key == field.key && other.guard == field.guard
        };
        match known.iter_mut().find(same) {
            Some(other) => {
                other.is_key |= field.is_key;
                if let (Some(other), Some(more)) = (&mut other.fields, field.fields) {
                    merge_fields(other, more);
                }
            }
            None => known.push(field),
        }
    }
}
