//! `@composeDirective`: which custom directives go to the supergraph, and whose definition is used.

use std::sync::Arc;

use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::{DraftDirective, DraftInput};
use indexmap::IndexMap;

use super::merger::Merger;
use super::planned_link::PlannedLink;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, subgraph_list};
use crate::subgraph::link::Link;
use crate::subgraph::model::{Applied, DirectiveDef, Directives, Subgraph};
use crate::subgraph::spec::{HOST, Known};

/// A directive that a subgraph wants composed.
struct Item<'a> {
    index: usize,
    /// Without `@`, as this subgraph calls it.
    name: String,
    element: String,
    link: &'a Link,
    definition: &'a DirectiveDef,
    applied: &'a Applied,
}

/// Directives of federation that are always composed.
const KEPT_ANYWAY: [Known; 6] =
    [Known::Tag, Known::Inaccessible, Known::Authenticated, Known::RequiresScopes, Known::Policy, Known::Context];

/// Who decides about the directives of a specification, if not the subgraphs.
#[derive(Clone, Copy)]
enum Owner {
    Federation,
    /// It is part of every supergraph.
    Supergraph,
}

impl Owner {
    fn of(link: &Link) -> Option<Owner> {
        let name = link.identity.strip_prefix(HOST)?;
        match name {
            "core" | "join" | "link" => Some(Owner::Supergraph),
            "source" => Some(Owner::Federation),
            _ => link.feature.map(|_| Owner::Federation),
        }
    }
}

impl<'a> Merger<'a> {
    pub(super) fn compose_directives(&mut self) {
        let subgraphs = self.subgraphs;
        let mut items: Vec<Item<'a>> = Vec::new();
        for (index, subgraph) in subgraphs.iter().enumerate() {
            for applied in subgraph.schema.all(Known::ComposeDirective) {
                if let Some(item) = self.compose_item(index, subgraph, applied) {
                    items.push(item);
                }
            }
        }
        self.hint_majors(&items);
        let mut by_name: IndexMap<String, Vec<&Item<'a>>> = IndexMap::new();
        for item in &items {
            by_name.entry(item.name.clone()).or_default().push(item);
        }
        let mut features: IndexMap<String, Vec<&Item<'a>>> = IndexMap::new();
        for item in &items {
            features.entry(item.link.identity.clone()).or_default().push(item);
        }
        let mut bad_features = Vec::new();
        for (identity, users) in &features {
            let majors: std::collections::BTreeSet<u32> = users.iter().map(|i| i.link.version.major).collect();
            if majors.len() > 1 {
                self.compose_error(
                    format!(
                        "Subgraphs compose directives of different major versions of \"{identity}\": {}. The supergraph can follow only one.",
                        self.versions(users.iter().map(|i| (i.index, i.link)))
                    ),
                    users,
                    "link the same major version in every subgraph that uses @composeDirective for it",
                );
                bad_features.push(identity.clone());
            }
        }
        for (name, users) in &by_name {
            if users.iter().any(|i| bad_features.contains(&i.link.identity)) {
                continue;
            }
            if self.consistent(name, users, &items) {
                self.admit_composed(name, users);
            }
        }
        let mut linked: IndexMap<String, Vec<&Item<'a>>> = IndexMap::new();
        for item in items.iter().filter(|i| self.composed.definitions.contains_key(i.name.as_str())) {
            linked.entry(item.link.identity.clone()).or_default().push(item);
        }
        for users in linked.values() {
            self.link_composed(users);
        }
    }

