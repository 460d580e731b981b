//! What a check found, as one value. Its JSON form is stable and versioned; `docs/schema-checks.md` describes it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::change::{Change, Severity};
use crate::config::FailOn;
use crate::lint::{Finding, Level};
use crate::location::Location;
use crate::operations::OperationsReport;
use crate::plans::PlanChange;
use crate::problem::Problem;

/// The version of the JSON form. It grows when a key changes its meaning or goes; new keys do not count.
pub const VERSION: u32 = 1;

/// Everything that a check, a diff or a lint run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// What it comes to.
    pub verdict: Verdict,
    /// What the new side was compared with, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What was checked.
    pub head: String,
    /// The numbers.
    pub summary: Summary,
    /// Input that can't be used. The check doesn't pass.
    pub problems: Vec<Problem>,
    /// Input that is not used and need not be: a base that does not compose, `gql` tags in program code.
    pub warnings: Vec<Problem>,
    /// The result of composing the new side; absent when nothing was composed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composition: Option<Composition>,
    /// What changed.
    pub changes: Vec<Change>,
    /// What became of the known operations; absent when none are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<OperationsReport>,
    /// Where conventions are not kept.
    pub lint: Vec<Finding>,
    /// Known operations whose plans differ.
    pub plans: Vec<PlanChange>,
    /// The same for each contract.
    pub contracts: BTreeMap<String, ContractReport>,
    /// Remarks for people, such as allow-list entries that match nothing.
    pub notes: Vec<String>,
    /// The mildest severity that fails the check.
    #[serde(skip)]
    pub fail_on: FailOn,
}

/// What a report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing found.
    Pass,
    /// Something found that does not fail the check.
    Warn,
    /// Something found that fails the check.
    Fail,
}

/// The number of findings of each kind, those of contracts included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Breaking changes that are not allowed.
    pub breaking: usize,
    /// Breaking and dangerous changes that are allowed.
    pub allowed: usize,
    /// Dangerous changes that are not allowed.
    pub dangerous: usize,
    /// Safe changes.
    pub safe: usize,
    /// Changes that would be breaking, but that no known operation uses.
    pub unused: usize,
    /// Operations that break.
    pub broken_operations: usize,
    /// Lint findings that fail the check.
    pub lint_errors: usize,
    /// Lint findings that don't.
    pub lint_warnings: usize,
    /// Operations whose plans need more fetches or stages.
    pub slower_plans: usize,
}

/// The result of composition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Composition {
    /// Whether there is a supergraph.
    pub ok: bool,
    /// Why not.
    pub errors: Vec<Diagnostic>,
    /// What composes, but was perhaps not intended.
    pub hints: Vec<Diagnostic>,
}

/// An error or hint of composition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The field's standard code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinate: Option<String>,
    /// The locations in the SDL files.
    pub locations: Vec<Location>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// What a check found for one contract.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ContractReport {
    /// Why there is no such contract on the new side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What changed for its clients.
    pub changes: Vec<Change>,
    /// What became of the operations that were valid on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<OperationsReport>,
}

impl Report {
    /// A report without findings.
    pub fn new(head: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            verdict: Verdict::Pass,
            base: None,
            head: head.into(),
            summary: Summary::default(),
            problems: Vec::new(),
            warnings: Vec::new(),
            composition: None,
            changes: Vec::new(),
            operations: None,
            lint: Vec::new(),
            plans: Vec::new(),
            contracts: BTreeMap::new(),
            notes: Vec::new(),
            fail_on: FailOn::default(),
        }
    }

    /// The changes of the API and of every contract.
    fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().chain(self.contracts.values().flat_map(|contract| &contract.changes))
    }

    pub(crate) fn count(&self) -> Summary {
        let with = |wanted: Severity| self.all_changes().filter(move |change| change.severity == wanted);
        let counted = |wanted: Severity| with(wanted).filter(|change| change.allowed.is_none()).count();
        let broken = |report: &Option<OperationsReport>| report.as_ref().map_or(0, |report| report.broken.len());
        let errors = self.lint.iter().filter(|finding| finding.level == Level::Error).count();
        let unused = |change: &&Change| change.usage.as_ref().is_some_and(|usage| usage.unused);
        Summary {
            breaking: counted(Severity::Breaking),
            allowed: self.all_changes().filter(|change| change.allowed.is_some()).count(),
            dangerous: counted(Severity::Dangerous),
            safe: with(Severity::Safe).count(),
            unused: self.all_changes().filter(unused).count(),
            broken_operations: broken(&self.operations)
                + self.contracts.values().map(|contract| broken(&contract.operations)).sum::<usize>(),
            lint_errors: errors,
            lint_warnings: self.lint.len() - errors,
            slower_plans: self.plans.iter().filter(|plan| plan.slower).count(),
        }
    }
}

/// A list of names, cut off with the number of those left out.
pub(crate) fn shortened(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}
