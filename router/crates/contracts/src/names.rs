//! What a supergraph calls the directives that a contract reads and writes. Knows no contract.

use braid_graphql::compiler::Schema;
use braid_supergraph::directive_of;

/// What the directives are called in a supergraph.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) tag: String,
    /// Absent when the supergraph does not link the feature.
    pub(super) inaccessible: Option<String>,
}

impl Names {
    pub(super) fn of(schema: &Schema) -> Self {
        Self {
            tag: directive_of(schema, "tag").unwrap_or_else(|| "tag".to_owned()),
            inaccessible: directive_of(schema, "inaccessible"),
        }
    }
}