    fn compose_error(&mut self, message: String, users: &[&Item<'a>], help: &str) {
        let at: Vec<_> = users.iter().filter_map(|i| self.locate(i.index, i.applied.span)).collect();
        self.errors.push(Diagnostic::new(Code::DIRECTIVE_COMPOSITION_ERROR, message).at(at).help(help));
    }

    fn compose_item(&mut self, index: usize, subgraph: &'a Subgraph, applied: &'a Applied) -> Option<Item<'a>> {
        let remove = crate::validate::edits::remove_application(subgraph, applied);
        let mut fail = |message: String, help: &str, edit| {
            self.errors.push(
                Diagnostic::new(Code::DIRECTIVE_COMPOSITION_ERROR, message)
                    .at(subgraph.locate(applied.span))
                    .help(help)
                    .fix(help, edit),
            );
            None
        };
        let given = applied.str_arg("name").unwrap_or_default();
        if given.is_empty() {
            return fail(
                format!("[{}] @composeDirective does not say which directive to keep.", subgraph.name),
                "name the directive, for example @composeDirective(name: \"@mine\")",
                None,
            );
        }
        let Some(name) = given.strip_prefix('@') else {
            let edit = applied
                .arg("name")
                .and_then(|v| v.location())
                .map(|span| subgraph.edit(span.offset(), span.end_offset(), format!("\"@{given}\"")));
            return fail(
                format!("[{}] @composeDirective(name: \"{given}\") names a directive without its @.", subgraph.name),
                "put an @ before the name",
                edit,
            );
        };
        let Some(definition) = subgraph.schema.directives.get(name) else {
            return fail(
                format!(
                    "[{}] @composeDirective asks to keep \"{given}\", but the subgraph defines no such directive.{}",
                    subgraph.name,
                    braid_graphql::suggest::did_you_mean(name, subgraph.schema.directives.keys().map(Name::as_str))
                ),
                "define the directive, or remove this @composeDirective",
                remove,
            );
        };
        let Some((link, element)) = subgraph.links.source_of(name) else {
            if definition.known.is_some() {
                return fail(
                    format!(
                        "[{}] @composeDirective is for directives of your own, but \"{given}\" belongs to federation: composition decides whether it is kept.",
                        subgraph.name
                    ),
                    "remove this @composeDirective",
                    remove,
                );
            }
            return fail(
                format!(
                    "[{}] \"{given}\" can't be kept in the supergraph: it is not imported by a @link, so composition can't know whether subgraphs mean the same directive.",
                    subgraph.name
                ),
                "@link a specification of your own (any URL that ends in name/v1.0) and import the directive from it",
                remove,
            );
        };
        let Some(owner) = Owner::of(link) else {
            let clash = [Known::Tag, Known::Inaccessible].into_iter().find_map(|known| {
                let calls_it_so = |s: &&Arc<Subgraph>| s.federation_name(known).as_deref() == Some(given);
                let graphs: Vec<&str> = self.subgraphs.iter().filter(calls_it_so).map(|s| &*s.name).collect();
                (!graphs.is_empty()).then(|| subgraph_list(graphs))
            });
            if let Some(graphs) = clash {
                return fail(
                    format!(
                        "[{}] Your own \"{given}\" can't be kept in the supergraph: \"{given}\" is federation's in {graphs}, and both would have the same name there.",
                        subgraph.name
                    ),
                    "import your directive under another name, for example { name: \"@tag\", as: \"@myTag\" }",
                    None,
                );
            }
            return Some(Item { index, name: name.to_string(), element, link, definition, applied });
        };
        if KEPT_ANYWAY.iter().any(|known| subgraph.federation_name(*known).as_deref() == Some(given)) {
            let hint = Diagnostic::new(
                Code::DIRECTIVE_COMPOSITION_INFO,
                format!(
                    "[{}] @composeDirective(name: \"{given}\") has no effect: federation keeps \"{given}\" anyway.",
                    subgraph.name
                ),
            );
            self.hints.push(hint.at(subgraph.locate(applied.span)).help("remove this @composeDirective"));
            return None;
        }
        let owner = match owner {
            Owner::Federation => "belongs to federation: composition decides whether it is kept",
            Owner::Supergraph => "belongs to a specification that composition itself writes into the supergraph",
        };
        fail(
            format!("[{}] @composeDirective is for directives of your own, but \"{given}\" {owner}.", subgraph.name),
            "remove this @composeDirective",
            remove,
        )
    }

