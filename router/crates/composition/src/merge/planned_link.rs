//! A link of the supergraph before it is written: the names that it defines. Knows no other link.

use braid_supergraph::join_spec::draft::DraftLink;

use crate::subgraph::spec::Known;

/// A link of the supergraph that is not yet written.
#[derive(Clone, Debug)]
pub(super) struct PlannedLink {
    /// The directive that one of federation's features is named after; `None` for a custom specification.
    pub(super) own: Option<Known>,
    pub(super) url: String,
    purpose: Option<String>,
    /// Each directive's name in the specification, and here, without `@`.
    pub(super) directives: Vec<(String, String)>,
    /// The name that the URL gives.
    pub(super) default: String,
    /// The name here, if the default is taken.
    pub(super) alias: Option<String>,
}

impl PlannedLink {
    pub(super) fn new(
        own: Option<Known>,
        url: String,
        purpose: Option<String>,
        directives: Vec<(String, String)>,
    ) -> Self {
        let default = url.rsplit('/').nth(1).unwrap_or_default().to_string();
        PlannedLink { own, url, purpose, directives, default, alias: None }
    }

    /// The prefix of names that are not imported.
    pub(super) fn namespace(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.default)
    }

    pub(super) fn write(&self) -> DraftLink {
        // Federation's features are known by their names. Of others, some readers know only what is imported.
        let is_plain = |(element, name): &&(String, String)| {
            self.own.is_some() && self.alias.is_none() && *element == self.default && element == name
        };
        let imports = self.directives.iter().filter(|directive| !is_plain(directive));
        DraftLink {
            url: self.url.clone(),
            alias: self.alias.clone(),
            imports: imports
                .map(|(element, name)| (format!("@{element}"), (element != name).then(|| format!("@{name}"))))
                .collect(),
            purpose: self.purpose.clone(),
        }
    }

    /// Whether one of its directives would be read as something else if a link had this name.
    pub(super) fn hinders(&self, namespace: &str, same_link: bool) -> bool {
        self.directives.iter().any(|(element, name)| match name.split_once("__") {
            Some((prefix, rest)) => prefix == namespace && !(same_link && rest == element),
            None => name == namespace && !(same_link && *element == self.default),
        })
    }
}
