//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), for code scanning.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::change::ChangeKind;
use crate::items::{Item, ItemLevel};
use crate::lint;
use crate::report::Report;

pub(super) fn sarif(report: &Report) -> String {
    let items = report.items();
    let codes: BTreeSet<&str> = items.iter().map(|item| item.code.as_str()).collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = items.iter().map(result).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "braid", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(code: &str) -> Value {
    let change = ChangeKind::ALL.iter().find(|(kind, _)| kind.name() == code).map(|(_, summary)| *summary);
    let linted = || lint::RULES.iter().find(|rule| rule.name == code).map(|rule| rule.summary);
    let summary = change.or_else(linted).unwrap_or(code);
    json!({ "id": code, "shortDescription": { "text": summary } })
}

fn result(item: &Item) -> Value {
    let level = match item.level {
        ItemLevel::Error => "error",
        ItemLevel::Warning => "warning",
        ItemLevel::Notice => "note",
    };
    let mut result = json!({ "ruleId": item.code, "level": level, "message": { "text": item.message } });
    let mut location = json!({});
    if let Some(at) = &item.location {
        location["physicalLocation"] = json!({
            "artifactLocation": { "uri": uri(&at.file) },
            "region": {
                "startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column,
            },
        });
    }
    if !item.coordinate.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": item.coordinate }]);
    }
    if location != json!({}) {
        result["locations"] = json!([location]);
    }
    result
}

/// A path as a relative URI.
fn uri(file: &str) -> String {
    let mut out = String::new();
    for byte in file.trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
