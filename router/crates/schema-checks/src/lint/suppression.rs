//! Exceptions that are written in the schema itself, each with a reason. Knows no rule.
//!
//! ```graphql
//! # lint-disable FIELD_NAMES_SHOULD_BE_CAMEL_CASE -- the partner's API calls it so
//! legacy_id: ID
//! other_id: ID # lint-disable FIELD_NAMES_SHOULD_BE_CAMEL_CASE -- as above
//! third_id: ID @lintIgnore(rules: ["FIELD_NAMES_SHOULD_BE_CAMEL_CASE"], reason: "as above")
//! ```
//!
//! `lint-disable-file` covers its file. Before a type, a comment covers the type and all that it contains.

use super::config::Level;
use super::finding::Finding;
use super::registry;
use super::view::{Element, View};
use crate::location::Location;
use crate::sources::Sources;

/// All exceptions of all files.
pub(super) struct Suppressions {
    entries: Vec<Entry>,
    findings: Vec<Finding>,
}

struct Entry {
    file: usize,
    /// Byte range that it covers.
    start: usize,
    end: usize,
    rules: Vec<String>,
    used: bool,
    location: Location,
}

impl Suppressions {
    pub(super) fn read(sources: &Sources, view: &View<'_>) -> Self {
        let mut suppressions = Self { entries: Vec::new(), findings: Vec::new() };
        for (file, parsed) in sources.files().iter().enumerate() {
            // The syntax tree keeps no comments; the location of any element has the side and the names.
            let template = view.elements.iter().find(|element| element.file == file);
            let Some(template) = template.and_then(|element| sources.location(file, element.span)) else { continue };
            for comment in comments(&parsed.text) {
                suppressions.comment(&comment, file, &parsed.text, &template, view);
            }
        }
        for element in &view.elements {
            suppressions.directive(element, sources);
        }
        suppressions
    }

    /// Whether a finding of `rule` on the element is suppressed.
    pub(super) fn covers(&mut self, rule: &str, element: &Element<'_>) -> bool {
        let at = element.span.offset();
        let covering = self.entries.iter_mut().find(|entry| {
            entry.file == element.file
                && (entry.start..entry.end).contains(&at)
                && entry.rules.iter().any(|r| r == rule)
        });
        covering.map(|entry| entry.used = true).is_some()
    }

    /// What is wrong with the exceptions themselves.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut findings = self.findings;
        for entry in self.entries.into_iter().filter(|entry| !entry.used) {
            let message = format!("Nothing here breaks {}.", entry.rules.join(", "));
            let help = "Remove the exception.";
            findings.push(finding("UNUSED_LINT_SUPPRESSION", Level::Info, message, help, entry.location));
        }
        findings
    }

    fn comment(&mut self, comment: &Comment<'_>, file: usize, text: &str, template: &Location, view: &View<'_>) {
        let (whole_file, rest) = match comment.text.trim().strip_prefix("lint-disable") {
            None => return,
            Some(rest) => match rest.strip_prefix("-file") {
                Some(rest) => (true, rest),
                None => (false, rest.strip_prefix("-next-line").unwrap_or(rest)),
            },
        };
        let (rules, reason) = rest.split_once("--").map_or((rest, ""), |(rules, reason)| (rules, reason.trim()));
        let rules = rules.split([',', ' ', '\t']).filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
        let location = Location {
            line: comment.line,
            column: comment.column,
            end_line: comment.line,
            end_column: comment.column + comment.text.chars().count() + 1,
            ..template.clone()
        };
        let range = if whole_file {
            (0, text.len())
        } else if comment.alone {
            covered_after(comment.end, text, file, view)
        } else {
            (comment.line_start, comment.end)
        };
        self.add(file, range, rules, !reason.is_empty(), location);
    }

    fn directive(&mut self, element: &Element<'_>, sources: &Sources) {
        for directive in element.directives.into_iter().flat_map(|list| list.get_all("lintIgnore")) {
            let argument = |name: &str| directive.specified_argument_by_name(name);
            let rules = argument("rules").and_then(|value| value.as_list()).unwrap_or_default();
            let rules = rules.iter().filter_map(|rule| rule.as_str().map(str::to_owned)).collect();
            let reasoned =
                argument("reason").and_then(|value| value.as_str()).is_some_and(|text| !text.trim().is_empty());
            let Some(location) = sources.location(element.file, element.span) else { continue };
            let range = (element.whole.offset(), element.whole.end_offset());
            self.add(element.file, range, rules, reasoned, location);
        }
    }

    fn add(
        &mut self,
        file: usize,
        (start, end): (usize, usize),
        rules: Vec<String>,
        reasoned: bool,
        location: Location,
    ) {
        let unknown = rules.iter().find(|rule| !registry::ALL.iter().any(|known| known.name == rule.as_str()));
        let (rule, message, help) = if let Some(unknown) = unknown {
            let message = format!("There is no lint rule \"{unknown}\".");
            ("UNKNOWN_LINT_RULE", message, "`braid lint --list` lists them.")
        } else if rules.is_empty() {
            let message = "The exception names no rule.".to_owned();
            ("LINT_SUPPRESSION_WITHOUT_RULE", message, "Write `# lint-disable RULE -- reason`.")
        } else if !reasoned {
            let message = "The exception gives no reason, so it does not count.".to_owned();
            ("LINT_SUPPRESSION_WITHOUT_REASON", message, "Write `# lint-disable RULE -- reason`.")
        } else {
            return self.entries.push(Entry { file, start, end, rules, used: false, location });
        };
        self.findings.push(finding(rule, Level::Warn, message, help, location));
    }
}

