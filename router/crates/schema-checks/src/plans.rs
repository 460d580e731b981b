//! How plans of known operations change. Knows a plan only by its size.

use serde::Serialize;

/// The size of a query plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// How many requests to subgraphs it makes.
    pub fetches: usize,
    /// How many of them one after another.
    pub stages: usize,
    /// The subgraphs that it asks, in order of their names.
    pub subgraphs: Vec<String>,
}

/// A known operation whose plan differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanChange {
    /// The operation.
    pub operation: String,
    /// Its plan on the old supergraph.
    pub before: PlanSummary,
    /// Its plan on the new one.
    pub after: PlanSummary,
    /// Subgraphs that it asks now and did not.
    pub gained: Vec<String>,
    /// Subgraphs that it no longer asks.
    pub lost: Vec<String>,
    /// Whether it has more stages, or as many and more fetches.
    pub slower: bool,
}

/// Compares two plans of an operation.
pub fn compare(operation: &str, before: &PlanSummary, after: &PlanSummary) -> Option<PlanChange> {
    if before == after {
        return None;
    }
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|name| !those.contains(name)).cloned().collect()
    };
    Some(PlanChange {
        operation: operation.to_owned(),
        gained: only(&after.subgraphs, &before.subgraphs),
        lost: only(&before.subgraphs, &after.subgraphs),
        slower: (after.stages, after.fetches) > (before.stages, before.fetches),
        before: before.clone(),
        after: after.clone(),
    })
}

impl PlanChange {
    /// What changed, as a sentence.
    pub fn message(&self) -> String {
        let mut message = format!(
            "\"{}\" takes {} in {} instead of {} in {}",
            self.operation,
            count(self.after.fetches, "fetch", "fetches"),
            count(self.after.stages, "stage", "stages"),
            count(self.before.fetches, "fetch", "fetches"),
            count(self.before.stages, "stage", "stages"),
        );
        if !self.gained.is_empty() {
            message.push_str(&format!("; it also asks {}", self.gained.join(", ")));
        }
        if !self.lost.is_empty() {
            message.push_str(&format!("; it no longer asks {}", self.lost.join(", ")));
        }
        message.push('.');
        message
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
