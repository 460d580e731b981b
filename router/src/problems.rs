//! Why a new version can't be used, for those who show it: a terminal, the page. Decides nothing.

use std::sync::Arc;

use annotate_snippets::Renderer;
use braid_composition::{Diagnostic, SubgraphSdl};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::excerpt::with_excerpts;

/// The maximum number of errors that the page shows.
const MAX_SHOWN: usize = 50;

/// What stands in the way of a new version.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// All of it in a sentence.
    pub message: String,
    /// If subgraphs do not compose: the errors.
    pub errors: Vec<Diagnostic>,
    /// What may be a mistake too.
    pub hints: Vec<Diagnostic>,
    /// The subgraphs, so that errors can quote their schemas.
    pub subgraphs: Vec<SubgraphSdl>,
}

/// How things stand.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// How many versions took the place of another one.
    pub swaps: u64,
    /// What stands in the way of the next one.
    pub problem: Option<Arc<Problem>>,
}

/// Tells how things stand to whoever wants to know. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    standing: Arc<watch::Sender<Standing>>,
    /// Whether somebody shows problems in full, so that the log need not.
    pub(crate) are_shown: bool,
}

impl Problems {
    /// For somebody who shows problems in full.
    pub fn shown() -> Self {
        Self { are_shown: true, ..Self::default() }
    }

    /// Sees each change from now on.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// A new version can't be used.
    pub(crate) fn found(&self, problem: Problem) {
        self.standing.send_if_modified(|standing| {
            let is_new = standing.problem.as_deref() != Some(&problem);
            if is_new {
                standing.problem = Some(Arc::new(problem));
            }
            is_new
        });
    }

    /// What there is can be used. `is_swapped`: it is a new version.
    pub(crate) fn gone(&self, is_swapped: bool) {
        self.standing.send_if_modified(|standing| {
            let had_problem = standing.problem.take().is_some();
            standing.swaps += u64::from(is_swapped);
            had_problem || is_swapped
        });
    }

    /// How things stand, for the page.
    pub(crate) fn to_json(&self) -> Value {
        let Standing { swaps, problem } = self.standing.borrow().clone();
        let problem = problem.map(|problem| {
            let error = |error: &Diagnostic| {
                json!({
                    "code": error.code.as_str(),
                    "message": error.message,
                    "help": error.help,
                    "excerpt": with_excerpts(error, &problem.subgraphs, &Renderer::plain()).trim_end(),
                })
            };
            let errors: Vec<Value> = problem.errors.iter().take(MAX_SHOWN).map(error).collect();
            json!({ "message": problem.message, "errors": errors, "more": problem.errors.len() - errors.len() })
        });
        json!({ "version": swaps, "problem": problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(message: &str) -> Problem {
        Problem { message: message.to_owned(), errors: Vec::new(), hints: Vec::new(), subgraphs: Vec::new() }
    }

    #[test]
    fn only_changes_are_told() {
        let problems = Problems::default();
        let mut seen = problems.watch();
        problems.gone(false);
        assert!(!seen.has_changed().unwrap(), "nothing was wrong");
        problems.found(problem("a"));
        assert!(seen.has_changed().unwrap());
        seen.mark_unchanged();
        problems.found(problem("a"));
        assert!(!seen.has_changed().unwrap(), "the same problem");
        problems.found(problem("b"));
        assert_eq!(problems.to_json()["problem"]["message"], "b");
        problems.gone(true);
        assert_eq!(problems.to_json(), json!({ "version": 1, "problem": null }));
    }
}
