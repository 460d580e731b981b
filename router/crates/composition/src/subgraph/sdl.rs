//! A subgraph as composition receives it. Knows nothing of its content.

use serde::Deserialize;

/// One subgraph as composition receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SubgraphSdl {
    /// The subgraph's name, unique in the supergraph.
    pub name: String,
    /// Where the router reaches it.
    #[serde(default)]
    pub url: String,
    /// Its schema.
    pub sdl: String,
    /// The name of the SDL's source in diagnostics: a path or a URL. The subgraph's name if absent.
    #[serde(default)]
    pub file: Option<String>,
}

impl SubgraphSdl {
    pub(crate) fn file(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.name)
    }
}
