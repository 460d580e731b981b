//! Chooses who resolves what. Makes no fetches: its result says, for each field, at which places it is asked.

use std::cmp::Reverse;
use std::rc::Rc;

use ahash::AHashMap;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Closure, Exhausted, Found, Owner, Place, Presence, QueryGraph, Reach, Requests};
use braid_supergraph::SubgraphId;
use smallvec::SmallVec;

use crate::ask::{Ask, PositionId};

/// Where objects stand, and the type by which the subgraph there returned them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct At<'a> {
    pub(crate) presence: Presence<'a>,
    pub(crate) inner: TypeId,
}

pub(crate) type Ats<'a> = SmallVec<[At<'a>; 1]>;

/// How a position is completed from where its objects stand.
#[derive(Debug)]
pub(crate) struct Solution<'a> {
    pub(crate) ats: Ats<'a>,
    /// The requests that it takes, those of the presences that it uses included.
    pub(crate) requests: Requests,
    /// The runtime types that behave alike are planned as one.
    pub(crate) groups: Vec<Group<'a>>,
    /// Where the runtime types are asked, when the objects stand at interface objects only.
    pub(crate) typename: Option<Place>,
    /// How many fields there are, here and below, and how long they are waited for, in stages, all together.
    pub(crate) fields: u32,
    pub(crate) waiting: u32,
    /// Whether anything could be had in another way, here or below.
    pub(crate) had_choice: bool,
    /// What cannot be had, when something cannot.
    pub(crate) failure: Option<Failure>,
}

impl<'a> Solution<'a> {
    fn new(ats: Ats<'a>) -> Self {
        Self {
            ats,
            requests: Requests::default(),
            groups: Vec::new(),
            typename: None,
            fields: 0,
            waiting: 0,
            had_choice: false,
            failure: None,
        }
    }

    fn add(&mut self, group: Group<'a>, requests: &Requests) {
        self.requests.add(requests);
        self.had_choice |= group.had_choice;
        for pick in &group.picks {
            self.had_choice |= pick.below.as_ref().is_some_and(|below| below.had_choice);
            let (fields, waiting) = pick.weight();
            self.fields = self.fields.saturating_add(fields);
            self.waiting = self.waiting.saturating_add(waiting);
        }
        self.groups.push(group);
    }
}

/// The interface by which objects are known that stand at interface objects only: their runtime types are not known there.
pub(crate) fn known_as<'s, 'a: 's>(ats: impl IntoIterator<Item = &'s At<'a>>) -> Option<TypeId> {
    let mut known_as = None;
    for at in ats {
        known_as = Some(at.presence.place.interface_object?);
    }
    known_as
}

/// Runtime types for which the same is chosen.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) types: TypeSet,
    /// Any of them; the interface itself when it has no implementations.
    pub(crate) ty: TypeId,
    pub(crate) picks: Vec<Pick<'a>>,
    had_choice: bool,
}

/// The choice for one entry.
#[derive(Debug, Clone)]
pub(crate) struct Pick<'a> {
    pub(crate) entry: usize,
    /// Who is asked: one owner, or several whose objects are merged by position.
    pub(crate) owners: SmallVec<[Owner; 1]>,
    /// The stage after which the field is there.
    pub(crate) stage: u8,
    pub(crate) below: Option<Rc<Solution<'a>>>,
}

/// A field that cannot be had.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) field: FieldId,
    pub(crate) ty: TypeId,
    pub(crate) from: SmallVec<[Place; 2]>,
}

/// Objects of one type where they stand, and what is had there without entering anything.
struct Standing<'s, 'a> {
    ty: TypeId,
    ats: &'s Ats<'a>,
    presences: SmallVec<[Presence<'a>; 1]>,
    initial: Closure<'a>,
}

struct Choice<'a> {
    pick: Pick<'a>,
    requests: Requests,
}

impl Pick<'_> {
    /// How many fields there are with those below, and how long they are waited for.
    fn weight(&self) -> (u32, u32) {
        let (fields, waiting) = self.below.as_ref().map_or((0, 0), |below| (below.fields, below.waiting));
        (fields.saturating_add(1), waiting.saturating_add(u32::from(self.stage).saturating_mul(fields + 1)))
    }
}

