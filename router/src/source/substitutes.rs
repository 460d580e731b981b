//! Schemas that take the place of those that running subgraphs give: of subgraphs that are not asked, and of those that can't be reached.
//! Reads no file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where else schemas of running subgraphs come from.
#[derive(Debug, Clone, Default)]
pub struct Substitutes {
    /// These subgraphs are not asked: their schema is in a file.
    pub instead: BTreeMap<String, PathBuf>,
    /// No subgraph is asked: all schemas are in this folder, as `NAME/schema.graphql`.
    pub folder: Option<PathBuf>,
    /// The files for subgraphs that can't be reached.
    pub otherwise: BTreeMap<String, PathBuf>,
    /// What subgraphs gave before, for when they can't be reached any more.
    pub seen: Option<SeenSchemas>,
}

/// The schemas that subgraphs gave last, by name.
#[derive(Debug, Clone, Default)]
pub struct SeenSchemas(Arc<Mutex<BTreeMap<String, String>>>);

/// What there is for a subgraph that can't be reached.
#[derive(Debug)]
pub(super) enum Substitute {
    File(PathBuf),
    Sdl(String),
}

impl Substitutes {
    /// The file for a subgraph that is not asked.
    pub(super) fn instead(&self, subgraph: &str) -> Option<PathBuf> {
        let in_folder = || Some(self.folder.as_ref()?.join(subgraph).join("schema.graphql"));
        self.instead.get(subgraph).cloned().or_else(in_folder)
    }

    /// What there is for a subgraph that can't be reached. What it gave itself is newer than a file.
    pub(super) fn otherwise(&self, subgraph: &str) -> Option<Substitute> {
        let seen = self.seen.as_ref().and_then(|seen| seen.get(subgraph)).map(Substitute::Sdl);
        seen.or_else(|| self.otherwise.get(subgraph).cloned().map(Substitute::File))
    }

    pub(super) fn remember(&self, subgraph: &str, sdl: &str) {
        if let Some(SeenSchemas(seen)) = &self.seen {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(subgraph.to_owned(), sdl.to_owned());
        }
    }
}

impl SeenSchemas {
    fn get(&self, subgraph: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(subgraph).cloned()
    }
}
