//! What must hold of the merged schema, once it is complete.

mod auth;
mod conditions;
mod inaccessible;
mod interfaces;
mod requires;

use std::sync::Arc;

use braid_supergraph::join_spec::write::Draft;

use crate::diagnostic::{Diagnostic, Location};
use crate::merge::Features;
use crate::subgraph::model::Subgraph;

/// The merged schema with what it was merged from, for diagnostics that point back.
pub(crate) struct Context<'a> {
    pub(crate) subgraphs: &'a [Arc<Subgraph>],
    pub(crate) draft: &'a Draft,
    pub(crate) features: &'a Features,
}

impl Context<'_> {
    /// Where subgraphs have a type, or one of its fields, or an argument of that.
    fn places(&self, ty: &str, field: Option<&str>, argument: Option<&str>) -> Vec<Location> {
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

/// All errors of the merged schema.
pub(crate) fn check(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    interfaces::check(context, &mut errors);
    requires::check(context, &mut errors);
    auth::check(context, &mut errors);
    // Hidden elements can be judged only in a schema that is valid otherwise.
    if errors.is_empty() {
        inaccessible::check(context, &mut errors);
    }
    if errors.is_empty() {
        conditions::check(context, &mut errors);
    }
    errors
}
