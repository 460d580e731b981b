//! The configuration of checks in `supergraph.yaml`. Knows no file format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lint::LintConfig;
use braid_contracts::ContractFilter;

/// All sections that checks read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ChecksConfig {
    /// What makes a check fail.
    pub check: CheckConfig,
    /// The lint rules.
    pub lint: LintConfig,
    /// The contracts, by name.
    pub contracts: BTreeMap<String, ContractFilter>,
    /// Where the known operations are.
    pub operations: Vec<OperationsEntry>,
}

/// What makes a check fail.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckConfig {
    /// The mildest severity that fails the check.
    pub fail_on: FailOn,
    /// Whether a breaking change counts as safe if no known operation uses what it changes.
    pub ignore_unused: bool,
    /// Whether lint reports only findings that the other version does not have.
    pub new_lint_only: bool,
    /// Changes that are made on purpose.
    pub allow: Vec<AllowEntry>,
}

impl Default for CheckConfig {
    fn default() -> Self {
        Self { fail_on: FailOn::Breaking, ignore_unused: true, new_lint_only: true, allow: Vec::new() }
    }
}

/// The mildest severity that fails a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Dangerous changes, and worse.
    Dangerous,
    /// Breaking changes.
    #[default]
    Breaking,
    /// No change at all; operations that break still do.
    None,
}

/// A change that is made on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowEntry {
    /// The change's id, such as `FIELD_REMOVED:User.email`.
    pub id: String,
    /// Why.
    pub reason: String,
    /// The last day on which it is allowed, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Where known operations are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OperationsEntry {
    /// A file or folder.
    Path(String),
    /// A manifest of persisted operations.
    Manifest {
        /// The file.
        manifest: String,
        /// Whose operations these are.
        #[serde(default)]
        client: Option<String>,
    },
    /// A usage log.
    Log {
        /// The file.
        log: String,
    },
}
