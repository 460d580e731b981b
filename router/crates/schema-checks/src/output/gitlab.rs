//! GitLab's code quality report (<https://docs.gitlab.com/ci/testing/code_quality/>): a JSON list.

use serde_json::json;

use crate::items::{Item, ItemLevel};
use crate::report::Report;

pub(super) fn gitlab(report: &Report) -> String {
    let entries: Vec<_> = report.items().iter().map(entry).collect();
    let mut text = serde_json::Value::Array(entries).to_string();
    text.push('\n');
    text
}

fn entry(item: &Item) -> serde_json::Value {
    let severity = match item.level {
        ItemLevel::Error => "major",
        ItemLevel::Warning => "minor",
        ItemLevel::Notice => "info",
    };
    // The report must name a file; what has none belongs to the configuration.
    let (path, line) = item.location.as_ref().map_or(("supergraph.yaml", 1), |at| (at.file.as_str(), at.line));
    json!({
        "type": "issue",
        "check_name": item.code,
        "description": item.message,
        "severity": severity,
        "categories": ["Compatibility"],
        "fingerprint": fingerprint(item),
        "location": { "path": path.trim_start_matches("./"), "lines": { "begin": line } },
    })
}

/// The same for the same finding in the next run, even if its line changed: FNV-1a over what identifies it.
fn fingerprint(item: &Item) -> String {
    let file = item.location.as_ref().map_or("", |at| at.file.as_str());
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in [item.section, &item.code, &item.coordinate, file, &item.message].join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}
