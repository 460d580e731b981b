//! Contracts: the part of a supergraph with certain tags, as a supergraph of its own or as a view of its API schema. What does not belong to it is
//! hidden from clients, and plans still see everything. Knows nothing of changes and of requests.

mod check;
mod error;
mod filter;
mod hide;
mod mark;
mod members;
mod names;
mod source;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::view::Hidden;
use braid_supergraph::api_schema::api_schema;

pub use self::error::ContractError;
pub use self::filter::ContractFilter;
use self::hide::Hiding;
pub use self::source::Source;

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

/// A contract of a supergraph as a view of its API schema.
#[derive(Debug)]
pub struct ContractView {
    /// What of the API schema the contract's clients do not see.
    pub hidden: Hidden,
    /// Tags of the filter that no element has: probably misspelt.
    pub unknown_tags: Vec<String>,
}

/// Makes the contract of a supergraph (its SDL as parsed, with all directives).
pub fn contract(supergraph: &Schema, filter: &ContractFilter) -> Result<Contract, ContractError> {
    filter.check()?;
    let source = Source::new(supergraph);
    let (hidden, unknown_tags) = Hiding::under(&source, filter)?;
    let supergraph = mark::mark(supergraph, &hidden, &source.names);
    let api_schema = api_schema(&supergraph).map_err(|error| ContractError::Invalid(error.to_string()))?;
    Ok(Contract { supergraph, api_schema, unknown_tags })
}
