//! The verdict and the counts in one line. Knows no form of output.

use crate::report::{Report, Verdict};
use crate::verdict::{EXIT_COMPOSITION, EXIT_INPUT, EXIT_USAGE};

pub(super) fn verdict_line(report: &Report) -> String {
    let summary = &report.summary;
    let mut parts = Vec::new();
    let mut part = |number: usize, one: &str, many: &str| {
        if number > 0 {
            parts.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    };
    part(summary.breaking, "breaking change", "breaking changes");
    part(summary.allowed, "allowed change", "allowed changes");
    part(summary.dangerous, "dangerous change", "dangerous changes");
    part(summary.safe, "safe change", "safe changes");
    part(summary.broken_operations, "broken operation", "broken operations");
    part(summary.lint_errors, "lint error", "lint errors");
    part(summary.lint_warnings, "lint warning", "lint warnings");
    part(summary.slower_plans, "slower plan", "slower plans");
    let word = match (report.verdict, report.exit_code()) {
        (_, EXIT_COMPOSITION) => "does not compose",
        (_, EXIT_USAGE) => "configuration error",
        (_, EXIT_INPUT) => "incomplete: some input could not be read",
        (Verdict::Fail, _) => "failed",
        (Verdict::Warn, _) => "passed, with warnings",
        (Verdict::Pass, _) => "passed",
    };
    if parts.is_empty() { word.to_owned() } else { format!("{word}: {}", parts.join(", ")) }
}
