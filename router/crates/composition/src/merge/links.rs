//! The links of the supergraph: which specifications it names, what it imports from them, and under which names, so that no two
//! names clash. Knows nothing of definitions.

use super::merger::Merger;
use super::planned_link::PlannedLink;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::link::is_namespace;
use crate::subgraph::spec::{Feature, Known, NEWEST};

/// Federation's features that go to the supergraph, each with its URL and purpose.
const FEATURES: [(Known, &str, Option<&str>); 7] = [
    (Known::Tag, "https://specs.apollo.dev/tag/v0.3", None),
    (Known::Inaccessible, "https://specs.apollo.dev/inaccessible/v0.2", Some("SECURITY")),
    (Known::Authenticated, "https://specs.apollo.dev/authenticated/v0.1", Some("SECURITY")),
    (Known::RequiresScopes, "https://specs.apollo.dev/requiresScopes/v0.1", Some("SECURITY")),
    (Known::Policy, "https://specs.apollo.dev/policy/v0.1", Some("SECURITY")),
    (Known::Context, "https://specs.apollo.dev/context/v0.1", Some("SECURITY")),
    (Known::Cost, "https://specs.apollo.dev/cost/v0.1", None),
];

/// Every supergraph links these under their own names.
const FIXED: [&str; 2] = ["link", "join"];

impl Merger<'_> {
    /// Plans all links, once it is known which directives go to the supergraph.
    pub(super) fn plan_links(&mut self) {
        let mut links: Vec<PlannedLink> = FEATURES
            .iter()
            .filter_map(|(own, url, purpose)| {
                let offered = Feature::Own(*own).directives(NEWEST);
                let used = offered.iter().filter_map(|(known, _)| Some((*known, self.features.name(*known)?)));
                let directives: Vec<_> =
                    used.map(|(known, name)| (known.name().to_string(), name.to_string())).collect();
                let link = PlannedLink::new(Some(*own), url.to_string(), purpose.map(str::to_string), directives);
                (!link.directives.is_empty()).then_some(link)
            })
            .collect();
        links.extend(self.composed.links());
        self.refuse_clashes(&links);
        for at in 0..links.len() {
            let taken = |name: &str| {
                FIXED.contains(&name)
                    || self.features.cache_tags && name == "cacheTag"
                    || links.iter().take(at).any(|other| other.namespace() == name)
                    || links.iter().enumerate().any(|(i, other)| other.hinders(name, i == at))
            };
            if is_namespace(&links[at].default) && taken(&links[at].default) {
                let alias = self.free_name(&links[at].default, &taken);
                links[at].alias = Some(alias);
            }
        }
        self.links = links;
    }

    /// A name that is not used, not even as a prefix.
    fn free_name(&self, name: &str, taken: &impl Fn(&str) -> bool) -> String {
        let used = |candidate: &str| {
            let schemas = self.subgraphs.iter().map(|s| &s.schema);
            let mut names = schemas.flat_map(|schema| schema.types.keys().chain(schema.directives.keys()));
            taken(candidate) || names.any(|name| name.starts_with(candidate))
        };
        let mut number = 2;
        loop {
            let candidate = format!("{name}{number}");
            if !used(&candidate) {
                return candidate;
            }
            number += 1;
        }
    }

    /// Names that readers of the supergraph would take for something else.
    fn refuse_clashes(&mut self, links: &[PlannedLink]) {
        let mut seen: Vec<(&str, &PlannedLink)> = Vec::new();
        let mut errors = Vec::new();
        for link in links {
            for (element, name) in &link.directives {
                let of_fixed =
                    FIXED.iter().find(|fixed| name == *fixed || name.split_once("__").is_some_and(|n| n.0 == **fixed));
                let other = seen.iter().find(|(other, _)| other == name).map(|(_, other)| other.url.as_str());
                let reason = match (of_fixed, other) {
                    (Some(fixed), _) => format!(
                        "names that begin with \"{fixed}\" are for the specification that every supergraph links under that name"
                    ),
                    (None, Some(other)) => {
                        format!("the supergraph has a directive with that name from \"{other}\" already")
                    }
                    (None, None) => {
                        seen.push((name, link));
                        continue;
                    }
                };
                errors.push(
                    Diagnostic::new(
                        Code::INVALID_LINK_DIRECTIVE_USAGE,
                        format!("\"@{element}\" of \"{}\" can't go to the supergraph as \"@{name}\": {reason}.", link.url),
                    )
                    .on(format!("@{name}"))
                    .help(format!("import it under another name in all subgraphs: import: [{{ name: \"@{element}\", as: \"@another\" }}]")),
                );
            }
        }
        self.errors.extend(errors);
    }
}
