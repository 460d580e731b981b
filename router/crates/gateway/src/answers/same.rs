//! What makes two requests the same: they get the same answer. Knows no answer.

use std::hash::Hash;
use std::sync::Arc;

use braid_graphql::variables::Variables;
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::SubgraphId;

use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::CachedOperation;

/// What makes two requests the same. Compared in full, since a client must not get another one's answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SameKey {
    operation: SameOperation,
    variables: String,
    declined: Vec<u32>,
    /// What each subgraph of the plan sees of the client.
    seen: Vec<Vec<u8>>,
}

/// How the operation is told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum SameOperation {
    /// By the address of what was compiled, which who has the key keeps alive: it was compiled for what both clients may see.
    Compiled(usize),
    /// By a cryptographic hash of all that it was compiled from. It outlives what was compiled.
    Source([u8; 32]),
}

impl SameKey {
    /// The key of a request; `None` if it is for one client alone.
    pub(crate) fn new<S: Subgraphs>(
        gateway: &Gateway<S>,
        operation: &Arc<CachedOperation>,
        variables: &Variables,
        declined: &[SubgraphId],
        context: &Arc<RequestContext>,
    ) -> Option<Self> {
        let compiled = operation.result.as_ref().ok()?;
        let context = SubgraphContext::new(context.clone());
        if context.uploads().is_some() {
            return None;
        }
        let seen = compiled.subgraphs().into_iter().map(|subgraph| gateway.subgraphs.seen_of(subgraph, &context));
        Some(Self {
            operation: SameOperation::Compiled(Arc::as_ptr(operation) as usize),
            variables: variables.canonical(),
            declined: declined.iter().map(|subgraph| subgraph.index() as u32).collect(),
            seen: seen.collect::<Option<_>>()?,
        })
    }

    /// The same key for what outlives the compiled operation.
    pub(crate) fn by_source(self, operation: &CachedOperation) -> Self {
        Self { operation: SameOperation::Source(operation.source), ..self }
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        self.variables.len() + self.seen.iter().map(|seen| seen.len() + 24).sum::<usize>()
    }
}