/// The rest of what a position's solution depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Context {
    /// Of an abstract type, only objects of these types can be met.
    among: Option<TypeSet>,
    /// The subgraphs that could have given the objects, whichever was chosen; kept only where abstract types follow.
    givers: SmallVec<[SubgraphId; 2]>,
    /// On a second look: the requests that others make anyway.
    known: Requests,
}

type Key<'a> = (PositionId, Ats<'a>, Context);
type Available = SmallVec<[(Owner, Found); 4]>;

pub(crate) struct Solver<'a, 'o> {
    pub(crate) reach: Reach<'a>,
    pub(crate) graph: &'a QueryGraph,
    ask: &'o Ask<'o>,
    memo: AHashMap<Key<'a>, Rc<Solution<'a>>>,
    /// How much of the operation each subgraph could give: of equal choices, the one that others are likely to need, too.
    demand: Vec<u32>,
    looks_twice: bool,
}

/// Operations with at most this many fields get a second look: what is below a position is chosen again with the requests
/// known that are made beside it.
const SECOND_LOOK: usize = 48;

/// Of more owners than this, only as many are looked at: those that are there first and own most of what is asked beside and
/// below. The others are turned to where none of these will do.
const MAX_OWNERS: usize = 8;

/// Up to this many combinations of choices at one position are compared with each other; beyond, choices are made one by one.
const MAX_COMBINATIONS: usize = 48;

impl<'a, 'o> Solver<'a, 'o> {
    pub(crate) fn new(reach: Reach<'a>, ask: &'o Ask<'o>) -> Self {
        let demand = demand(reach.graph(), ask);
        let fields: usize = ask.positions.iter().map(|position| position.entries.len()).sum();
        let looks_twice = fields <= SECOND_LOOK;
        Self { graph: reach.graph(), reach, ask, memo: AHashMap::new(), demand, looks_twice }
    }

