//! The report for a comment on a pull request: the verdict, a table for each section, details folded away.

use std::fmt::Write;

use super::verdict_line::verdict_line;
use crate::change::{Change, First, Severity};
use crate::items::{Item, ItemLevel};
use crate::report::{Report, Verdict, shortened};

/// The most rows of a table; comments have a limit, and few would read more.
const MOST_ROWS: usize = 50;

/// Writes the report in GitHub's flavour of Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let mark = match report.verdict {
        Verdict::Pass => "✅",
        Verdict::Warn => "⚠️",
        Verdict::Fail => "❌",
    };
    let _ = writeln!(out, "### {mark} Schema check {}\n", verdict_line(report));
    if let Some(base) = &report.base {
        let _ = writeln!(out, "`{}` against `{}`\n", code(&report.head), code(base));
    }
    let items = report.items();
    for (section, heading) in [("input", "Input"), ("composition", "Composition")] {
        items_table(&mut out, heading, items.iter().filter(|item| item.section == section));
    }
    changes(&mut out, "Changes", &report.changes);
    operations(&mut out, report);
    for (section, heading) in [("lint", "Lint"), ("plans", "Plans")] {
        items_table(&mut out, heading, items.iter().filter(|item| item.section == section));
    }
    for (name, contract) in &report.contracts {
        if let Some(error) = &contract.error {
            let _ = writeln!(out, "**Contract {}**: {}\n", cell(name), cell(&error.message));
        }
        changes(&mut out, &format!("Contract {}", cell(name)), &contract.changes);
    }
    for note in &report.notes {
        let _ = writeln!(out, "- {}", cell(note));
    }
    out
}

fn changes(out: &mut String, heading: &str, changes: &[Change]) {
    let (loud, safe): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.severity > Severity::Safe);
    if !loud.is_empty() {
        let _ = writeln!(
            out,
            "#### {heading}\n\n| | change | affected operations | rollout | where |\n|---|---|---|---|---|"
        );
        let mut sorted = loud.clone();
        sorted.sort_by_key(|change| std::cmp::Reverse(change.severity));
        for change in sorted.iter().take(MOST_ROWS) {
            let _ = writeln!(
                out,
                "| {} | {} {}<br>`{}` | {} | {} | {} |",
                mark(change),
                cell(&change.message),
                cell(change.allowed.as_ref().map_or(&change.reason, |allowed| &allowed.reason)),
                code(&change.id),
                cell(&affected(change)),
                rollout(change),
                change.locations.first().map(|at| format!("`{}`", code(&at.to_string()))).unwrap_or_default(),
            );
        }
        more(out, loud.len());
    }
    if !safe.is_empty() {
        let _ = writeln!(out, "<details><summary>{heading}: {} safe</summary>\n", safe.len());
        for change in safe.iter().take(MOST_ROWS) {
            let unused = change.usage.as_ref().is_some_and(|usage| usage.unused);
            let reason = if unused { format!(" {}", change.reason) } else { String::new() };
            let _ = writeln!(out, "- {}{}", cell(&change.message), cell(&reason));
        }
        more(out, safe.len());
        out.push_str("\n</details>\n\n");
    }
}

fn operations(out: &mut String, report: &Report) {
    let Some(operations) = &report.operations else { return };
    let fine = operations.total - operations.broken.len() - operations.already_invalid.len();
    let _ = writeln!(out, "#### Operations\n\n{fine} of {} known operations stay valid.\n", operations.total);
    if operations.broken.is_empty() {
        return;
    }
    out.push_str("| broken operation | clients | requests | last seen | error |\n|---|---|---|---|---|\n");
    for operation in operations.broken.iter().take(MOST_ROWS) {
        let error = operation.errors.first();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&operation.id),
            cell(&shortened(&operation.clients, 3)),
            operation.count,
            cell(operation.last_seen.as_deref().unwrap_or_default()),
            cell(&error.map(|error| format!("{} ({}:{})", error.message, error.file, error.line)).unwrap_or_default()),
        );
    }
    more(out, operations.broken.len());
}

fn items_table<'a>(out: &mut String, heading: &str, items: impl Iterator<Item = &'a Item>) {
    let items: Vec<&Item> = items.collect();
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "#### {heading}\n\n| | code | message | where |\n|---|---|---|---|");
    for item in items.iter().take(MOST_ROWS) {
        let mark = match item.level {
            ItemLevel::Error => "❌",
            ItemLevel::Warning => "⚠️",
            ItemLevel::Notice => "ℹ️",
        };
        let place = item.location.as_ref().map(|at| format!("`{}`", code(&at.to_string()))).unwrap_or_default();
        let _ = writeln!(out, "| {mark} | {} | {} | {place} |", cell(&item.code), cell(&item.message));
    }
    more(out, items.len());
}

fn more(out: &mut String, number: usize) {
    if number > MOST_ROWS {
        let _ = writeln!(out, "\n… and {} more.", number - MOST_ROWS);
    }
    out.push('\n');
}

fn mark(change: &Change) -> &'static str {
    match change.severity {
        Severity::Breaking | Severity::Dangerous if change.allowed.is_some() => "◌ allowed",
        Severity::Breaking => "❌ breaking",
        Severity::Dangerous => "⚠️ dangerous",
        Severity::Safe => "✅ safe",
    }
}

fn affected(change: &Change) -> String {
    let Some(usage) = &change.usage else { return String::new() };
    let operations = if usage.broken.is_empty() { &usage.affected } else { &usage.broken };
    let clients = if usage.clients.is_empty() { String::new() } else { format!(" ({})", shortened(&usage.clients, 3)) };
    format!("{}{clients}", shortened(operations, 3))
}

fn rollout(change: &Change) -> &'static str {
    match change.rollout.as_ref().map(|rollout| (rollout.first, rollout.mixed_versions)) {
        Some((_, false)) => "not mixed",
        Some((First::Subgraph, _)) => "subgraph first",
        Some((First::Router, _)) => "router first",
        _ => "",
    }
}

/// Text in a table's cell: on one line and without markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // An escaped @ would still mention people.
    out.replace("\\@", "&#64;")
}

/// Text between back quotes in a table's cell.
fn code(text: &str) -> String {
    text.replace(['\n', '\r', '`'], " ").replace('|', "\\|")
}
