//! An operation that clients are known to send. Knows neither where it was read from nor any schema.

/// An operation that some client sends.
#[derive(Debug, Clone, Default)]
pub struct KnownOperation {
    /// Its name in reports: its own if it has one, else its location.
    pub id: String,
    /// The operation with the fragments that it needs; absent when a usage log only says which fields it uses.
    pub text: Option<String>,
    /// Where each stretch of `text` was taken from.
    pub segments: Vec<Segment>,
    /// The coordinates that the usage log says it uses.
    pub fields: Vec<String>,
    /// The clients that send it.
    pub clients: Vec<String>,
    /// How often it was sent, as far as is known.
    pub count: u64,
    /// When it was last sent, as the usage log says it.
    pub last_seen: Option<String>,
    /// The file that it was first found in.
    pub file: String,
    /// The line in that file.
    pub line: usize,
    /// The fragments that it spreads and that no file has.
    pub missing_fragments: Vec<String>,
    /// The fragments that it spreads and that several files have, each another one.
    pub ambiguous_fragments: Vec<String>,
}

/// Lines of an operation's text that were taken from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The first line in the text, from 1.
    pub first_line: usize,
    /// The file.
    pub file: String,
    /// The line in the file that the first line was.
    pub file_line: usize,
}

impl KnownOperation {
    /// Where a line of the text is in the files.
    pub(crate) fn origin(&self, line: usize) -> (&str, usize) {
        let segment = self.segments.iter().rev().find(|segment| segment.first_line <= line);
        match segment {
            Some(segment) => (&segment.file, segment.file_line + line - segment.first_line),
            None => (&self.file, self.line),
        }
    }
}
