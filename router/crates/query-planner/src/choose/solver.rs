//! What the choosing of all positions shares: the graph, the operation, and what was chosen before. Chooses nothing itself.

use std::rc::Rc;

use ahash::AHashMap;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Ats, Exhausted, Found, Owner, Presences, QueryGraph, Reach, Requests};
use braid_supergraph::SubgraphId;
use smallvec::SmallVec;

use super::solution::{Solution, Standing};
use crate::ask::{Ask, PositionId};

/// The rest of what a position's solution depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Assumptions {
    /// Of an abstract type, only objects of these types can be met.
    pub(super) among: Option<TypeSet>,
    /// The subgraphs that could have given the objects, whichever was chosen; kept only where abstract types follow.
    pub(super) givers: SmallVec<[SubgraphId; 2]>,
    /// On a second look: the requests that others make anyway.
    pub(super) known: Requests,
}

pub(super) type Question<'a> = (PositionId, Ats<'a>, Assumptions);
pub(super) type Available = SmallVec<[(Owner, Found); 4]>;

pub(crate) struct Solver<'a, 'o> {
    pub(crate) reach: Reach<'a>,
    pub(crate) graph: &'a QueryGraph,
    pub(super) ask: &'o Ask<'o>,
    pub(super) memo: AHashMap<Question<'a>, Rc<Solution<'a>>>,
    /// How much of the operation each subgraph could give: of equal choices, the one that others are likely to need, too.
    pub(super) demand: Vec<u32>,
    pub(super) looks_twice: bool,
}

/// Operations with at most this many fields get a second look: what is below a position is chosen again with the requests
/// known that are made beside it.
pub(super) const SECOND_LOOK: usize = 48;

/// Of more owners than this, only as many are looked at: those that are there first and own most of what is asked beside and
/// below. The others are tried only when none of these works.
pub(super) const MAX_OWNERS: usize = 8;

impl<'a, 'o> Solver<'a, 'o> {
    pub(crate) fn new(mut reach: Reach<'a>, ask: &'o Ask<'o>) -> Result<Self, Exhausted> {
        let demand = demand(&mut reach, ask)?;
        let fields: usize = ask.positions.iter().map(|(_, position)| position.entries.len()).sum();
        let looks_twice = fields <= SECOND_LOOK;
        Ok(Self { graph: reach.graph(), reach, ask, memo: AHashMap::new(), demand, looks_twice })
    }

    pub(super) fn standing<'s>(&mut self, ty: TypeId, ats: &'s Ats<'a>) -> Result<Standing<'s, 'a>, Exhausted> {
        let presences: Presences<'a> = ats.iter().map(|at| at.presence.clone()).collect();
        let initial = self.reach.initial(ty, &presences)?;
        Ok(Standing { ty, ats, presences, initial })
    }

    /// How many of a position's fields each node of the type owns; not counted where the nodes are few.
    pub(super) fn popularity(&mut self, position: PositionId, ty: TypeId) -> Result<Vec<u32>, Exhausted> {
        let mut popularity = vec![0_u32; self.graph.nodes(ty).len()];
        if popularity.len() > MAX_OWNERS {
            for entry in &self.ask.positions[position].entries {
                let owners = self.graph.owners(entry.field, ty);
                self.reach.spend(1 + owners.len() as u64 / 16)?;
                owners.iter().for_each(|owner| popularity[owner.node.index()] += 1);
            }
        }
        Ok(popularity)
    }
}

/// For each subgraph, how many of the operation's fields it could be asked for; a field counts less the more owners it has.
fn demand(reach: &mut Reach<'_>, ask: &Ask<'_>) -> Result<Vec<u32>, Exhausted> {
    let graph = reach.graph();
    let mut demand = vec![0; graph.supergraph().subgraphs.len()];
    for entry in ask.positions.iter().flat_map(|(_, position)| &position.entries) {
        let joins = &graph.supergraph().field(entry.field).subgraphs;
        reach.spend(joins.len() as u64 / 16)?;
        for join in joins.iter().filter(|join| !join.external) {
            demand[join.subgraph.index()] += 60 / joins.len().max(1) as u32;
        }
    }
    Ok(demand)
}