/// The element that follows a comment of its own line, with everything in it.
fn covered_after(offset: usize, text: &str, file: usize, view: &View<'_>) -> (usize, usize) {
    let following = view.elements.iter().filter(|element| element.file == file && element.whole.offset() >= offset);
    // Of those that begin at the same offset, the outermost.
    let next = following.min_by_key(|element| (element.whole.offset(), usize::MAX - element.whole.end_offset()));
    let Some(next) = next else { return (offset, offset) };
    // Only comments and white space may be between.
    let between = text.get(offset..next.whole.offset()).unwrap_or_default();
    let clear = between.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if clear { (next.whole.offset(), next.whole.end_offset()) } else { (offset, offset) }
}

fn finding(rule: &str, level: Level, message: String, help: &str, location: Location) -> Finding {
    Finding { rule: rule.to_owned(), level, coordinate: String::new(), message, help: help.to_owned(), location }
}

struct Comment<'a> {
    text: &'a str,
    line: usize,
    column: usize,
    /// Where its line begins and the comment ends, in bytes.
    line_start: usize,
    end: usize,
    /// Nothing else is on the line.
    alone: bool,
}

/// All comments of a text. A `#` in a string is none.
fn comments(text: &str) -> Vec<Comment<'_>> {
    let mut found = Vec::new();
    let mut in_block = false;
    let mut line_start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let content = line.trim_end_matches(['\n', '\r']);
        if let Some(at) = comment_start(content, &mut in_block) {
            found.push(Comment {
                text: &content[at + 1..],
                line: index + 1,
                column: content[..at].chars().count() + 1,
                line_start,
                end: line_start + content.len(),
                alone: content[..at].trim().is_empty(),
            });
        }
        line_start += line.len();
    }
    found
}

/// Where a comment begins on a line, and whether a block string is open at its end.
fn comment_start(line: &str, in_block: &mut bool) -> Option<usize> {
    let mut in_string = false;
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let step = if *in_block && rest.starts_with("\\\"\"\"") {
            4
        } else if !in_string && rest.starts_with("\"\"\"") {
            *in_block = !*in_block;
            3
        } else if *in_block {
            rest.chars().next().map_or(1, char::len_utf8)
        } else if in_string && rest.starts_with('\\') {
            1 + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else if rest.starts_with('"') {
            in_string = !in_string;
            1
        } else if !in_string && rest.starts_with('#') {
            return Some(at);
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
    }
    None
}
