//! Chooses among descriptions: the one that most subgraphs have, then the first by subgraph name.

use std::sync::Arc;

use super::merger::Merger;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;

impl Merger<'_> {
    pub(super) fn merge_description(
        &mut self,
        element: &str,
        texts: &[(usize, Option<&Arc<str>>)],
    ) -> Option<Arc<str>> {
        let mut counted: Vec<(&Arc<str>, Vec<usize>)> = Vec::new();
        for (index, text) in texts.iter().filter_map(|(i, t)| Some((*i, (*t)?))) {
            match counted.iter_mut().find(|(t, _)| *t == text) {
                Some((_, graphs)) => graphs.push(index),
                None => counted.push((text, vec![index])),
            }
        }
        if counted.len() == 1 {
            return counted.first().map(|(text, _)| (*text).clone());
        }
        counted.retain(|(text, _)| !text.is_empty());
        let most = counted.iter().map(|(_, graphs)| graphs.len()).max()?;
        let chosen = counted.iter().find(|(_, graphs)| graphs.len() == most)?;
        let text = chosen.0.clone();
        if counted.len() > 1 {
            let others: Vec<String> = counted
                .iter()
                .filter(|(t, _)| **t != text)
                .map(|(t, graphs)| format!("\"\"\"{t}\"\"\" in {}", self.names(graphs.iter().copied())))
                .collect();
            let name = if element == "schema" { "the schema".into() } else { format!("\"{element}\"") };
            let message = format!(
                "Subgraphs describe {name} in different words. Clients see \"\"\"{text}\"\"\", as in {}, and not {}.",
                self.names(chosen.1.iter().copied()),
                others.join(" or ")
            );
            self.hints.push(
                Diagnostic::new(Code::INCONSISTENT_DESCRIPTION, message)
                    .on(element)
                    .help("use one text in all subgraphs, or describe the element in one of them only"),
            );
        }
        Some(text)
    }
}
