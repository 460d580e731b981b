//! Input that cannot be used: what is wrong with it and where. Knows nothing of checks.

use serde::Serialize;

/// Something of the input that could not be read. The rest is still checked, but the check does not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
    /// The file, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Problem {
    /// A problem without a location.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), file: None, line: None, column: None }
    }

    /// A problem of a whole file.
    pub fn in_file(code: &str, message: impl Into<String>, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..Self::new(code, message) }
    }

    /// A problem at a location.
    pub fn at(code: &str, message: impl Into<String>, file: &str, (line, column): (usize, usize)) -> Self {
        Self { line: Some(line), column: Some(column), ..Self::in_file(code, message, file) }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(file)?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}
