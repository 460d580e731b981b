//! `@tag`: names that contracts can refer to.

use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt};
use crate::subgraph::facts::each_applied;
use crate::subgraph::model::Subgraph;
use crate::subgraph::spec::Known;

/// The longest name that a contract can refer to.
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
        let corrected: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "_-/".contains(c) { c } else { '_' })
            .take(MAX_LENGTH)
            .collect();
        let corrected =
            if valid(&corrected) { corrected } else { format!("_{corrected}").chars().take(MAX_LENGTH).collect() };
        let span = applied.arg("name").and_then(|v| v.location());
        let edit = span.map(|s| subgraph.edit(s.offset(), s.end_offset(), format!("\"{corrected}\"")));
        errors.push(
            problem(subgraph, Code::INVALID_TAG_NAME, format_args!("\"{}\" can't be the name of a tag: contracts refer to tags by a letter or underscore followed by letters, digits and any of _ - /, {MAX_LENGTH} characters at most.", excerpt(name)))
                .at(subgraph.locate(applied.span))
                .help(format!("call the tag \"{corrected}\""))
                .fix(format!("call the tag \"{corrected}\""), edit),
        );
    });
}

fn valid(name: &str) -> bool {
    name.len() <= MAX_LENGTH
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c))
}
