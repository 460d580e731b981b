//! How a position is completed from where its objects stand: by runtime types that behave alike. Knows nothing of the owners of a field.

use std::cmp::Reverse;
use std::rc::Rc;

use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{At, Ats, Exhausted, Found, Node, Place, Presence, Presences, Requests, known_as};
use smallvec::SmallVec;

use super::alike::{Alike, alike};
use super::combine::choose;
use super::solution::{Choice, Failure, Group, Pick, Solution, Standing, failure};
use super::solver::{Assumptions, MAX_OWNERS, Solver};
use crate::ask::PositionId;

impl<'a, 'o> Solver<'a, 'o> {
    /// The root of a query: every subgraph with the type can be asked at the first stage.
    pub(crate) fn solve_root(&mut self) -> Result<Rc<Solution<'a>>, Exhausted> {
        let root = self.ask.root;
        let ats = self.root_ats(self.ask.positions[root].ty, 1);
        self.solve(root, ats, Assumptions::default())
    }

    /// The root of a mutation: each field is asked of one subgraph only, and none is weighed against another.
    pub(crate) fn solve_serial_root(&mut self) -> Result<Rc<Solution<'a>>, Exhausted> {
        let ask = self.ask;
        let ty = ask.positions[ask.root].ty;
        let ats = self.root_ats(ty, 1);
        let mut solution = Solution::new(ats);
        let mut picks: Vec<Pick<'a>> = Vec::new();
        let standing = self.standing(ty, &solution.ats)?;
        for index in 0..ask.positions[ask.root].entries.len() {
            let choices = match self.choices(ask.root, index, &standing, &Assumptions::default(), false)? {
                Ok(choices) => choices,
                Err(failure) => {
                    solution.failure.get_or_insert(failure);
                    continue;
                }
            };
            let last = picks.last().and_then(|pick| pick.owners.first()).map(|owner| owner.node);
            let node = |choice: &Choice<'a>| choice.pick.owners.first().map(|owner| owner.node);
            let best = choices
                .into_iter()
                .min_by_key(|choice| (choice.requests.stages(), choice.requests.len(), node(choice) != last));
            if let Some(best) = best {
                solution.requests.add(&best.requests);
                picks.push(best.pick);
            }
        }
        solution.groups.push(Group { types: TypeSet::one(ty), ty, picks, had_choice: false });
        Ok(Rc::new(solution))
    }

    fn root_ats(&self, ty: TypeId, stage: u8) -> Ats<'a> {
        let at = |node: &Node| At {
            presence: Presence { place: node.place, stage, provided: Default::default() },
            returned_as: ty,
        };
        self.graph.nodes(ty).iter().map(at).collect()
    }

    fn is_query_root(&self, ty: TypeId) -> bool {
        self.graph.supergraph().schema.query == Some(ty)
    }

    /// Objects of the query root type can be asked of every subgraph wherever they occur.
    pub(super) fn with_roots(&self, ty: TypeId, mut ats: Ats<'a>) -> Ats<'a> {
        if self.is_query_root(ty) {
            let stage = ats.iter().map(|at| at.presence.stage).min().unwrap_or(0) + 1;
            let more: Ats<'a> = self.root_ats(ty, stage);
            let is_new = |at: &At<'a>| ats.iter().all(|known| known.presence.place != at.presence.place);
            let more: Ats<'a> = more.into_iter().filter(is_new).collect();
            ats.extend(more);
        }
        ats
    }

    /// How `position` is completed when its objects stand at `ats`.
    pub(super) fn solve(
        &mut self,
        position: PositionId,
        ats: Ats<'a>,
        assumed: Assumptions,
    ) -> Result<Rc<Solution<'a>>, Exhausted> {
        self.reach.spend(ats.len() as u64 / 16)?;
        let key = (position, ats, assumed);
        if let Some(known) = self.memo.get(&key) {
            return Ok(known.clone());
        }
        let (_, ats, assumed) = &key;
        let mut solution = Solution::new(ats.clone());
        let groups = self.groups(position, ats, assumed.among.as_ref())?;
        if !self.solve_as_interface(position, &groups, assumed, &mut solution)? {
            self.solve_groups(position, groups, assumed, &mut solution)?;
        }
        if solution.failure.is_none() && ats.len() > 1 {
            solution.failure = self.split_interface_field(position, ats, &solution.groups)?;
        }
        let solution = Rc::new(solution);
        self.memo.insert(key, solution.clone());
        Ok(solution)
    }

    /// Objects whose type no subgraph gives are planned as the interface by which they are known, if that gives all that is asked.
    fn solve_as_interface(
        &mut self,
        position: PositionId,
        groups: &[Alike],
        assumed: &Assumptions,
        solution: &mut Solution<'a>,
    ) -> Result<bool, Exhausted> {
        let is_asked_of_all = self.ask.positions[position].needs_typename.is_none();
        let Some(interface) = known_as(&solution.ats).filter(|_| is_asked_of_all && groups.len() > 1) else {
            return Ok(false);
        };
        let types = groups.iter().fold(TypeSet::empty(), |all, group| all.union(&group.types));
        let ats = solution.ats.clone();
        let solved = self.solve_group(position, Alike { types, ty: interface }, &ats, assumed, &Requests::default())?;
        let is_solved = solved.is_ok();
        if let Ok((group, requests)) = solved {
            solution.add(group, &requests);
        }
        Ok(is_solved)
    }

    fn solve_groups(
        &mut self,
        position: PositionId,
        groups: Vec<Alike>,
        assumed: &Assumptions,
        solution: &mut Solution<'a>,
    ) -> Result<(), Exhausted> {
        let needs_typename = self.ask.positions[position].needs_typename.is_some();
        let mut fixed = Requests::default();
        let mut ats = solution.ats.clone();
        if let Some(interface) = known_as(&ats)
            && (needs_typename || groups.len() > 1)
            && !groups.iter().all(|group| group.types.is_empty())
        {
            match self.telling(position, &ats, interface, &groups)? {
                Some((place, found)) => {
                    let presence = Presence { place, stage: found.stage, provided: Default::default() };
                    ats.push(At { presence, returned_as: interface });
                    solution.typename = Some(place);
                    fixed = found.requests;
                }
                None if needs_typename => {
                    let ty = groups.first().map_or(interface, |group| group.ty);
                    solution.failure = Some(failure(None, ty, &ats));
                    return Ok(());
                }
                None => {}
            }
        }
        for group in groups {
            let here: Ats<'a> = ats.iter().filter(|at| at.can_be(self.graph, group.ty)).cloned().collect();
            match self.solve_group(position, group, &here, assumed, &fixed)? {
                Ok((group, requests)) => solution.add(group, &requests),
                Err(failure) => {
                    solution.failure = Some(failure);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Who is asked for the runtime types of objects that are known as an interface: of those that can tell first, the one that
    /// owns most of what is asked.
    fn telling(
        &mut self,
        position: PositionId,
        ats: &Ats<'a>,
        interface: TypeId,
        groups: &[Alike],
    ) -> Result<Option<(Place, Found)>, Exhausted> {
        let presences: Presences<'a> = ats.iter().map(|at| at.presence.clone()).collect();
        let closure = self.reach.closure(interface, &presences)?;
        let asked = &self.ask.positions[position].entries;
        self.reach.spend((groups.len() * asked.len() * (1 + self.graph.nodes(interface).len() / 8)) as u64)?;
        let is_owned = |place: Place, field: FieldId, ty: TypeId| {
            let mut owners = self.graph.owners(field, ty).into_iter();
            owners.any(|owner| self.graph.place(ty, owner) == place && self.reach.is_resolvable(self.graph.join(owner)))
        };
        let owned = |place: Place| {
            let fields = groups.iter().flat_map(|group| asked.iter().map(move |entry| (entry, group.ty)));
            fields.filter(|(entry, ty)| entry.guard.contains(*ty) && is_owned(place, entry.field, *ty)).count()
        };
        let regular = self.graph.numbered_nodes(interface).filter(|(_, node)| node.place.interface_object.is_none());
        let found = regular.filter_map(|(id, node)| Some((node.place, closure.node(id).found.as_ref()?)));
        let best = found.min_by_key(|(place, found)| (found.stage, found.requests.len(), Reverse(owned(*place))));
        Ok(best.map(|(place, found)| (place, found.clone())))
    }

    /// The runtime types in groups for which everything asked is resolved alike.
    fn groups(
        &mut self,
        position: PositionId,
        ats: &Ats<'a>,
        among: Option<&TypeSet>,
    ) -> Result<Vec<Alike>, Exhausted> {
        let asked = &self.ask.positions[position];
        let schema = &self.graph.supergraph().schema;
        let definition = schema.ty(asked.ty);
        if definition.is_object() {
            return Ok(vec![Alike { types: TypeSet::one(asked.ty), ty: asked.ty }]);
        }
        if definition.possible.is_empty() && definition.is_interface() {
            return Ok(vec![Alike { types: TypeSet::empty(), ty: asked.ty }]);
        }
        let possible: SmallVec<[TypeSet; 2]> = ats.iter().map(|at| at.types(self.graph)).collect();
        // Whether an entry is asked of a type is seen in a fraction of what a unit stands for.
        self.reach.spend((definition.possible.len() * (8 + asked.entries.len()) / 8) as u64)?;
        let can_be_met = |ty: &TypeId| {
            among.is_none_or(|among| among.contains(*ty)) && possible.iter().any(|types| types.contains(*ty))
        };
        let facts = |ty: TypeId| {
            let mut facts: SmallVec<[u32; 16]> = SmallVec::new();
            facts.push(self.graph.type_class(ty));
            facts.extend(possible.iter().map(|types| u32::from(types.contains(ty))));
            for entry in &asked.entries {
                let is_asked = entry.guard.contains(ty);
                let field = is_asked.then(|| self.graph.concrete(entry.field, ty)).flatten();
                let Some(field) = field else {
                    facts.push(u32::MAX - u32::from(is_asked));
                    continue;
                };
                facts.push(self.graph.field_class(field));
                let name = &schema.field(field).name;
                facts.extend(ats.iter().map(|at| u32::from(at.presence.provided.has(ty, name))));
            }
            facts
        };
        Ok(alike(definition.possible.iter().filter(can_be_met), facts))
    }

    fn solve_group(
        &mut self,
        position: PositionId,
        group: Alike,
        ats: &Ats<'a>,
        assumed: &Assumptions,
        fixed: &Requests,
    ) -> Result<Result<(Group<'a>, Requests), Failure>, Exhausted> {
        let Alike { types, ty } = group;
        let ask = self.ask;
        let asked = &ask.positions[position];
        let mut open: Vec<Vec<Choice<'a>>> = Vec::new();
        let mut requests = fixed.clone();
        let mut made: Vec<Choice<'a>> = Vec::new();
        // An interface stands for objects of which everything is asked.
        let is_one_type = !types.is_empty() && self.graph.supergraph().schema.ty(ty).is_object();
        let standing = self.standing(ty, ats)?;
        let popularity = self.popularity(position, ty)?;
        for (index, entry) in asked.entries.iter().enumerate() {
            if is_one_type && !entry.guard.contains(ty) {
                continue;
            }
            let mut choices = match self.choices(position, index, &standing, assumed, true)? {
                Ok(choices) => choices,
                Err(failure) => return Ok(Err(failure)),
            };
            if choices.len() > MAX_OWNERS {
                let places = |choice: &Choice<'a>| {
                    let owned = choice.pick.owners.first().map_or(0, |owner| popularity[owner.node.index()]);
                    (choice.requests.stages(), choice.requests.len(), Reverse(owned))
                };
                choices.sort_by_key(places);
                choices.truncate(MAX_OWNERS);
            }
            if choices.len() == 1 {
                made.extend(choices);
            } else {
                open.push(choices);
            }
        }
        self.reach.spend((open.iter().map(Vec::len).sum::<usize>() + made.len() / 16) as u64)?;
        let had_choice = !open.is_empty();
        let mut all = requests.clone();
        all.add(&assumed.known);
        made.iter().for_each(|choice| all.add(&choice.requests));
        let chosen = choose(&open, &self.demand, &mut all);
        for (mut choices, chosen) in open.into_iter().zip(chosen) {
            made.push(choices.swap_remove(chosen));
        }
        made.sort_by_key(|choice| choice.pick.entry);
        if self.looks_twice && assumed.known.is_empty() {
            self.look_again(position, &standing, assumed, &requests, &mut made)?;
        }
        made.iter().for_each(|choice| requests.add(&choice.requests));
        let picks = made.into_iter().map(|choice| choice.pick).collect();
        Ok(Ok((Group { types, ty, picks, had_choice }, requests)))
    }

    /// Solves what is below each choice again, knowing what the other choices request, and keeps what makes fewer requests.
    fn look_again(
        &mut self,
        position: PositionId,
        standing: &Standing<'_, 'a>,
        assumed: &Assumptions,
        fixed: &Requests,
        made: &mut [Choice<'a>],
    ) -> Result<(), Exhausted> {
        let below = |choice: &Choice<'a>| choice.pick.below.as_ref().is_some_and(|below| below.had_choice);
        let had_choice = made.iter().any(below);
        // Backwards first: what was chosen early was chosen knowing least.
        for index in (0..made.len()).rev().chain(0..made.len()) {
            if made.len() < 2 || !had_choice {
                continue;
            }
            let mut known = fixed.clone();
            made.iter()
                .enumerate()
                .filter(|(other, _)| *other != index)
                .for_each(|(_, other)| known.add(&other.requests));
            let assumed = Assumptions { known: known.clone(), ..assumed.clone() };
            let Ok(choices) = self.choices(position, made[index].pick.entry, standing, &assumed, true)? else {
                continue;
            };
            let cost = |choice: &Choice<'a>| {
                let mut all = known.clone();
                all.add(&choice.requests);
                (all.stages(), all.len(), choice.pick.weight().1)
            };
            let best = choices.into_iter().min_by_key(cost);
            if let Some(best) = best.filter(|best| cost(best) < cost(&made[index])) {
                made[index] = best;
            }
        }
        Ok(())
    }

    /// A field asked of an interface is one question: a subgraph that could answer it for some of the types must not be
    /// mixed with another that could for the rest, because neither's objects can be trusted for the other's types.
    fn split_interface_field(
        &mut self,
        position: PositionId,
        ats: &Ats<'a>,
        groups: &[Group<'a>],
    ) -> Result<Option<Failure>, Exhausted> {
        let ask = self.ask;
        let asked = &ask.positions[position];
        if !self.graph.supergraph().schema.ty(asked.ty).is_abstract() {
            return Ok(None);
        }
        let picks: usize = groups.iter().map(|group| group.picks.len()).sum();
        for (index, entry) in asked.entries.iter().enumerate() {
            self.reach.spend(1 + picks as u64 / 16)?;
            let concerned: Vec<TypeId> = groups
                .iter()
                .filter(|group| group.picks.iter().any(|pick| pick.entry == index))
                .map(|g| g.ty)
                .collect();
            let mut answered = false;
            for at in ats {
                let mut all = true;
                self.reach.spend(concerned.len() as u64)?;
                for ty in &concerned {
                    let closure = self.reach.closure(*ty, std::slice::from_ref(&at.presence))?;
                    let owners = self.graph.owners(entry.field, *ty);
                    all &= owners.iter().any(|owner| self.reach.available(*ty, &closure, *owner).is_some());
                }
                answered |= all;
            }
            if !answered {
                return Ok(concerned.first().map(|ty| failure(Some(entry.field), *ty, ats)));
            }
        }
        Ok(None)
    }
}
