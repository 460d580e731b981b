//! The tags that make a contract. Knows no schema.

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
