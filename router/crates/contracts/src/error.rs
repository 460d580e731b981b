//! What can be wrong with a contract.

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
