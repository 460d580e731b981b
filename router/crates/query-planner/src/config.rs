//! What a planning depends on besides schema and operation. Reads no files.

use std::collections::BTreeSet;

/// How operations are planned.
#[derive(Debug, Clone)]
pub struct PlannerConfig {
    /// The most work one planning may take, in units of about one field looked at (some hundred nanoseconds).
    pub budget: u64,
    /// The progressive override labels that are on.
    pub override_labels: BTreeSet<String>,
}

impl Default for PlannerConfig {
    fn default() -> Self {
        Self { budget: 2_000_000, override_labels: BTreeSet::new() }
    }
}
