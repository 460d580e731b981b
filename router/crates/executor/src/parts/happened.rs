//! What happened to fetches between two parts of an answer, for developers who look on. Knows nothing of what is delivered.

use braid_supergraph::SubgraphId;
use bytes::Bytes;

use super::Part;
use crate::response::FetchReport;
use crate::run::Run;

/// What happened to fetches since the part before. Nothing, unless it is recorded ([`crate::ExecuteContext::record`]).
#[derive(Debug, Clone)]
pub struct Happened<M> {
    /// The reports of the fetches that ended, in that order. A list that arrives is told again, with all that came of it, when it has ended.
    pub fetches: Vec<FetchReport>,
    /// What came beside the bodies of their responses, in the order they came.
    pub subgraph_answers: Vec<(SubgraphId, M)>,
}

impl<M> Default for Happened<M> {
    fn default() -> Self {
        Self { fetches: Vec::new(), subgraph_answers: Vec::new() }
    }
}

impl<M: Clone> Run<'_, M> {
    /// What happened since this was asked before. The bodies of requests and responses go with it, so that a long answer keeps none of those that
    /// were told.
    pub(super) fn happened(&mut self) -> Happened<M> {
        if !self.record {
            return Happened::default();
        }
        let (fetches, answers) = std::mem::replace(&mut self.told, (self.reports.len(), self.answers.len()));
        let told = |report: &mut FetchReport| {
            let record = report.record.take();
            FetchReport { record, ..report.clone() }
        };
        Happened {
            fetches: self.reports.iter_mut().skip(fetches).map(told).collect(),
            subgraph_answers: self.answers.get(answers..).unwrap_or_default().to_vec(),
        }
    }

    /// All that came of a fetch, which was told before it had ended.
    pub(super) fn told_again(&self, fetch: usize) -> Option<FetchReport> {
        self.reports.iter().find(|report| self.record && report.fetch == fetch).cloned()
    }
}

impl<M> Part<M> {
    /// A later part, before which nothing has happened yet.
    pub(super) fn next(bytes: Bytes) -> Self {
        Self::Next { bytes, happened: Happened::default() }
    }

    /// The part with what happened before it. A whole response has all that happened already.
    pub(super) fn with(mut self, happened: Happened<M>) -> Self {
        match &mut self {
            Self::First { response, has_next: true } => {
                (response.fetches, response.subgraph_answers) = (happened.fetches, happened.subgraph_answers);
            }
            Self::Next { happened: own, .. } => *own = happened,
            Self::First { .. } | Self::Ended(_) => {}
        }
        self
    }
}
