//! The rules for each subgraph alone. GraphQL's own rules come first: where they are broken, errors about federation would only add
//! noise.

mod applications;
mod auth;
mod cache_tags;
mod context;
mod cost;
pub(crate) mod edits;
mod externals;
mod field_sets;
mod graphql;
mod interfaces;
mod problem;
mod shareable;
mod tags;
mod values;

pub(crate) use auth::AUTH;
pub(crate) use problem::problem;

use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Subgraph;

/// GraphQL's rules. The schema still has its federation definitions.
pub(crate) fn graphql(subgraph: &Subgraph) -> Vec<Diagnostic> {
    let mut errors = graphql::check(subgraph);
    errors.extend(applications::check(subgraph));
    errors
}

/// Federation's rules, for Federation 2 schemas and upgraded ones.
pub(crate) fn federation(subgraph: &Subgraph) -> Vec<Diagnostic> {
    let rules: [fn(&Subgraph, &mut Vec<Diagnostic>); 10] = [
        field_sets::check,
        externals::check,
        interfaces::check,
        shareable::check,
        auth::check,
        cost::check,
        context::check,
        cache_tags::check,
        tags::check,
        interfaces::check_kinds,
    ];
    let mut errors = Vec::new();
    for rule in rules {
        rule(subgraph, &mut errors);
    }
    errors
}
