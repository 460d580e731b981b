//! GitHub's workflow commands (<https://docs.github.com/actions/reference/workflow-commands>): one annotation per finding.

use std::fmt::Write;

use super::verdict_line::verdict_line;
use crate::items::ItemLevel;
use crate::report::Report;

pub(super) fn github(report: &Report) -> String {
    let mut out = String::new();
    for item in report.items() {
        let command = match item.level {
            ItemLevel::Error => "error",
            ItemLevel::Warning => "warning",
            ItemLevel::Notice => "notice",
        };
        let place = item.location.as_ref().map(|at| {
            let file = property(&at.file);
            // GitHub shows columns only if begin and end are on one line.
            if at.line == at.end_line {
                format!(
                    "file={file},line={},endLine={},col={},endColumn={},",
                    at.line, at.end_line, at.column, at.end_column
                )
            } else {
                format!("file={file},line={},endLine={},", at.line, at.end_line)
            }
        });
        let place = place.unwrap_or_default();
        let _ = writeln!(out, "::{command} {place}title={}::{}", property(&item.code), data(&item.message));
    }
    let _ = writeln!(out, "Schema check {}", data(&verdict_line(report)));
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
