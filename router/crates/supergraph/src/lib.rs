//! The supergraph: types, fields, and which subgraph resolves them. Knows nothing of plans, transports or composition rules.
//!
//! ```text
//! supergraph SDL ──read──▶ Supergraph { schema, subgraphs, joins, api_schema }
//! ```
//!
//! Facts are expanded while reading: what the join specification leaves out because it is the default (a field without
//! `@join__field` is in every subgraph of its type) is written out here, so that later stages have one form to look at.
//! The names `join__*` occur in the module [`join_spec`] only.

pub mod api_schema;
mod cache_tags;
mod event_field;
mod features;
pub mod join_spec;
mod read;
pub mod supergraph;
mod unchanged;

pub use cache_tags::{CacheTags, TagTemplate, TagTemplateError, TagVariable};
pub use event_field::{EventField, EventFieldError};
pub use features::directive_of;
pub use supergraph::{
    ContextArgument, FieldInSubgraph, FieldJoins, Key, LabelCondition, Subgraph, SubgraphId, Supergraph,
    SupergraphError, TypeInSubgraph, TypeJoins,
};
pub use unchanged::Unchanged;
