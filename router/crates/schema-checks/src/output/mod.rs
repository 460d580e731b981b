//! Reports as text, for people and for tools. Each form is a function from report to text; none writes anything.

mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod sarif;
mod table;
mod verdict_line;

use crate::report::Report;

pub use self::markdown::markdown;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// The whole report as one documented object.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// GitHub's workflow commands: annotations on the lines.
    GitHub,
    /// GitLab's code quality report.
    GitLab,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test reports.
    JUnit,
}

impl Format {
    /// All forms with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Table, "table"),
        (Self::Json, "json"),
        (Self::Markdown, "markdown"),
        (Self::GitHub, "github"),
        (Self::GitLab, "gitlab"),
        (Self::Sarif, "sarif"),
        (Self::JUnit, "junit"),
    ];

    /// The form of this name.
    pub fn named(name: &str) -> Option<Self> {
        let name = if matches!(name, "human" | "text") { "table" } else { name };
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(format, _)| *format)
    }
}

/// Writes a report. `color` matters to the table only.
pub fn render(report: &Report, format: Format, color: bool) -> String {
    match format {
        Format::Table => table::table(report, color),
        Format::Json => json::json(report),
        Format::Markdown => markdown(report),
        Format::GitHub => github::github(report),
        Format::GitLab => gitlab::gitlab(report),
        Format::Sarif => sarif::sarif(report),
        Format::JUnit => junit::junit(report),
    }
}
