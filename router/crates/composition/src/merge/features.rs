//! What the supergraph calls federation's directives. Knows nothing of how the names were chosen.

use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::DraftApplied;

use crate::subgraph::spec::Known;

/// Names of federation's directives in the supergraph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features {
    pub(super) names: Vec<(Known, Name)>,
    pub(crate) cache_tags: bool,
}

impl Features {
    pub(crate) fn name(&self, known: Known) -> Option<&Name> {
        self.names.iter().find(|(k, _)| *k == known).map(|(_, name)| name)
    }

    pub(crate) fn is_inaccessible(&self, applied: &[DraftApplied]) -> bool {
        !applied.is_empty() && self.find(Known::Inaccessible, applied).is_some()
    }

    pub(crate) fn find<'b>(&self, known: Known, applied: &'b [DraftApplied]) -> Option<&'b DraftApplied> {
        let name = self.name(known)?;
        applied.iter().find(|a| a.name == *name)
    }
}
