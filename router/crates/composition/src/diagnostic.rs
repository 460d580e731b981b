//! What composition reports to a person or a tool: diagnostics with a code, locations, help and edits. Knows no rule.

use std::fmt;

use braid_graphql::suggest::did_you_mean;
use serde::Serialize;

use crate::codes::Code;

/// How much a diagnostic matters. Only errors prevent a supergraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A detail that rarely matters.
    Debug,
    /// Good to know.
    Info,
    /// Probably a mistake.
    Warn,
    /// The subgraphs do not compose.
    Error,
}

/// One error or hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The field's standard code.
    pub code: Code,
    /// Errors stop composition, the other levels are hints.
    pub level: Level,
    /// What is wrong, in one or a few sentences.
    pub message: String,
    /// The schema coordinate it is about, as `Type.field(argument:)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinate: Option<String>,
    /// The locations in the subgraphs' SDL.
    pub locations: Vec<Location>,
    /// How to fix it, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// An edit that, applied as it is, removes the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A stretch of one subgraph's SDL. Lines and columns count from 1, offsets are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Location {
    /// The subgraph's name.
    pub subgraph: String,
    /// Where its SDL came from: a path, a URL, or the subgraph's name.
    pub file: String,
    /// First line.
    pub line: usize,
    /// First column, in characters; beyond the ten thousandth in bytes.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// The column after the last character.
    pub end_column: usize,
    /// First byte.
    pub offset: usize,
    /// The byte after the last.
    pub end_offset: usize,
}

/// Text edits that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What the edits do, in the imperative.
    pub title: String,
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// Replaces a byte range of one subgraph's SDL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Edit {
    /// The subgraph whose SDL changes.
    pub subgraph: String,
    /// First byte replaced.
    pub start: usize,
    /// The byte after the last replaced; equal to `start` for an insertion.
    pub end: usize,
    /// The new text.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic of the code's own level, with nothing but a message yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            level: code.level(),
            message: message.into(),
            coordinate: None,
            locations: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Names the schema element.
    pub fn on(mut self, coordinate: impl Into<String>) -> Self {
        self.coordinate = Some(coordinate.into());
        self
    }

    /// Adds locations, as far as they are known.
    pub fn at(mut self, location: impl IntoIterator<Item = Location>) -> Self {
        for location in location {
            if !self.locations.contains(&location) {
                self.locations.push(location);
            }
        }
        self
    }

    /// Says how to fix it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the edits that fix it, if there are any.
    pub fn fix(mut self, title: impl Into<String>, edits: impl IntoIterator<Item = Edit>) -> Self {
        let edits: Vec<Edit> = edits.into_iter().collect();
        if !edits.is_empty() {
            let title = title.into();
            self.help.get_or_insert_with(|| title.clone());
            self.fix = Some(Fix { title, edits });
        }
        self
    }
}

impl Fix {
    /// The subgraph's SDL with this fix's edits in it.
    pub fn apply(&self, subgraph: &str, sdl: &str) -> String {
        let mut edits: Vec<&Edit> = self.edits.iter().filter(|e| e.subgraph == subgraph).collect();
        edits.sort_by_key(|edit| (edit.start, edit.end));
        let mut out = String::with_capacity(sdl.len() + 64);
        let mut done = 0;
        for edit in edits {
            let (Some(kept), true) = (sdl.get(done..edit.start), edit.end <= sdl.len()) else {
                continue;
            };
            out.push_str(kept);
            out.push_str(&edit.text);
            done = edit.end;
        }
        out.push_str(sdl.get(done..).unwrap_or_default());
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        for at in &self.locations {
            write!(f, "\n  at {} ({}:{}:{})", at.subgraph, at.file, at.line, at.column)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// `"a"`, `"a" and "b"`, or `"a", "b" and "c"`.
pub(crate) fn human_list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("\"{}\"", n.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `subgraph "a"`, or `subgraphs "a" and "b"`.
pub(crate) fn subgraph_list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    let noun = if names.len() == 1 { "subgraph" } else { "subgraphs" };
    format!("{noun} {}", human_list(names))
}

/// The start of a text that may be too long for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// As `did_you_mean`, unless there were so many errors before that this is not a typing mistake but the wrong text.
pub(crate) fn suggestion<'a>(before: &[Diagnostic], given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const MOST_ERRORS: usize = 100;
    match before.len() < MOST_ERRORS {
        true => did_you_mean(given, known),
        false => String::new(),
    }
}