    /// The root of a query: every subgraph with the type can be asked at the first stage.
    pub(crate) fn solve_root(&mut self) -> Result<Rc<Solution<'a>>, Exhausted> {
        let ty = self.ask.positions[0].ty;
        let ats = self.root_ats(ty, 1);
        self.solve(0, ats, Context::default())
    }

    /// The root of a mutation: each field is asked of one subgraph only, and none is weighed against another.
    pub(crate) fn solve_serial_root(&mut self) -> Result<Rc<Solution<'a>>, Exhausted> {
        let ask = self.ask;
        let ty = ask.positions[0].ty;
        let ats = self.root_ats(ty, 1);
        let mut solution = Solution::new(ats);
        let mut picks: Vec<Pick<'a>> = Vec::new();
        let standing = self.standing(ty, &solution.ats);
        for index in 0..ask.positions[0].entries.len() {
            let choices = match self.choices(0, index, &standing, &Context::default(), false)? {
                Ok(choices) => choices,
                Err(failure) => {
                    solution.failure.get_or_insert(failure);
                    continue;
                }
            };
            let last = picks.last().and_then(|pick| pick.owners.first()).map(|owner| owner.place);
            let place = |choice: &Choice<'a>| choice.pick.owners.first().map(|owner| owner.place);
            let best = choices
                .into_iter()
                .min_by_key(|choice| (choice.requests.stages(), choice.requests.len(), place(choice) != last));
            if let Some(best) = best {
                solution.requests.add(&best.requests);
                picks.push(best.pick);
            }
        }
        solution.groups.push(Group { types: TypeSet::one(ty), ty, picks, had_choice: false });
        Ok(Rc::new(solution))
    }

    fn root_ats(&self, ty: TypeId, stage: u8) -> Ats<'a> {
        let at = |place: &braid_query_graph::PlaceOfType| At {
            presence: Presence { place: place.place, stage, provided: Default::default() },
            inner: ty,
        };
        self.graph.places(ty).iter().map(at).collect()
    }

    fn is_query_root(&self, ty: TypeId) -> bool {
        self.graph.supergraph().schema.query == Some(ty)
    }

    /// Objects of the query root type can be asked of every subgraph wherever they are met.
    fn with_roots(&self, ty: TypeId, mut ats: Ats<'a>) -> Ats<'a> {
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
    fn solve(&mut self, position: PositionId, ats: Ats<'a>, context: Context) -> Result<Rc<Solution<'a>>, Exhausted> {
        let key = (position, ats, context);
        if let Some(known) = self.memo.get(&key) {
            return Ok(known.clone());
        }
        let (_, ats, context) = &key;
        let mut solution = Solution::new(ats.clone());
        let groups = self.groups(position, ats, context.among.as_ref())?;
        if !self.solve_as_interface(position, &groups, context, &mut solution)? {
            self.solve_groups(position, groups, context, &mut solution)?;
        }
        if solution.failure.is_none() && ats.len() > 1 {
            solution.failure = self.split_interface_field(position, ats, &solution.groups)?;
        }
        let solution = Rc::new(solution);
        self.memo.insert(key, solution.clone());
        Ok(solution)
    }

    /// Objects of which nobody says the type are planned as the interface that they are known by, if that gives all that is asked.
    fn solve_as_interface(
        &mut self,
        position: PositionId,
        groups: &[(TypeSet, TypeId)],
        context: &Context,
        solution: &mut Solution<'a>,
    ) -> Result<bool, Exhausted> {
        let is_asked_of_all = self.ask.positions[position].needs_typename.is_none();
        let Some(interface) = known_as(&solution.ats).filter(|_| is_asked_of_all && groups.len() > 1) else {
            return Ok(false);
        };
        let types = groups.iter().fold(TypeSet::empty(), |all, (types, _)| all.union(types));
        let ats = solution.ats.clone();
        let solved = self.solve_group(position, types, interface, &ats, context, &Requests::default())?;
        let is_solved = solved.is_ok();
        if let Ok((group, requests)) = solved {
            solution.add(group, &requests);
        }
        Ok(is_solved)
    }

    fn solve_groups(
        &mut self,
        position: PositionId,
        groups: Vec<(TypeSet, TypeId)>,
        context: &Context,
        solution: &mut Solution<'a>,
    ) -> Result<(), Exhausted> {
        let needs_typename = self.ask.positions[position].needs_typename.is_some();
        let mut fixed = Requests::default();
        let mut ats = solution.ats.clone();
        if let Some(interface) = known_as(&ats)
            && (needs_typename || groups.len() > 1)
            && !groups.iter().all(|(types, _)| types.is_empty())
        {
            match self.telling(position, &ats, interface, &groups)? {
                Some((place, found)) => {
                    let presence = Presence { place, stage: found.stage, provided: Default::default() };
                    ats.push(At { presence, inner: interface });
                    solution.typename = Some(place);
                    fixed = found.requests;
                }
                None if needs_typename => {
                    solution.failure = self.no_typename(position, &ats, &groups);
                    return Ok(());
                }
                None => {}
            }
        }
        for (types, ty) in groups {
            let here: Ats<'a> = ats.iter().filter(|at| self.can_be(at, ty)).cloned().collect();
            match self.solve_group(position, types, ty, &here, context, &fixed)? {
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
        groups: &[(TypeSet, TypeId)],
    ) -> Result<Option<(Place, Found)>, Exhausted> {
        let presences: SmallVec<[Presence<'a>; 1]> = ats.iter().map(|at| at.presence.clone()).collect();
        let closure = self.reach.closure(interface, &presences)?;
        let asked = &self.ask.positions[position].entries;
        let owned = |place: Place| {
            let fields = groups.iter().flat_map(|(_, ty)| asked.iter().map(move |entry| (entry, *ty)));
            let fields = fields.filter(|(entry, ty)| entry.guard.contains(*ty));
            fields
                .filter(|(entry, ty)| {
                    let mut owners = self.graph.owners(entry.field, *ty).into_iter();
                    owners.any(|owner| {
                        let join = self.graph.join(owner, *ty).filter(|join| self.reach.is_resolvable(join));
                        self.graph.places(*ty)[usize::from(owner.place)].place == place && join.is_some()
                    })
                })
                .count()
        };
        let places = self.graph.places(interface).iter().map(|place| place.place).zip(&closure.nodes);
        let regular = places.filter(|(place, _)| place.interface_object.is_none());
        let found = regular.filter_map(|(place, node)| Some((place, node.found.as_ref()?)));
        let best = found.min_by_key(|(place, found)| (found.stage, found.requests.len(), Reverse(owned(*place))));
        Ok(best.map(|(place, found)| (place, found.clone())))
    }

    /// Nobody tells the runtime types: named by the first field that is asked, or else by any.
    fn no_typename(&self, position: PositionId, ats: &Ats<'a>, groups: &[(TypeSet, TypeId)]) -> Option<Failure> {
        let (_, ty) = groups.first()?;
        let asked = self.ask.positions[position].entries.first().map(|entry| entry.field);
        let any = || self.graph.supergraph().schema.ty(*ty).fields()?.values().next().copied();
        Some(failure(asked.or_else(any)?, *ty, ats))
    }

    /// Whether objects that stand there can have this runtime type.
    pub(crate) fn can_be(&self, at: &At<'a>, ty: TypeId) -> bool {
        at.inner == ty || {
            let (_, possible) = self.graph.returned(at.inner, at.presence.place.subgraph);
            possible.contains(ty)
        }
    }

    /// Splits the runtime types into groups for which everything asked is resolved alike.
    fn groups(
        &mut self,
        position: PositionId,
        ats: &Ats<'a>,
        among: Option<&TypeSet>,
    ) -> Result<Vec<(TypeSet, TypeId)>, Exhausted> {
        let asked = &self.ask.positions[position];
        let schema = &self.graph.supergraph().schema;
        let definition = schema.ty(asked.ty);
        if definition.is_object() {
            return Ok(vec![(TypeSet::one(asked.ty), asked.ty)]);
        }
        if definition.possible.is_empty() && definition.is_interface() {
            return Ok(vec![(TypeSet::empty(), asked.ty)]);
        }
        let possible: SmallVec<[TypeSet; 2]> =
            ats.iter().map(|at| self.graph.returned(at.inner, at.presence.place.subgraph).1).collect();
        let mut groups: Vec<(SmallVec<[u32; 16]>, Vec<TypeId>)> = Vec::new();
        self.reach.spend(definition.possible.len() as u64)?;
        for ty in definition.possible.iter().filter(|ty| among.is_none_or(|among| among.contains(*ty))) {
            if !possible.iter().any(|types| types.contains(ty)) {
                continue;
            }
            let mut class: SmallVec<[u32; 16]> = SmallVec::new();
            class.push(self.graph.type_class(ty));
            class.extend(possible.iter().map(|types| u32::from(types.contains(ty))));
            for entry in &asked.entries {
                let is_asked = entry.guard.contains(ty);
                let field = is_asked.then(|| self.graph.concrete(entry.field, ty)).flatten();
                let Some(field) = field else {
                    class.push(u32::MAX - u32::from(is_asked));
                    continue;
                };
                class.push(self.graph.field_class(field));
                let name = &schema.field(field).name;
                class.extend(ats.iter().map(|at| u32::from(at.presence.provided.has(ty, name))));
            }
            match groups.iter_mut().find(|(known, _)| *known == class) {
                Some((_, types)) => types.push(ty),
                None => groups.push((class, vec![ty])),
            }
        }
        let set = |(_, types): (_, Vec<TypeId>)| {
            let first = types[0];
            (types.into_iter().collect(), first)
        };
        Ok(groups.into_iter().map(set).collect())
    }

    fn solve_group(
        &mut self,
        position: PositionId,
        types: TypeSet,
        ty: TypeId,
        ats: &Ats<'a>,
        context: &Context,
        fixed: &Requests,
    ) -> Result<Result<(Group<'a>, Requests), Failure>, Exhausted> {
        let ask = self.ask;
        let asked = &ask.positions[position];
        let mut open: Vec<Vec<Choice<'a>>> = Vec::new();
        let mut requests = fixed.clone();
        let mut made: Vec<Choice<'a>> = Vec::new();
        // An interface stands for objects of which everything is asked.
        let is_one_type = !types.is_empty() && self.graph.supergraph().schema.ty(ty).is_object();
        let standing = self.standing(ty, ats);
        let popularity = self.popularity(position, ty);
        for (index, entry) in asked.entries.iter().enumerate() {
            if is_one_type && !entry.guard.contains(ty) {
                continue;
            }
            let mut choices = match self.choices(position, index, &standing, context, true)? {
                Ok(choices) => choices,
                Err(failure) => return Ok(Err(failure)),
            };
            if choices.len() > MAX_OWNERS {
                let places = |choice: &Choice<'a>| {
                    let owned = choice.pick.owners.first().map_or(0, |owner| popularity[usize::from(owner.place)]);
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
        self.reach.spend(open.len() as u64)?;
        let had_choice = !open.is_empty();
        let mut all = requests.clone();
        all.add(&context.known);
        made.iter().for_each(|choice| all.add(&choice.requests));
        let chosen = choose(&open, &self.demand, &mut all);
        for (mut choices, chosen) in open.into_iter().zip(chosen) {
            made.push(choices.swap_remove(chosen));
        }
        made.sort_by_key(|choice| choice.pick.entry);
        if self.looks_twice && context.known.is_empty() {
            self.look_again(position, &standing, context, &requests, &mut made)?;
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
        context: &Context,
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
            let context = Context { known: known.clone(), ..context.clone() };
            let Ok(choices) = self.choices(position, made[index].pick.entry, standing, &context, true)? else {
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

    /// How many of a position's fields each place of the type owns; not counted where the places are few.
    fn popularity(&self, position: PositionId, ty: TypeId) -> Vec<u16> {
        let mut popularity = vec![0; self.graph.places(ty).len()];
        if popularity.len() > MAX_OWNERS {
            for entry in &self.ask.positions[position].entries {
                for owner in self.graph.owners(entry.field, ty) {
                    popularity[usize::from(owner.place)] += 1;
                }
            }
        }
        popularity
    }

    /// Puts those owners first that are there first and whose subgraphs own most fields below.
    fn sort_by_coverage(&self, ty: TypeId, below: PositionId, available: &mut Available) {
        let child = self.ask.positions[below].ty;
        let children = self.graph.supergraph().schema.ty(child).possible.iter().next().unwrap_or(child);
        let popularity = self.popularity(below, children);
        let places = self.graph.places(children);
        let covered = |owner: &Owner| {
            let subgraph = self.graph.places(ty)[usize::from(owner.place)].place.subgraph;
            let owned = places.iter().zip(&popularity).filter(|(place, _)| place.place.subgraph == subgraph);
            owned.map(|(_, owned)| *owned).max().unwrap_or(0)
        };
        available.sort_by_cached_key(|(owner, found)| {
            (found.stage, found.requests.len(), Reverse(covered(owner)), owner.place)
        });
    }

    /// The first regular place that is reached, where the runtime type is known.
    pub(crate) fn best_regular(&self, ty: TypeId, closure: &Closure<'a>) -> Option<u16> {
        let places = self.graph.places(ty).iter().zip(&closure.nodes).enumerate();
        let regular = places.filter(|(_, (place, _))| place.place.interface_object.is_none());
        let found = regular.filter_map(|(index, (_, node))| Some((index, node.found.as_ref()?)));
        let best = found.min_by_key(|(index, found)| (found.stage, found.requests.len(), *index));
        best.map(|(index, _)| index as u16)
    }

    fn standing<'s>(&self, ty: TypeId, ats: &'s Ats<'a>) -> Standing<'s, 'a> {
        let presences: SmallVec<[Presence<'a>; 1]> = ats.iter().map(|at| at.presence.clone()).collect();
        let initial = self.reach.initial(ty, &presences);
        Standing { ty, ats, presences, initial }
    }

    /// Every way to have an entry that can be completed.
    fn choices(
        &mut self,
        position: PositionId,
        index: usize,
        standing: &Standing<'_, 'a>,
        context: &Context,
        may_merge: bool,
    ) -> Result<Result<Vec<Choice<'a>>, Failure>, Exhausted> {
        let Standing { ty, ats, presences, initial } = standing;
        let ty = *ty;
        let ask = self.ask;
        let entry = &ask.positions[position].entries[index];
        self.reach.spend(1)?;
        let owners = self.graph.owners(entry.field, ty);
        let pick =
            |owner: Owner, stage, below| Pick { entry: index, owners: SmallVec::from_elem(owner, 1), stage, below };
        let Some(below) = entry.below else {
            let mut choices = self.leaf_choices(ty, &owners, initial, &pick);
            if choices.is_empty() {
                let closure = self.reach.closure(ty, presences)?;
                choices = self.leaf_choices(ty, &owners, &closure, &pick);
            }
            return Ok(if choices.is_empty() { Err(failure(entry.field, ty, ats)) } else { Ok(choices) });
        };
        let has_abstract = ask.positions[below].has_abstract;
        if !has_abstract
            && context.known.is_empty()
            && let [at] = ats.as_slice()
        {
            // The cheapest that there is: the subgraph that one is in goes on, and asks nobody else.
            for owner in &owners {
                let Some(found) = self.reach.available(ty, initial, *owner) else { continue };
                let solution = self.solve_below(below, ty, *owner, initial, Context::default())?;
                let alone = Requests::one(0, at.presence.place.subgraph.index());
                if solution.failure.is_none() && alone.missing(&solution.requests, 0) == 0 {
                    let choice = Choice { pick: pick(*owner, found.stage, Some(solution)), requests: found.requests };
                    return Ok(Ok(vec![choice]));
                }
            }
        }
        let closure = self.reach.closure(ty, presences)?;
        let mut available: Available =
            owners.iter().filter_map(|owner| Some((*owner, self.reach.available(ty, &closure, *owner)?))).collect();
        let mut below_context =
            if has_abstract { self.context_below(ty, below, &owners, &available, context) } else { Context::default() };
        let mut choices = Vec::new();
        let mut failed = None;
        if available.len() > MAX_OWNERS {
            self.sort_by_coverage(ty, below, &mut available);
        }
        for (number, (owner, found)) in available.iter().enumerate() {
            if number >= MAX_OWNERS && !choices.is_empty() {
                break;
            }
            below_context.known = context.known.earlier(found.stage);
            let solution = self.solve_below(below, ty, *owner, &closure, below_context.clone())?;
            if let Some(failure) = &solution.failure {
                failed.get_or_insert_with(|| failure.clone());
                continue;
            }
            let mut requests = found.requests.clone();
            requests.add_later(&solution.requests, found.stage);
            choices.push(Choice { pick: pick(*owner, found.stage, Some(solution)), requests });
        }
        if choices.is_empty() && may_merge && available.len() > 1 {
            below_context.known = Requests::default();
            match self.merged_choice(position, index, ty, &available, &closure, &below_context)? {
                Ok(choice) => choices.push(choice),
                Err(failure) => failed = Some(failure),
            }
        }
        Ok(if choices.is_empty() { Err(failed.unwrap_or_else(|| failure(entry.field, ty, ats))) } else { Ok(choices) })
    }

    fn leaf_choices(
        &self,
        ty: TypeId,
        owners: &[Owner],
        closure: &Closure<'a>,
        pick: &impl Fn(Owner, u8, Option<Rc<Solution<'a>>>) -> Pick<'a>,
    ) -> Vec<Choice<'a>> {
        let choice = |owner: &Owner| {
            let found = self.reach.available(ty, closure, *owner)?;
            Some(Choice { pick: pick(*owner, found.stage, None), requests: found.requests })
        };
        owners.iter().filter_map(choice).collect()
    }

    /// Where several subgraphs could give an abstract field, it has only types that all of them know: which of them is
    /// asked must not show. Those that could have given the object above count, too.
    fn context_below(
        &self,
        ty: TypeId,
        below: PositionId,
        owners: &[Owner],
        available: &[(Owner, Found)],
        context: &Context,
    ) -> Context {
        let mut givers: SmallVec<[SubgraphId; 2]> = SmallVec::new();
        let mut common: Option<TypeSet> = None;
        let is_abstract = self.graph.supergraph().schema.ty(self.ask.positions[below].ty).is_abstract();
        for owner in owners {
            let subgraph = self.graph.places(ty)[usize::from(owner.place)].place.subgraph;
            let Some(join) = self.graph.join(*owner, ty) else { continue };
            let could = available.iter().any(|(known, _)| known == owner)
                || (context.givers.contains(&subgraph) && self.reach.is_resolvable(join));
            if !could {
                continue;
            }
            givers.push(subgraph);
            if is_abstract {
                let (_, possible) = self.graph.returned(self.graph.type_in_subgraph(join, owner.field), subgraph);
                common = Some(common.map_or_else(|| possible.clone(), |common| common.intersection(&possible)));
            }
        }
        let among = common.filter(|common| givers.len() > 1 && !common.is_empty());
        givers.sort_unstable();
        Context { among, givers, known: Requests::default() }
    }

    fn child_at(&self, ty: TypeId, owner: Owner, closure: &Closure<'a>, stage: u8) -> At<'a> {
        let presence = self.reach.child_presence(ty, owner, closure.provided(owner.place), stage);
        let inner = match self.graph.join(owner, ty) {
            Some(join) => self.graph.type_in_subgraph(join, owner.field),
            None => self.graph.supergraph().schema.field(owner.field).inner,
        };
        At { presence, inner }
    }

    fn solve_below(
        &mut self,
        below: PositionId,
        ty: TypeId,
        owner: Owner,
        closure: &Closure<'a>,
        context: Context,
    ) -> Result<Rc<Solution<'a>>, Exhausted> {
        let mut ats = Ats::new();
        ats.push(self.child_at(ty, owner, closure, 0));
        let ats = self.with_roots(self.ask.positions[below].ty, ats);
        self.solve(below, ats, context)
    }

    /// A composite that no single subgraph completes is asked of several, and the objects are merged by position.
    fn merged_choice(
        &mut self,
        position: PositionId,
        index: usize,
        ty: TypeId,
        available: &[(Owner, Found)],
        closure: &Closure<'a>,
        context: &Context,
    ) -> Result<Result<Choice<'a>, Failure>, Exhausted> {
        let ask = self.ask;
        let entry = &ask.positions[position].entries[index];
        let Some(below) = entry.below else { return Ok(Err(failure(entry.field, ty, &Ats::new()))) };
        let ats_of = |solver: &Self, of: &[(Owner, Found)]| -> Ats<'a> {
            of.iter().map(|(owner, found)| solver.child_at(ty, *owner, closure, found.stage)).collect()
        };
        let all = ats_of(self, available);
        let solution = self.solve(below, all.clone(), context.clone())?;
        if let Some(failure) = &solution.failure {
            return Ok(Err(failure.clone()));
        }
        // Only those that the solution uses are asked.
        let is_used = |at: &At<'a>| {
            let own = Requests::one(at.presence.stage, at.presence.place.subgraph.index());
            solution.requests.missing(&own, 0) == 0
        };
        let mut used: Available =
            available.iter().zip(&all).filter(|(_, at)| is_used(at)).map(|(one, _)| one.clone()).collect();
        let mut solution = if used.len() == all.len() {
            solution
        } else {
            let fewer = self.solve(below, ats_of(self, &used), context.clone())?;
            if fewer.failure.is_some() {
                used = available.iter().cloned().collect();
                solution
            } else {
                fewer
            }
        };
        // Few of them: one after the other is tried to be left out.
        if used.len() <= 4 {
            let mut at = 0;
            while at < used.len() && used.len() > 1 {
                let mut fewer = used.clone();
                fewer.remove(at);
                let without = self.solve(below, ats_of(self, &fewer), context.clone())?;
                if without.failure.is_none() && without.requests.len() <= solution.requests.len() {
                    (used, solution) = (fewer, without);
                } else {
                    at += 1;
                }
            }
        }
        let mut requests = solution.requests.clone();
        used.iter().for_each(|(_, found)| requests.add(&found.requests));
        let stage = used.iter().map(|(_, found)| found.stage).max().unwrap_or(0);
        let owners = used.iter().map(|(owner, _)| *owner).collect();
        Ok(Ok(Choice { pick: Pick { entry: index, owners, stage, below: Some(solution) }, requests }))
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
        for (index, entry) in asked.entries.iter().enumerate() {
            let concerned: Vec<TypeId> = groups
                .iter()
                .filter(|group| group.picks.iter().any(|pick| pick.entry == index))
                .map(|g| g.ty)
                .collect();
            let mut answered = false;
            for at in ats {
                let mut all = true;
                for ty in &concerned {
                    let closure = self.reach.closure(*ty, std::slice::from_ref(&at.presence))?;
                    let owners = self.graph.owners(entry.field, *ty);
                    all &= owners.iter().any(|owner| self.reach.available(*ty, &closure, *owner).is_some());
                }
                answered |= all;
            }
            if !answered {
                return Ok(concerned.first().map(|ty| failure(entry.field, *ty, ats)));
            }
        }
        Ok(None)
    }
}

fn failure(field: FieldId, ty: TypeId, ats: &[At<'_>]) -> Failure {
    Failure { field, ty, from: ats.iter().map(|at| at.presence.place).collect() }
}

/// Picks one choice of each list so that the requests, together with those already needed, are few.
fn choose(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    let combinations = open.iter().try_fold(1usize, |product, choices| product.checked_mul(choices.len()));
    if combinations.is_some_and(|combinations| combinations <= MAX_COMBINATIONS) {
        choose_exactly(open, demand, requests)
    } else {
        choose_greedily(open, demand, requests)
    }
}

fn demanded(requests: &Requests, demand: &[u32]) -> u32 {
    requests.subgraphs().map(|subgraph| demand.get(subgraph).copied().unwrap_or(0)).sum()
}

/// For each subgraph, how many of the operation's fields it could be asked for; a field counts less the more owners it has.
fn demand(graph: &QueryGraph, ask: &Ask<'_>) -> Vec<u32> {
    let mut demand = vec![0; graph.supergraph().subgraphs.len()];
    for entry in ask.positions.iter().flat_map(|position| &position.entries) {
        let joins = &graph.supergraph().field(entry.field).subgraphs;
        for join in joins.iter().filter(|join| !join.external) {
            demand[join.subgraph.index()] += 60 / joins.len().max(1) as u32;
        }
    }
    demand
}

/// A combination of choices: what it costs, which choice of each list it takes, and all requests.
type Combination = ((u8, usize, u64, Reverse<u32>), Vec<usize>, Requests);

/// Compares all combinations.
fn choose_exactly(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    let mut best: Option<Combination> = None;
    let mut current = vec![0; open.len()];
    loop {
        let mut all = requests.clone();
        // Of equally many requests, those are better in which fields are there earlier.
        let mut waiting = 0;
        for (choices, at) in open.iter().zip(&current) {
            all.add(&choices[*at].requests);
            waiting += u64::from(choices[*at].pick.weight().1);
        }
        let score = (all.stages(), all.len(), waiting, Reverse(demanded(&all, demand)));
        if best.as_ref().is_none_or(|(known, ..)| score < *known) {
            best = Some((score, current.clone(), all));
        }
        let Some(digit) = (0..open.len()).rev().find(|digit| current[*digit] + 1 < open[*digit].len()) else { break };
        current[digit] += 1;
        current[digit + 1..].fill(0);
    }
    let Some((_, chosen, all)) = best else { return Vec::new() };
    *requests = all;
    chosen
}

/// Chooses from one list after the other, and once more with the rest known where the lists are few.
fn choose_greedily(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    const LOOK_AGAIN: usize = 12;
    let fixed = requests.clone();
    let mut chosen: Vec<Option<usize>> = vec![None; open.len()];
    let mut order: Vec<usize> = (0..open.len()).collect();
    order.sort_by_key(|list| open[*list].len());
    let mut all = fixed.clone();
    let rounds = if open.len() > LOOK_AGAIN { 1 } else { 2 };
    for round in 0..rounds {
        for list in &order {
            if round == 1 {
                all = fixed.clone();
                for (other, at) in chosen.iter().enumerate().filter(|(other, _)| other != list) {
                    at.iter().for_each(|at| all.add(&open[other][*at].requests));
                }
            }
            let cost = |choice: &Choice<'_>| {
                let stages = all.stages().max(choice.requests.stages());
                (
                    stages,
                    all.missing(&choice.requests, 0),
                    choice.pick.weight().1,
                    Reverse(demanded(&choice.requests, demand)),
                )
            };
            let best = (0..open[*list].len()).min_by_key(|at| (cost(&open[*list][*at]), *at)).unwrap_or(0);
            chosen[*list] = Some(best);
            all.add(&open[*list][best].requests);
        }
    }
    *requests = all;
    chosen.into_iter().map(|at| at.unwrap_or(0)).collect()
}
