//! Contracts: the part of a supergraph with certain tags, as a supergraph. What does not belong to it
//! becomes `@inaccessible`, so that plans still see everything. Knows nothing of changes.

mod error;
mod filter;
mod hide;
mod mark;
mod names;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_supergraph::api_schema::api_schema;

pub use self::error::ContractError;
pub use self::filter::ContractFilter;
use self::hide::Hidden;
use self::names::Names;

/// A contract of a supergraph.
#[derive(Debug)]
pub struct Contract {
    /// The supergraph, with everything outside of the contract `@inaccessible`.
    pub supergraph: Schema,
    /// What clients of the contract see.
    pub api_schema: Valid<Schema>,
    /// Tags of the filter that no element has: probably misspelt.
    pub unknown_tags: Vec<String>,
}

/// Makes the contract of a supergraph (its SDL as parsed, with all directives).
pub fn contract(supergraph: &Schema, filter: &ContractFilter) -> Result<Contract, ContractError> {
    check_filter(filter)?;
    let names = Names::of(supergraph);
    let mut hidden = Hidden::already(supergraph, &names);
    let unknown_tags = hidden.apply_filter(supergraph, filter, &names);
    hidden.settle(supergraph, filter)?;
    let supergraph = mark::mark(supergraph, &hidden, &names);
    let api_schema = api_schema(&supergraph).map_err(|error| ContractError::Invalid(error.to_string()))?;
    Ok(Contract { supergraph, api_schema, unknown_tags })
}

fn check_filter(filter: &ContractFilter) -> Result<(), ContractError> {
    if filter.include.is_empty() && filter.exclude.is_empty() {
        return Err(ContractError::EmptyFilter);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
    let valid = |tag: &str| !tag.is_empty() && tag.len() <= 128 && tag.chars().all(allowed);
    match filter.include.iter().chain(&filter.exclude).find(|tag| !valid(tag)) {
        Some(tag) => Err(ContractError::InvalidTag { tag: tag.clone() }),
        None => Ok(()),
    }
}
