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
    /// The sum of it all.
    pub verdict: Verdict,
    /// What the new side was compared with, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What was checked.
    pub head: String,
    /// The numbers.
    pub summary: Summary,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What composing the new side gave; absent when nothing was composed.
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
    /// What a person should know besides: allowances that matched nothing, tags that nobody bears.
    pub notes: Vec<String>,
    /// What fails.
    #[serde(skip)]
    pub fail_on: FailOn,
}

/// The sum of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing to look at.
    Pass,
    /// Something to look at, nothing that fails.
    Warn,
    /// Something fails.
    Fail,
}

/// How much of everything there is. Contracts are counted in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Breaking changes, without those that are let through.
    pub breaking: usize,
    /// Breaking changes that are let through.
    pub allowed: usize,
    /// Dangerous changes.
    pub dangerous: usize,
    /// Safe changes.
    pub safe: usize,
    /// Changes that would be breaking, but that no known operation notices.
    pub unused: usize,
    /// Operations that break.
    pub broken_operations: usize,
    /// Lint findings that fail.
    pub lint_errors: usize,
    /// Lint findings that do not.
    pub lint_warnings: usize,
    /// Operations whose plans got longer.
    pub slower_plans: usize,
}

/// What composing gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Composition {
    /// Whether there is a supergraph.
    pub ok: bool,
    /// Why not.
    pub errors: Vec<Diagnostic>,
    /// What composes but may not be meant.
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
    /// Where it stands.
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

/// One line of a report, whatever it is about: what tools that show lists want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which part of the check.
    pub section: &'static str,
    /// How much it matters.
    pub level: ItemLevel,
    /// The kind of change, diagnostic or rule.
    pub code: String,
    /// What it is.
    pub message: String,
    /// The element.
    pub coordinate: String,
    /// The best place to show it at.
    pub location: Option<Location>,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemLevel {
    /// To know.
    Notice,
    /// To look at.
    Warning,
    /// Fails.
    Error,
}

/// The check passed.
pub const EXIT_PASS: u8 = 0;
/// Breaking changes, broken operations or lint errors.
pub const EXIT_FAILED: u8 = 1;
/// A side does not compose.
pub const EXIT_COMPOSITION: u8 = 2;
/// The command line or configuration is wrong.
pub const EXIT_USAGE: u8 = 3;
/// Some input could not be read.
pub const EXIT_INPUT: u8 = 4;

/// Problems of the configuration, not of what it names.
const CONFIGURATION: [&str; 5] =
    ["UNKNOWN_LINT_RULE", "ALLOW_WITHOUT_REASON", "CONTRACT_WITHOUT_TAGS", "INVALID_TAG_NAME", "CONFIGURATION"];
/// A side that was read and does not compose.
pub(crate) const DOES_NOT_COMPOSE: &str = "DOES_NOT_COMPOSE";

impl Report {
    /// A report in which nothing was found yet.
    pub fn new(head: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            verdict: Verdict::Pass,
            base: None,
            head: head.into(),
            summary: Summary::default(),
            problems: Vec::new(),
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

    /// Counts, and comes to the verdict. To be called when everything is in.
    pub fn conclude(&mut self) {
        self.summary = self.count();
        let looks = self.items().iter().any(|item| item.level >= ItemLevel::Warning);
        self.verdict = match self.exit_code() {
            EXIT_PASS if looks => Verdict::Warn,
            EXIT_PASS => Verdict::Pass,
            _ => Verdict::Fail,
        };
    }

    /// What the process should end with.
    pub fn exit_code(&self) -> u8 {
        let contract_errors = || self.contracts.values().filter_map(|contract| contract.error.as_ref());
        let is_configuration = |problem: &Problem| CONFIGURATION.contains(&problem.code.as_str());
        let does_not_compose = self.composition.as_ref().is_some_and(|composition| !composition.ok)
            || self.problems.iter().any(|problem| problem.code == DOES_NOT_COMPOSE)
            || contract_errors().any(|problem| !is_configuration(problem));
        if does_not_compose {
            EXIT_COMPOSITION
        } else if self.problems.iter().chain(contract_errors()).any(is_configuration) {
            EXIT_USAGE
        } else if self.items().iter().any(|item| item.level == ItemLevel::Error && item.section != "input") {
            EXIT_FAILED
        } else if !self.problems.is_empty() {
            EXIT_INPUT
        } else {
            EXIT_PASS
        }
    }

    /// All that is worth a line, in the order of the report. Safe changes are not.
    pub fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for problem in &self.problems {
            items.push(problem_item(problem));
        }
        if let Some(composition) = &self.composition {
            items.extend(composition.errors.iter().map(|error| diagnostic_item(error, ItemLevel::Error)));
            items.extend(composition.hints.iter().map(|hint| diagnostic_item(hint, ItemLevel::Notice)));
        }
        items.extend(self.changes.iter().filter_map(|change| self.change_item(change, "changes", None)));
        if let Some(operations) = &self.operations {
            items.extend(operations.broken.iter().map(|operation| operation_item(operation, None)));
        }
        items.extend(self.lint.iter().map(lint_item));
        items.extend(self.plans.iter().filter(|plan| plan.slower).map(plan_item));
        for (name, contract) in &self.contracts {
            items.extend(contract.error.iter().map(|error| Item { section: "contracts", ..problem_item(error) }));
            let changes = contract.changes.iter();
            items.extend(changes.filter_map(|change| self.change_item(change, "contracts", Some(name))));
            if let Some(operations) = &contract.operations {
                items.extend(operations.broken.iter().map(|operation| operation_item(operation, Some(name))));
            }
        }
        items
    }

