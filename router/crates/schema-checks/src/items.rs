//! A report as a list of findings: what tools show that have one form for everything. Decides nothing.

use crate::change::{Change, Severity};
use crate::config::FailOn;
use crate::lint::{Finding, Level};
use crate::location::Location;
use crate::problem::Problem;
use crate::report::{Diagnostic, Report, shortened};

/// One finding, whatever it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The part of the check that found it.
    pub section: &'static str,
    /// How much it matters.
    pub level: ItemLevel,
    /// The kind of change, diagnostic or rule.
    pub code: String,
    /// What was found.
    pub message: String,
    /// The schema coordinate or the operation.
    pub coordinate: String,
    /// The best location to show it at.
    pub location: Option<Location>,
    /// Whether it kept the check from being made, as opposed to a check that was made and failed.
    pub prevents_check: bool,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemLevel {
    /// For information.
    Notice,
    /// Worth a look.
    Warning,
    /// Fails the check.
    Error,
}

impl Report {
    /// All findings except safe changes, in the order of the report.
    pub fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        items.extend(self.problems.iter().map(|problem| problem_item(problem, ItemLevel::Error)));
        items.extend(self.warnings.iter().map(|warning| problem_item(warning, ItemLevel::Warning)));
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
            let error = contract.error.as_ref().map(|error| problem_item(error, ItemLevel::Error));
            items.extend(error.map(|error| Item { section: "contracts", ..error }));
            let changes = contract.changes.iter();
            items.extend(changes.filter_map(|change| self.change_item(change, "contracts", Some(name))));
            if let Some(operations) = &contract.operations {
                items.extend(operations.broken.iter().map(|operation| operation_item(operation, Some(name))));
            }
        }
        items
    }

    fn change_item(&self, change: &Change, section: &'static str, contract: Option<&str>) -> Option<Item> {
        let level = match change.severity {
            Severity::Safe => return None,
            _ if change.allowed.is_some() => ItemLevel::Notice,
            Severity::Breaking if self.fail_on != FailOn::None => ItemLevel::Error,
            Severity::Dangerous if self.fail_on == FailOn::Dangerous => ItemLevel::Error,
            Severity::Breaking | Severity::Dangerous => ItemLevel::Warning,
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
            message.push_str(&format!(" Allowed: {}", allowed.reason));
        }
        Some(Item {
            section,
            level,
            code: change.kind.name().to_owned(),
            message,
            coordinate: change.coordinate.clone(),
            location: best_place(&change.locations),
            prevents_check: false,
        })
    }
}

/// A location in the new files if there is one: tools can't point into the old ones.
fn best_place(locations: &[Location]) -> Option<Location> {
    let new = locations.iter().find(|at| at.side == crate::location::Side::New);
    new.or(locations.first()).cloned()
}

fn problem_item(problem: &Problem, level: ItemLevel) -> Item {
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
        level,
        code: problem.code.clone(),
        message: problem.message.clone(),
        coordinate: String::new(),
        location: problem.file.as_ref().map(place),
        prevents_check: level == ItemLevel::Error,
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
        prevents_check: level == ItemLevel::Error,
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
        prevents_check: false,
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
        prevents_check: false,
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
        prevents_check: false,
    }
}
