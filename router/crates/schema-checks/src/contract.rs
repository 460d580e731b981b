//! Contracts: the part of a supergraph with certain tags, as a supergraph. What does not belong to it
//! becomes `@inaccessible`, so that plans still see everything. Knows nothing of changes.

mod hide;
mod mark;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_supergraph::api_schema::api_schema;
use serde::Deserialize;

/// Which elements belong to a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractFilter {
    /// If not empty, only elements with one of these tags, or whose type has one, belong to it.
    #[serde(default)]
    pub include: Vec<String>,
    /// Elements with one of these tags don't belong to it, whatever other tags they have.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether types that can no longer be reached stay visible.
    #[serde(default)]
    pub keep_unreachable: bool,
}

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

/// Why there is no such contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A tag that cannot be one.
    #[error("\"{tag}\" cannot be a tag: letters, digits, _, - and / only, at most 128")]
    InvalidTag {
        /// The tag.
        tag: String,
    },
    /// A filter that filters nothing.
    #[error("the contract neither includes nor excludes any tag")]
    EmptyFilter,
    /// Nothing is left to ask for.
    #[error(
        "the contract leaves no field of the query root \"{root}\"; tag a field of it, or the type, with an included tag"
    )]
    NothingLeft {
        /// The name of the query root.
        root: String,
    },
    /// What is left is not a schema.
    #[error("what the contract leaves is not a valid schema: {0}")]
    Invalid(String),
}

impl ContractError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidTag { .. } => "INVALID_TAG_NAME",
            Self::EmptyFilter => "CONTRACT_WITHOUT_TAGS",
            Self::NothingLeft { .. } => "QUERY_ROOT_TYPE_INACCESSIBLE",
            Self::Invalid(_) => "INVALID_CONTRACT",
        }
    }
}

/// Makes the contract of a supergraph (its SDL as parsed, with all directives).
pub fn contract(supergraph: &Schema, filter: &ContractFilter) -> Result<Contract, ContractError> {
    check_filter(filter)?;
    let names = mark::Names::of(supergraph);
    let mut hidden = hide::Hidden::already(supergraph, &names);
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