    /// Specifications that are not composed may differ, but users should know.
    fn hint_majors(&mut self, items: &[Item<'a>]) {
        let mut majors: IndexMap<&str, Vec<(usize, &Link)>> = IndexMap::new();
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            for link in subgraph.links.list.iter().filter(|l| l.feature.is_none()) {
                majors.entry(&link.identity).or_default().push((index, link));
            }
        }
        let mut hints = Vec::new();
        for (identity, users) in majors {
            let composed: std::collections::BTreeSet<u32> =
                items.iter().filter(|i| i.link.identity == identity).map(|i| i.link.version.major).collect();
            // That is reported as an error.
            if composed.len() > 1 {
                continue;
            }
            let distinct: std::collections::BTreeSet<u32> = users.iter().map(|(_, l)| l.version.major).collect();
            if distinct.len() > 1 {
                let at: Vec<_> = users.iter().filter_map(|(i, l)| self.locate(*i, l.span)).collect();
                hints.push(
                    Diagnostic::new(
                        Code::DIRECTIVE_COMPOSITION_INFO,
                        format!("Subgraphs link different major versions of \"{identity}\": {}. This is harmless, since none of its directives is composed.", self.versions(users.iter().copied())),
                    )
                    .at(at)
                    .help("link the same major version in all subgraphs if they should mean the same"),
                );
            }
        }
        self.hints.extend(hints);
    }

    /// One name, one directive; one directive, one name.
    fn consistent(&mut self, name: &str, users: &[&Item<'a>], items: &[Item<'a>]) -> bool {
        let mut good = true;
        if users.iter().any(|i| i.link.identity != users[0].link.identity) {
            self.compose_error(
                format!(
                    "\"@{name}\" is to be kept in the supergraph, but subgraphs import it from different specifications: {}.",
                    self.by_text(users.iter().map(|i| (i.index, format!("\"{}\"", i.link.identity))))
                ),
                users,
                "import the directive from the same specification in all subgraphs",
            );
            good = false;
        }
        if users.iter().any(|i| i.element != users[0].element) {
            self.compose_error(
                format!(
                    "\"@{name}\" is to be kept in the supergraph, but is imported from different directives of \"{}\": {}.",
                    users[0].link.identity,
                    self.by_text(users.iter().map(|i| (i.index, format!("\"@{}\"", i.element))))
                ),
                users,
                "import the same directive under this name in all subgraphs",
            );
            good = false;
        }
        let aliases: Vec<&Item<'a>> = items
            .iter()
            .filter(|i| i.name != name && i.link.identity == users[0].link.identity && i.element == users[0].element)
            .collect();
        if let Some(other) = aliases.first() {
            if name < other.name.as_str() {
                let mut all = users.to_vec();
                all.extend(aliases.iter().copied());
                self.compose_error(
                    format!("One directive that is to be kept in the supergraph has several names: \"@{name}\" in {}, but \"@{}\" in {}.", self.names(users.iter().map(|i| i.index)), other.name, self.names(aliases.iter().map(|i| i.index))),
                    &all,
                    "import the directive under the same name in all subgraphs",
                );
            }
            good = false;
        }
        if good {
            self.warn_other_names(name, users);
        }
        good
    }

    fn warn_other_names(&mut self, name: &str, users: &[&Item<'a>]) {
        let mut hints = Vec::new();
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            if users.iter().any(|i| i.index == index) {
                continue;
            }
            let link = subgraph.links.list.iter().find(|l| l.identity == users[0].link.identity);
            let other = link.and_then(|l| l.name_in_schema(&format!("@{}", users[0].element)));
            if let (Some(link), Some(other)) = (link, other)
                && other != format!("@{name}")
                && subgraph.schema.directives.contains_key(other.trim_start_matches('@'))
            {
                hints.push(
                    Diagnostic::new(
                        Code::DIRECTIVE_COMPOSITION_WARN,
                        format!("\"@{name}\" goes to the supergraph, but {} calls the same directive \"{other}\", and its applications there are dropped.", self.names([index])),
                    )
                    .at(subgraph.locate(link.span))
                    .help(format!("import it as \"@{name}\"")),
                );
            }
        }
        self.hints.extend(hints);
    }

