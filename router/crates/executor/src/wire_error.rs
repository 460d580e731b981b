//! An error as a subgraph wrote it. Knows nothing of what it is about.

use std::ops::Range;

use braid_graphql::error::PathSegment;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::scanner::Scanner;

/// An error of a subgraph, read leniently: a member that is not what the specification says counts as missing.
#[derive(Debug, Default)]
pub(crate) struct WireError {
    pub(crate) message: String,
    pub(crate) path: Vec<PathSegment>,
    pub(crate) code: Option<String>,
    /// All but the code.
    pub(crate) extensions: Vec<(String, Box<RawValue>)>,
}

/// The first `most` errors of the list at `range` of a body, and how many more there are. The list was scanned before.
pub(crate) fn read_errors(
    body: &[u8],
    range: Range<usize>,
    max_nesting: usize,
    most: usize,
) -> (Vec<WireError>, usize) {
    let mut scanner = Scanner { bytes: &body[range], at: 1, max_nesting };
    let (mut errors, mut more) = (Vec::new(), 0);
    scanner.blanks();
    if scanner.peek() == Some(b']') {
        return (errors, more);
    }
    loop {
        let start = scanner.at;
        if scanner.value().is_err() {
            return (errors, more);
        }
        match errors.len() < most {
            true => errors.push(WireError::read(&scanner.bytes[start..scanner.at])),
            false => more += 1,
        }
        if !matches!(scanner.another(b']'), Ok(true)) {
            return (errors, more);
        }
    }
}

impl WireError {
    fn read(raw: &[u8]) -> Self {
        let members: IndexMap<String, &RawValue> = serde_json::from_slice(raw).unwrap_or_default();
        let member = |name: &str| members.get(name).map(|value| value.get());
        let extensions: IndexMap<String, Box<RawValue>> =
            member("extensions").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let code = extensions.get("code").and_then(|code| code_of(code.get()));
        Self {
            message: member("message")
                .and_then(|raw| serde_json::from_str(raw).ok())
                .unwrap_or_else(|| "The subgraph gave an error without a message.".to_owned()),
            path: member("path").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default(),
            code,
            extensions: extensions.into_iter().filter(|(name, _)| name != "code").collect(),
        }
    }
}

/// A code is a string; one that is a number is passed on as its digits.
fn code_of(raw: &str) -> Option<String> {
    let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if is_number { Some(raw.to_owned()) } else { serde_json::from_str(raw).ok() }
}
