//! What the checks of the merged schema look at. Knows no rule.

use std::sync::Arc;

use braid_supergraph::join_spec::draft::Draft;

use crate::diagnostic::Location;
use crate::merge::features::Features;
use crate::subgraph::model::Subgraph;

/// The merged schema with what it was merged from, for diagnostics that point back.
pub(crate) struct Context<'a> {
    pub(crate) subgraphs: &'a [Arc<Subgraph>],
    pub(crate) draft: &'a Draft,
    pub(crate) features: &'a Features,
}

impl Context<'_> {
    /// The locations of a type, one of its fields, or an argument of the field, in all subgraphs.
    pub(super) fn locations(&self, ty: &str, field: Option<&str>, argument: Option<&str>) -> Vec<Location> {
        self.subgraphs
            .iter()
            .filter_map(|subgraph| {
                let ty = subgraph.schema.types.get(ty)?;
                let span = match field {
                    None => ty.span,
                    Some(name) => match ty.fields.get(name) {
                        Some(field) => match argument {
                            Some(argument) => field.args.get(argument)?.span,
                            None => field.span,
                        },
                        None => ty.values.get(name)?.span,
                    },
                };
                subgraph.locate(span)
            })
            .collect()
    }
}
