//! Where the values of arguments come from that are taken from contexts (`@fromContext`). Knows nothing of nodes.

use ahash::AHashMap;
use braid_graphql::Name;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::field_set::parse_field_set;
use braid_graphql::normalize::normalize_field_set;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, TypeId};
use braid_supergraph::{ContextArgument, SubgraphId, Supergraph};

/// Where an argument's value comes from (`@fromContext`).
#[derive(Debug, Clone)]
pub struct ContextSource {
    /// The context, as named in the supergraph.
    pub context: String,
    /// The argument.
    pub argument: Name,
    /// Its type in the subgraph.
    pub ty: braid_graphql::Type,
    /// For each type that sets the context, what is taken from it.
    pub sources: Vec<(TypeId, SelectionSet)>,
}

/// By field and subgraph.
pub(crate) type Contexts = AHashMap<(FieldId, SubgraphId), Vec<ContextSource>>;

pub(crate) fn contexts(supergraph: &Supergraph) -> Contexts {
    let mut all = AHashMap::new();
    for (field, _) in supergraph.schema.fields() {
        for join in &supergraph.field(field).subgraphs {
            if !join.context_arguments.is_empty() {
                let contexts = join.context_arguments.iter().map(|argument| context(supergraph, argument)).collect();
                all.insert((field, join.subgraph), contexts);
            }
        }
    }
    all
}

fn context(supergraph: &Supergraph, argument: &ContextArgument) -> ContextSource {
    let mut sources = Vec::new();
    for (ty, definition) in supergraph.schema.types() {
        if !supergraph.ty(ty).contexts.contains(&argument.context) {
            continue;
        }
        let schema = Valid::assume_valid_ref(&supergraph.source);
        // A selection for other types that set the context does not fit this one.
        if parse_field_set(schema, definition.name.clone(), &argument.selection).is_err() {
            continue;
        }
        if let Ok(selection) = normalize_field_set(&argument.selection, ty, &supergraph.schema) {
            sources.push((ty, selection));
        }
    }
    ContextSource {
        context: argument.context.clone(),
        argument: argument.name.clone(),
        ty: argument.ty.clone(),
        sources,
    }
}
