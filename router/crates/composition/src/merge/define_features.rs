//! The features of the supergraph: which version of Federation it needs and what its directives are called.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::{DirectiveDefinition, DirectiveLocation, Type};
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{DraftDirective, DraftInput, DraftKind, DraftLink, DraftType};
use indexmap::IndexMap;

use super::merger::Merger;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::FederationVersion;
use crate::subgraph::spec::{COMPOSED, Feature, Known, NEWEST};

impl Merger<'_> {
    pub(super) fn merge_features(&mut self) {
        self.draft.join_minor = match self.latest_version() {
            0..=6 => 3,
            7 => 4,
            _ => 5,
        };
        let mut used: IndexMap<Known, IndexMap<Name, Vec<usize>>> = IndexMap::new();
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            for (known, name) in &subgraph.used {
                used.entry(*known).or_default().entry(name.clone()).or_default().push(index);
            }
        }
        for known in COMPOSED {
            let Some(names) = used.get(&known) else { continue };
            if names.len() > 1 {
                let said =
                    names.iter().map(|(name, graphs)| format!("\"@{name}\" in {}", self.names(graphs.iter().copied())));
                let message = format!(
                    "Federation's @{} is composed and must have one name in the supergraph, but subgraphs import it as {}.",
                    known.name(),
                    said.collect::<Vec<_>>().join(" and as ")
                );
                self.errors.push(
                    Diagnostic::new(Code::LINK_IMPORT_NAME_MISMATCH, message)
                        .on(format!("@{}", known.name()))
                        .at(names
                            .values()
                            .flatten()
                            .filter_map(|i| self.locate(*i, self.subgraphs[*i].links.of(Feature::Federation)?.span)))
                        .help("import the directive under the same name in all subgraphs"),
                );
            }
            if let Some((name, _)) = names.first() {
                self.features.names.push((known, name.clone()));
            }
        }
        self.features.cache_tags = used.contains_key(&Known::CacheTag);
    }

    /// The newest Federation 2 version that any subgraph uses, directly or through a feature's own link.
    fn latest_version(&mut self) -> u32 {
        let linked = self
            .subgraphs
            .iter()
            .filter_map(|s| match s.version {
                FederationVersion::Two(minor) => Some(minor),
                FederationVersion::One => None,
            })
            .max()
            .unwrap_or(0);
        let implied = self
            .subgraphs
            .iter()
            .enumerate()
            .flat_map(|(i, s)| s.links.list.iter().map(move |link| (i, link)))
            .filter_map(|(i, link)| Some((link.feature?.since(), i, link)))
            .max_by_key(|(since, ..)| *since);
        if let Some((since, index, link)) = implied
            && since > linked
        {
            let hint = Diagnostic::new(
                Code::IMPLICITLY_UPGRADED_FEDERATION_VERSION,
                format!(
                    "[{}] The subgraph links \"{}\", which needs federation v2.{since}, so the supergraph uses v2.{since} although the subgraphs link v2.{linked} at most.",
                    self.name(index),
                    link.url
                ),
            );
            self.hints
                .push(hint.at(self.locate(index, link.span)).help(format!("link federation v2.{since} or newer")));
            return since;
        }
        linked
    }

    /// Links and definitions of what the draft uses.
    pub(super) fn add_features(&mut self) {
        for link in std::mem::take(&mut self.links) {
            self.draft.links.push(link.write());
            if let Some(own) = link.own {
                self.define_feature(Feature::Own(own), link.namespace());
            }
        }
        if self.features.cache_tags {
            self.draft.links.push(DraftLink {
                url: "https://specs.apollo.dev/cacheTag/v0.1".into(),
                alias: None,
                imports: Vec::new(),
                purpose: Some("EXECUTION".into()),
            });
            // Its applications are written in a directive that join v0.3 does not have.
            self.draft.join_minor = self.draft.join_minor.max(4);
        }
        self.define_composed();
        self.define_one_of();
    }

    /// GraphQL's own, but newer than some readers of supergraphs.
    fn define_one_of(&mut self) {
        let name = Name::new_static_unchecked("oneOf");
        if self.draft.types.values().any(|ty| ty.applied.iter().any(|applied| applied.name == name)) {
            let (args, locations) = (Vec::new(), vec![DirectiveLocation::InputObject]);
            let one_of = DraftDirective {
                name: name.clone(),
                description: None,
                args,
                repeatable: false,
                locations,
                internal: true,
            };
            self.draft.directives.insert(name, one_of);
        }
    }

    /// The types of a feature, and those of its directives that are used.
    fn define_feature(&mut self, feature: Feature, namespace: &str) {
        for ty in feature.types(NEWEST) {
            self.add_scalar(&format!("{namespace}__{ty}"));
        }
        for (known, definition) in feature.directives(NEWEST) {
            let name = match self.features.name(known) {
                Some(name) => name.clone(),
                None if known == Known::FromContext => Name::new_unchecked(&format!("{namespace}__fromContext")),
                None => continue,
            };
            let definition = draft_definition(&definition, name, &|ty| match feature.types(NEWEST).contains(&ty) {
                true => format!("{namespace}__{ty}"),
                false => ty.to_string(),
            });
            self.draft.directives.insert(definition.name.clone(), definition);
        }
    }

    pub(super) fn add_scalar(&mut self, name: &str) {
        let name = Name::new_unchecked(name);
        self.draft.types.insert(
            name.clone(),
            DraftType {
                name,
                kind: DraftKind::Scalar,
                description: None,
                joins: Vec::new(),
                implements: NameMap::default(),
                members: NameMap::default(),
                fields: NameMap::default(),
                values: NameMap::default(),
                applied: Vec::new(),
                internal: true,
            },
        );
    }
}

fn draft_definition(definition: &DirectiveDefinition, name: Name, rename: &dyn Fn(&str) -> String) -> DraftDirective {
    DraftDirective {
        name,
        description: None,
        args: definition
            .arguments
            .iter()
            .map(|a| DraftInput {
                name: a.name.clone(),
                description: None,
                ty: renamed(&a.ty, rename),
                default: a.default_value.clone(),
                applied: Vec::new(),
            })
            .collect(),
        repeatable: definition.repeatable,
        locations: definition.locations.iter().copied().collect(),
        internal: true,
    }
}

fn renamed(ty: &Type, rename: &dyn Fn(&str) -> String) -> Type {
    match ty {
        Type::Named(name) => Type::Named(Name::new_unchecked(&rename(name))),
        Type::NonNullNamed(name) => Type::NonNullNamed(Name::new_unchecked(&rename(name))),
        Type::List(inner) => Type::List(Box::new(renamed(inner, rename))),
        Type::NonNullList(inner) => Type::NonNullList(Box::new(renamed(inner, rename))),
    }
}
