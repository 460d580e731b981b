//! `@tag`: names that contracts can refer to.

use super::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::facts::each_applied;
use crate::subgraph::model::Subgraph;
use crate::subgraph::spec::Known;

/// As long as names in contracts may be.
const MAX_LENGTH: usize = 128;

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    each_applied(&subgraph.schema, |applied| {
        if applied.known != Some(Known::Tag) {
            return;
        }
        let Some(name) = applied.str_arg("name") else { return };
        if valid(name) {
            return;
        }
        let mended: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "_-/".contains(c) { c } else { '_' })
            .take(MAX_LENGTH)
            .collect();
        let mended = if valid(&mended) { mended } else { format!("_{mended}").chars().take(MAX_LENGTH).collect() };
        let span = applied.arg("name").and_then(|v| v.location());
        let edit = span.map(|s| subgraph.edit(s.offset(), s.end_offset(), format!("\"{mended}\"")));
        errors.push(
            problem(subgraph, Code::INVALID_TAG_NAME, format_args!("Invalid tag name \"{name}\": a tag starts with a letter or underscore and goes on with letters, digits, underscores, hyphens or slashes, {MAX_LENGTH} characters at most"))
                .at(subgraph.locate(applied.span))
                .help(format!("call the tag \"{mended}\""))
                .fix(format!("call the tag \"{mended}\""), edit),
        );
    });
}

fn valid(name: &str) -> bool {
    name.len() <= MAX_LENGTH
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c))
}