    /// Which versions are linked, and where.
    fn versions<'l>(&self, links: impl Iterator<Item = (usize, &'l Link)>) -> String {
        self.by_text(links.map(|(index, link)| (index, format!("v{}.{}", link.version.major, link.version.minor))))
    }

    fn admit_composed(&mut self, name: &str, users: &[&Item<'a>]) {
        // The newest linked version of the specification counts, whichever subgraph links it.
        let newest = self
            .subgraphs
            .iter()
            .enumerate()
            .filter_map(|(i, s)| Some((i, s.links.list.iter().find(|l| l.identity == users[0].link.identity)?)))
            .filter(|(_, l)| l.version.major == users[0].link.version.major)
            .max_by_key(|(i, l)| (l.version.minor, usize::MAX - i));
        let definition = match newest {
            Some((index, link))
                if link.version.minor > users.iter().map(|u| u.link.version.minor).max().unwrap_or(0) =>
            {
                match self.subgraphs[index].schema.directives.get(name) {
                    Some(definition) => definition,
                    None => {
                        self.compose_error(
                            format!(
                                "The definition of \"@{name}\" is taken from the newest linked version of its specification, but subgraph \"{}\", which links that, does not define it.",
                                self.name(index)
                            ),
                            users,
                            "define the directive there too, or link the same version in all subgraphs",
                        );
                        return;
                    }
                }
            }
            _ => match users.iter().max_by_key(|u| (u.link.version.minor, u.index)) {
                Some(user) => user.definition,
                None => return,
            },
        };
        self.composed.asked.insert(definition.name.clone(), users.iter().map(|u| u.index).collect());
        let mut definition = definition.clone();
        // Applications come from all of them, and each must be allowed at its location.
        for location in users.iter().flat_map(|user| &user.definition.locations) {
            if !definition.locations.contains(location) {
                definition.locations.push(*location);
            }
        }
        self.composed.definitions.insert(definition.name.clone(), definition);
    }

    fn link_composed(&mut self, users: &[&Item<'a>]) {
        let Some(newest) = users.iter().max_by_key(|u| u.link.version.minor) else { return };
        let mut directives: Vec<(String, String)> =
            users.iter().map(|user| (user.element.clone(), user.name.clone())).collect();
        directives.sort();
        directives.dedup();
        let identity = &newest.link.identity;
        let url = self
            .subgraphs
            .iter()
            .flat_map(|s| &s.links.list)
            .filter(|l| l.identity == *identity && l.version.major == newest.link.version.major)
            .max_by_key(|l| l.version.minor)
            .map_or_else(|| newest.link.url.clone(), |l| l.url.clone());
        self.composed.links.push(PlannedLink::new(None, url, newest.link.purpose.clone(), directives));
    }

    /// Enums that composed directives take are used as inputs.
    pub(super) fn note_composed_enums(&mut self) {
        for definition in self.composed.definitions.clone().into_values() {
            for argument in definition.args.values() {
                self.note_enum_use(&argument.ty, true, || format!("@{}({}:)", definition.name, argument.name));
            }
        }
    }

    pub(super) fn define_composed(&mut self) {
        for definition in self.composed.definitions.clone().into_values() {
            let draft = DraftDirective {
                name: definition.name.clone(),
                description: definition.description.clone(),
                args: definition
                    .args
                    .values()
                    .map(|a| DraftInput {
                        name: a.name.clone(),
                        description: a.description.clone(),
                        ty: a.ty.clone(),
                        default: a.default.clone(),
                        applied: Vec::new(),
                    })
                    .collect(),
                repeatable: definition.repeatable,
                locations: definition.locations.clone(),
                internal: false,
            };
            // An executable directive may have been merged under the same name already.
            self.draft.directives.insert(definition.name.clone(), draft);
        }
    }
}
