//! Who may see private data. Knows no entry.

use braid_cache_store::Group;
use braid_executor::SubgraphService;
use braid_request_context::SubgraphContext;
use braid_supergraph::SubgraphId;

use crate::rules::{Rules, ViewerRules};
use crate::selection::Hash;

/// A viewer, as bytes that are equal only for the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer(Vec<u8>);

impl Viewer {
    /// The viewer of a request; `None` if it can't be told from others.
    pub(crate) fn new<S: SubgraphService<Context = SubgraphContext>>(
        rules: &ViewerRules,
        subgraphs: &S,
        subgraph: SubgraphId,
        context: &SubgraphContext,
        with_credentials: bool,
    ) -> Option<Self> {
        if rules.is_empty() {
            return if with_credentials { subgraphs.seen_of(subgraph, context).map(Self) } else { None };
        }
        let mut out = Vec::new();
        for path in &rules.claims {
            let claim = context.identity().principal()?.claim(path)?;
            append(&mut out, claim.to_string().as_bytes());
        }
        for name in &rules.headers {
            append(&mut out, context.client_headers().get(name)?.as_bytes());
        }
        Some(Self(out))
    }

    /// The group of this viewer's own entries among those of a public group.
    pub(crate) fn group(&self, public: Group) -> Group {
        let mut hash = Hash::new("private");
        hash.part(&public.0);
        hash.part(&self.0);
        hash.group()
    }
}

fn append(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&part.len().to_le_bytes());
    out.extend_from_slice(part);
}

/// Whether a subgraph is shown who asks: by a header or by claims in the body.
pub(crate) fn shows_credentials(rules: &Rules, subgraph: SubgraphId, context: &SubgraphContext) -> bool {
    (rules.forwards_claims && context.identity().principal().is_some()) || context.forwards_credentials(subgraph)
}
