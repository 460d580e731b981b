//! A paragraph and an example for every code, for people who have not read the documents of federation. Each entry is looked up by
//! its code and read by itself.

mod entry;
mod hints;
mod merging;
mod subgraph;
mod supergraph;

use std::fmt::Write;

use crate::codes::{Code, summary};
use crate::diagnostic::Level;

/// What a code means and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// One sentence.
    pub summary: &'static str,
    /// Why it matters and how to fix it.
    pub text: &'static str,
    /// SDL that raises it, and what is right.
    pub example: &'static str,
}

/// Explains a code.
pub fn explain(code: Code) -> Explanation {
    let all = [subgraph::TEXTS, merging::TEXTS, supergraph::TEXTS, hints::TEXTS];
    let entry = all.into_iter().flatten().find(|(known, ..)| *known == code);
    let (text, example) = entry.map_or(("", ""), |(_, text, example)| (*text, *example));
    Explanation { code, summary: summary(code), text, example }
}

/// The page of all codes, in Markdown.
pub fn codes_page() -> String {
    let mut page = String::from(
        "# Composition codes\n\nGenerated from the code by a test of `braid-composition`; `braid compose --explain CODE` prints one entry.\n",
    );
    for (title, wanted) in [("Errors", true), ("Hints", false)] {
        let _ = write!(page, "\n## {title}\n");
        for code in Code::ALL.iter().copied().filter(|c| (c.level() == Level::Error) == wanted) {
            let Explanation { summary, text, example, .. } = explain(code);
            let level = match code.level() {
                Level::Error => "",
                Level::Warn => " (warning)",
                Level::Info => " (information)",
                Level::Debug => " (detail)",
            };
            let _ = write!(page, "\n### {code}{level}\n\n{summary} {text}\n\n```graphql\n{example}\n```\n");
        }
    }
    page
}