    /// The changes of the API and of every contract.
    fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().chain(self.contracts.values().flat_map(|contract| &contract.changes))
    }

    fn count(&self) -> Summary {
        let severity = |wanted: Severity| self.all_changes().filter(|change| change.severity == wanted).count();
        let allowed = self.all_changes().filter(|change| change.allowed.is_some()).count();
        let broken = |report: &Option<OperationsReport>| report.as_ref().map_or(0, |report| report.broken.len());
        let errors = self.lint.iter().filter(|finding| finding.level == Level::Error).count();
        let unused = |change: &&Change| change.usage.as_ref().is_some_and(|usage| usage.unused);
        Summary {
            breaking: severity(Severity::Breaking) - allowed,
            allowed,
            dangerous: severity(Severity::Dangerous),
            safe: severity(Severity::Safe),
            unused: self.all_changes().filter(unused).count(),
            broken_operations: broken(&self.operations)
                + self.contracts.values().map(|contract| broken(&contract.operations)).sum::<usize>(),
            lint_errors: errors,
            lint_warnings: self.lint.len() - errors,
            slower_plans: self.plans.iter().filter(|plan| plan.slower).count(),
        }
    }

    fn change_item(&self, change: &Change, section: &'static str, contract: Option<&str>) -> Option<Item> {
        let level = match change.severity {
            Severity::Breaking if change.allowed.is_some() => ItemLevel::Notice,
            Severity::Breaking if self.fail_on != FailOn::None => ItemLevel::Error,
            Severity::Dangerous if self.fail_on == FailOn::Dangerous => ItemLevel::Error,
            Severity::Breaking | Severity::Dangerous => ItemLevel::Warning,
            Severity::Safe => return None,
        };
        let mut message = contract.map(|name| format!("[{name}] ")).unwrap_or_default();
        message.push_str(&format!("{} {}", change.message, change.reason));
        if let Some(usage) = change.usage.as_ref().filter(|usage| !usage.broken.is_empty()) {
            message.push_str(&format!(" Breaks {}", shortened(&usage.broken, 5)));
            if !usage.clients.is_empty() {
                message.push_str(&format!(" (clients: {})", shortened(&usage.clients, 5)));
            }
            message.push('.');
        }
        if let Some(allowed) = &change.allowed {
            message.push_str(&format!(" Let through: {}", allowed.reason));
        }
        Some(Item {
            section,
            level,
            code: change.kind.name().to_owned(),
            message,
            coordinate: change.coordinate.clone(),
            location: best_place(&change.locations),
        })
    }
}

/// A list of names, cut off with the number of those left out.
pub(crate) fn shortened(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

/// A place in the new files, where tools can point to it, rather than in the old ones.
fn best_place(locations: &[Location]) -> Option<Location> {
    let new = locations.iter().find(|at| at.side == crate::location::Side::New);
    new.or(locations.first()).cloned()
}

fn problem_item(problem: &Problem) -> Item {
    let place = |file: &String| Location {
        side: crate::location::Side::New,
        subgraph: None,
        file: file.clone(),
        line: problem.line.unwrap_or(1),
        column: problem.column.unwrap_or(1),
        end_line: problem.line.unwrap_or(1),
        end_column: problem.column.unwrap_or(1),
    };
    Item {
        section: "input",
        level: ItemLevel::Error,
        code: problem.code.clone(),
        message: problem.message.clone(),
        coordinate: String::new(),
        location: problem.file.as_ref().map(place),
    }
}

fn diagnostic_item(diagnostic: &Diagnostic, level: ItemLevel) -> Item {
    let help = diagnostic.help.as_ref().map(|help| format!(" {help}")).unwrap_or_default();
    Item {
        section: "composition",
        level,
        code: diagnostic.code.clone(),
        message: format!("{}{help}", diagnostic.message),
        coordinate: diagnostic.coordinate.clone().unwrap_or_default(),
        location: best_place(&diagnostic.locations),
    }
}

fn operation_item(operation: &crate::operations::BrokenOperation, contract: Option<&str>) -> Item {
    let first = operation.errors.first();
    let why = first.map(|error| error.message.as_str()).unwrap_or_default();
    let clients = if operation.clients.is_empty() {
        String::new()
    } else {
        format!(" Sent by {}.", operation.clients.join(", "))
    };
    let contract = contract.map(|name| format!("[{name}] ")).unwrap_or_default();
    let (file, line, column) =
        first.map_or((&operation.file, operation.line, 1), |error| (&error.file, error.line, error.column));
    Item {
        section: "operations",
        level: ItemLevel::Error,
        code: "BROKEN_OPERATION".to_owned(),
        message: format!("{contract}\"{}\" no longer validates: {why}{clients}", operation.id),
        coordinate: operation.id.clone(),
        location: Some(Location {
            side: crate::location::Side::New,
            subgraph: None,
            file: file.clone(),
            line,
            column,
            end_line: line,
            end_column: column,
        }),
    }
}

fn lint_item(finding: &Finding) -> Item {
    let level = match finding.level {
        Level::Error => ItemLevel::Error,
        Level::Warn => ItemLevel::Warning,
        Level::Info | Level::Off => ItemLevel::Notice,
    };
    Item {
        section: "lint",
        level,
        code: finding.rule.clone(),
        message: format!("{} {}", finding.message, finding.help),
        coordinate: finding.coordinate.clone(),
        location: Some(finding.location.clone()),
    }
}

fn plan_item(plan: &crate::plans::PlanChange) -> Item {
    Item {
        section: "plans",
        level: ItemLevel::Warning,
        code: "SLOWER_PLAN".to_owned(),
        message: plan.message(),
        coordinate: plan.operation.clone(),
        location: None,
    }
}
