//! JUnit XML, for systems that show test reports: one suite per section, one case per finding.

use std::fmt::Write;

use crate::items::{Item, ItemLevel};
use crate::report::Report;

const SECTIONS: [&str; 7] = ["input", "composition", "changes", "operations", "lint", "plans", "contracts"];

pub(super) fn junit(report: &Report) -> String {
    let items = report.items();
    let counts = Counts::of(items.iter());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // A section in which nothing was found is one test that passed.
    let quiet = |section: &&&str| !items.iter().any(|item| item.section == **section);
    let tests = items.len() + SECTIONS.iter().filter(quiet).count();
    let _ = writeln!(out, "<testsuites name=\"schema check\" tests=\"{tests}\" {counts}>");
    for section in SECTIONS {
        let items: Vec<&Item> = items.iter().filter(|item| item.section == section).collect();
        suite(&mut out, section, &items);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, section: &str, items: &[&Item]) {
    let counts = Counts::of(items.iter().copied());
    let tests = items.len().max(1);
    let _ = writeln!(out, "  <testsuite name=\"{section}\" tests=\"{tests}\" {counts}>");
    if items.is_empty() {
        let _ = writeln!(out, "    <testcase classname=\"{section}\" name=\"{section}\"/>");
    }
    for item in items {
        let name = escaped(&format!("{} {}", item.code, item.coordinate));
        let place = item.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "    <testcase classname=\"{section}\" name=\"{}\">", name.trim());
        let text = escaped(&format!("{} {place}", item.message));
        let _ = match item.level {
            ItemLevel::Error => {
                let element = if item.prevents_check { "error" } else { "failure" };
                writeln!(out, "      <{element} type=\"{}\" message=\"{text}\"/>", escaped(&item.code))
            }
            _ => writeln!(out, "      <system-out>{text}</system-out>"),
        };
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

/// Failures are checks that were made and not passed; errors kept a check from being made.
struct Counts {
    failures: usize,
    errors: usize,
}

impl Counts {
    fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let (errors, failures): (Vec<&Item>, Vec<&Item>) =
            items.filter(|item| item.level == ItemLevel::Error).partition(|item| item.prevents_check);
        Self { failures: failures.len(), errors: errors.len() }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failures=\"{}\" errors=\"{}\"", self.failures, self.errors)
    }
}

/// Text in XML. Characters that XML 1.0 cannot hold at all become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
