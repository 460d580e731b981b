//! The whole report as JSON, in the documented form.

use crate::report::Report;

pub(super) fn json(report: &Report) -> String {
    // Maps have text keys and no float is ever not a number, so that nothing here fails to serialize.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
    text.push('\n');
    text
}
