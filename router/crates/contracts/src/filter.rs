//! The tags that make a contract. Knows no schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ContractError;

/// Which elements belong to a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl ContractFilter {
    /// Says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), ContractError> {
        if self.include.is_empty() && self.exclude.is_empty() {
            return Err(ContractError::EmptyFilter);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
        let valid = |tag: &str| !tag.is_empty() && tag.len() <= 128 && tag.chars().all(allowed);
        match self.include.iter().chain(&self.exclude).find(|tag| !valid(tag)) {
            Some(tag) => Err(ContractError::InvalidTag { tag: tag.clone() }),
            None => Ok(()),
        }
    }
}
