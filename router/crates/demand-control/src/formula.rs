//! What an operation costs, compiled once and estimated for each request's variables.

use braid_graphql::variables::Variables;
use braid_supergraph::SubgraphId;
use smallvec::SmallVec;

use crate::expression::{Evaluation, Expression};
use crate::model::CostModel;

/// The cost of an operation as a function of its variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    subgraphs: Box<[(SubgraphId, Expression)]>,
}

/// The cost of an operation with the variables of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate<'a> {
    /// Of all requests to subgraphs.
    pub total: u64,
    /// Of the requests to each subgraph.
    pub subgraphs: SmallVec<[(SubgraphId, u64); 4]>,
    /// The coordinate of a field with none or several of the slicing arguments of which it must have exactly one.
    pub unsliced: Option<&'a str>,
}

impl Formula {
    pub(crate) fn new(subgraphs: Vec<(SubgraphId, Expression)>) -> Self {
        Self { subgraphs: subgraphs.into() }
    }

    /// The cost with these variables, by the model that the formula was compiled with.
    pub fn estimate<'a>(&'a self, model: &'a CostModel, variables: &'a Variables) -> Estimate<'a> {
        let mut evaluation = Evaluation { variables, model, unsliced: None };
        let of = |(subgraph, cost): &'a (SubgraphId, Expression)| (*subgraph, cost.evaluate(&mut evaluation));
        let subgraphs: SmallVec<_> = self.subgraphs.iter().map(of).collect();
        let total = subgraphs.iter().fold(0, |total: u64, (_, cost)| total.saturating_add(*cost));
        Estimate { total, subgraphs, unsliced: evaluation.unsliced }
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.subgraphs.iter().map(|(_, cost)| 64 * cost.size()).sum()
    }
}
