//! Who can be asked for a field, with what is chosen below it. Knows nothing of the fields beside it.

use std::cmp::Reverse;
use std::rc::Rc;

use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{At, Ats, Closure, Exhausted, Found, Owner, Requests};
use braid_supergraph::SubgraphId;
use smallvec::SmallVec;

use super::solution::{Choice, Failure, Pick, Solution, Standing, failure};
use super::solver::{Assumptions, Available, MAX_OWNERS, Solver};
use crate::ask::PositionId;

impl<'a> Solver<'a, '_> {
    /// Every way to have an entry that can be completed.
    pub(super) fn choices(
        &mut self,
        position: PositionId,
        index: usize,
        standing: &Standing<'_, 'a>,
        assumed: &Assumptions,
        may_merge: bool,
    ) -> Result<Result<Vec<Choice<'a>>, Failure>, Exhausted> {
        let Standing { ty, ats, presences, initial } = standing;
        let ty = *ty;
        let ask = self.ask;
        let entry = &ask.positions[position].entries[index];
        let owners = self.graph.owners(entry.field, ty);
        self.reach.spend(1 + owners.len() as u64)?;
        let pick =
            |owner: Owner, stage, below| Pick { entry: index, owners: SmallVec::from_elem(owner, 1), stage, below };
        let Some(below) = entry.below else {
            let mut choices = self.leaf_choices(ty, &owners, initial, &pick);
            if choices.is_empty() {
                let closure = self.reach.closure(ty, presences)?;
                choices = self.leaf_choices(ty, &owners, &closure, &pick);
            }
            return Ok(if choices.is_empty() { Err(failure(Some(entry.field), ty, ats)) } else { Ok(choices) });
        };
        let has_abstract = ask.positions[below].has_abstract;
        if !has_abstract
            && assumed.known.is_empty()
            && let [at] = ats.as_slice()
        {
            // The cheapest case: the subgraph where the objects are completes them alone.
            for owner in &owners {
                let Some(found) = self.reach.available(ty, initial, *owner) else { continue };
                let solution = self.solve_below(below, ty, *owner, initial, Assumptions::default())?;
                let alone = Requests::one(0, at.presence.place.subgraph.index());
                if solution.failure.is_none() && solution.requests.is_within(&alone) {
                    let choice = Choice { pick: pick(*owner, found.stage, Some(solution)), requests: found.requests };
                    return Ok(Ok(vec![choice]));
                }
            }
        }
        let closure = self.reach.closure(ty, presences)?;
        let mut available: Available =
            owners.iter().filter_map(|owner| Some((*owner, self.reach.available(ty, &closure, *owner)?))).collect();
        let mut below_assumed = if has_abstract {
            self.assumptions_below(below, &owners, &available, assumed)?
        } else {
            Assumptions::default()
        };
        let mut choices = Vec::new();
        let mut failed = None;
        if available.len() > MAX_OWNERS {
            self.sort_by_coverage(ty, below, &mut available)?;
        }
        for (number, (owner, found)) in available.iter().enumerate() {
            if number >= MAX_OWNERS && !choices.is_empty() {
                break;
            }
            below_assumed.known = assumed.known.earlier(found.stage);
            let solution = self.solve_below(below, ty, *owner, &closure, below_assumed.clone())?;
            if let Some(failure) = &solution.failure {
                failed.get_or_insert_with(|| failure.clone());
                continue;
            }
            let mut requests = found.requests.clone();
            requests.add_later(&solution.requests, found.stage);
            choices.push(Choice { pick: pick(*owner, found.stage, Some(solution)), requests });
        }
        if choices.is_empty() && may_merge && available.len() > 1 {
            below_assumed.known = Requests::default();
            match self.merged_choice(index, below, ty, &available, &closure, &below_assumed)? {
                Ok(choice) => choices.push(choice),
                Err(failure) => failed = Some(failure),
            }
        }
        Ok(if choices.is_empty() {
            Err(failed.unwrap_or_else(|| failure(Some(entry.field), ty, ats)))
        } else {
            Ok(choices)
        })
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

    /// Puts those owners first that are there first and whose subgraphs own most fields below.
    fn sort_by_coverage(&mut self, ty: TypeId, below: PositionId, available: &mut Available) -> Result<(), Exhausted> {
        let child = self.ask.positions[below].ty;
        let children = self.graph.supergraph().schema.ty(child).possible.iter().next().unwrap_or(child);
        let popularity = self.popularity(below, children)?;
        let nodes = self.graph.nodes(children);
        self.reach.spend((available.len() * nodes.len()) as u64 / 16)?;
        let covered = |owner: &Owner| {
            let subgraph = self.graph.place(ty, *owner).subgraph;
            let owned = nodes.iter().zip(&popularity).filter(|(node, _)| node.place.subgraph == subgraph);
            owned.map(|(_, owned)| *owned).max().unwrap_or(0)
        };
        available.sort_by_cached_key(|(owner, found)| {
            (found.stage, found.requests.len(), Reverse(covered(owner)), owner.node)
        });
        Ok(())
    }

    /// Where several subgraphs could give an abstract field, it has only types that all of them know: which of them is
    /// asked must not show. Those that could have given the object above count, too.
    fn assumptions_below(
        &mut self,
        below: PositionId,
        owners: &[Owner],
        available: &[(Owner, Found)],
        assumed: &Assumptions,
    ) -> Result<Assumptions, Exhausted> {
        let mut givers: SmallVec<[SubgraphId; 2]> = SmallVec::new();
        let mut common: Option<TypeSet> = None;
        let is_abstract = self.graph.supergraph().schema.ty(self.ask.positions[below].ty).is_abstract();
        for owner in owners {
            let join = self.graph.join(*owner);
            let subgraph = join.subgraph;
            let could = available.iter().any(|(known, _)| known == owner)
                || (assumed.givers.contains(&subgraph) && self.reach.is_resolvable(join));
            if !could {
                continue;
            }
            givers.push(subgraph);
            if is_abstract {
                let (_, possible) = self.graph.returned(self.graph.inner(*owner), subgraph);
                self.reach.spend(1 + possible.len() as u64 / 16)?;
                common = Some(common.map_or_else(|| possible.clone(), |common| common.intersection(&possible)));
            }
        }
        let among = common.filter(|common| givers.len() > 1 && !common.is_empty());
        givers.sort_unstable();
        Ok(Assumptions { among, givers, known: Requests::default() })
    }

    fn solve_below(
        &mut self,
        below: PositionId,
        ty: TypeId,
        owner: Owner,
        closure: &Closure<'a>,
        assumed: Assumptions,
    ) -> Result<Rc<Solution<'a>>, Exhausted> {
        let mut ats = Ats::new();
        ats.push(self.reach.child(ty, owner, closure, 0));
        let ats = self.with_roots(self.ask.positions[below].ty, ats);
        self.solve(below, ats, assumed)
    }

    /// A composite that no single subgraph completes is asked of several, and the objects are merged by position.
    fn merged_choice(
        &mut self,
        index: usize,
        below: PositionId,
        ty: TypeId,
        available: &[(Owner, Found)],
        closure: &Closure<'a>,
        assumed: &Assumptions,
    ) -> Result<Result<Choice<'a>, Failure>, Exhausted> {
        let ats_of = |solver: &Self, of: &[(Owner, Found)]| -> Ats<'a> {
            of.iter().map(|(owner, found)| solver.reach.child(ty, *owner, closure, found.stage)).collect()
        };
        let all = ats_of(self, available);
        let solution = self.solve(below, all.clone(), assumed.clone())?;
        if let Some(failure) = &solution.failure {
            return Ok(Err(failure.clone()));
        }
        // Only those that the solution uses are asked.
        let is_used = |at: &At<'a>| {
            let own = Requests::one(at.presence.stage, at.presence.place.subgraph.index());
            own.is_within(&solution.requests)
        };
        let mut used: Available =
            available.iter().zip(&all).filter(|(_, at)| is_used(at)).map(|(one, _)| one.clone()).collect();
        let mut solution = if used.len() == all.len() {
            solution
        } else {
            let fewer = self.solve(below, ats_of(self, &used), assumed.clone())?;
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
                let without = self.solve(below, ats_of(self, &fewer), assumed.clone())?;
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
}
