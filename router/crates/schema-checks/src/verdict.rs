//! Whether a report passes, and the exit code that says so.

use crate::items::ItemLevel;
use crate::problem::Problem;
use crate::report::{Report, Verdict};

/// The check passed.
pub const EXIT_PASS: u8 = 0;
/// Breaking changes, broken operations or lint errors.
pub const EXIT_FAILED: u8 = 1;
/// The new side, or a contract of it, does not compose.
pub const EXIT_COMPOSITION: u8 = 2;
/// The command line or configuration is wrong.
pub const EXIT_USAGE: u8 = 3;
/// Some input could not be read.
pub const EXIT_INPUT: u8 = 4;

/// Problems of the configuration, not of what it names.
const CONFIGURATION: [&str; 5] =
    ["UNKNOWN_LINT_RULE", "ALLOW_WITHOUT_REASON", "CONTRACT_WITHOUT_TAGS", "INVALID_TAG_NAME", "CONFIGURATION"];
/// A version that was read and does not compose, so that there is nothing to compare.
pub const DOES_NOT_COMPOSE: &str = "DOES_NOT_COMPOSE";

impl Report {
    /// Counts the findings and sets the verdict. Call it when the report is complete.
    pub fn conclude(&mut self) {
        self.summary = self.count();
        let has_warnings = self.items().iter().any(|item| item.level >= ItemLevel::Warning);
        self.verdict = match self.exit_code() {
            EXIT_PASS if has_warnings => Verdict::Warn,
            EXIT_PASS => Verdict::Pass,
            _ => Verdict::Fail,
        };
    }

    /// The exit code of the process.
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
}
