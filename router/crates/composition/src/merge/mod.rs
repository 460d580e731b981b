//! Merges the subgraphs' schemas into one, with the joins that say which subgraph has what. Each rule has its own file; this one walks
//! the schema.

mod alone;
mod auth;
mod compose_directive;
mod composed;
mod define_features;
mod description;
mod directives;
pub(crate) mod dnf;
mod enum_uses;
mod enums;
mod executable;
pub(crate) mod features;
mod fields;
mod graphs;
mod inputs;
mod interface_objects;
mod links;
mod merger;
mod objects;
mod overrides;
mod planned_link;
mod sharing;
mod types;
pub(crate) mod typing;
mod values;

use std::sync::Arc;

use braid_graphql::compiler::Name;
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{Draft, DraftKind};
use smallvec::SmallVec;

use self::features::Features;
use self::merger::{Merger, Sources};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, subgraph_list};
use crate::subgraph::model::{Kind, Subgraph, TypeDef, is_root};

/// The outcome of merging. The draft is complete only if there is no error.
pub(crate) struct Merged {
    pub(crate) draft: Draft,
    pub(crate) features: Features,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
}

/// Merges subgraphs that are valid by themselves and sorted by name.
pub(crate) fn merge(subgraphs: &[Arc<Subgraph>]) -> Merged {
    let mut merger = Merger::new(subgraphs);
    merger.run();
    Merged { draft: merger.draft, features: merger.features, errors: merger.errors, hints: merger.hints }
}

impl<'a> Merger<'a> {
    fn run(&mut self) {
        self.compose_directives();
        if self.errors.is_empty() {
            self.merge_features();
            self.plan_links();
        }
        if !self.errors.is_empty() {
            return;
        }
        let types = self.types_shallow();
        self.note_composed_enums();
        self.inherited = self.inherited_authorization();
        self.merge_schema();
        for (at, (name, sources)) in types.iter().enumerate() {
            if sources[0].1.kind != Kind::Enum {
                self.merge_type(at, name, sources);
            }
        }
        self.merge_executable_directives();
        for (at, (name, sources)) in types.iter().enumerate() {
            if sources[0].1.kind == Kind::Enum {
                self.merge_type(at, name, sources);
            }
        }
        self.spread_interface_object_fields();
        self.draft.types.retain(|_, ty| match ty.kind {
            DraftKind::Object | DraftKind::Interface => !ty.fields.is_empty(),
            _ => true,
        });
        let asks = |s: &Arc<Subgraph>| s.schema.types.get("Query").is_some_and(|query| !query.fields.is_empty());
        if !self.subgraphs.iter().any(asks) {
            self.no_queries();
        }
        self.add_features();
        self.draft.types.sort_keys();
        self.draft.directives.sort_keys();
    }

    fn no_queries(&mut self) {
        let edit = self.subgraphs.first().map(|subgraph| {
            let end = subgraph.sdl().len();
            subgraph.edit(end, end, "\ntype Query {\n  hello: String\n}\n")
        });
        self.errors.push(
            Diagnostic::new(
                Code::NO_QUERIES,
                "No subgraph has a query. Clients start at the fields of the type Query, and GraphQL requires at least one.",
            )
            .help("add a `type Query` with at least one field to a subgraph")
            .fix("add a Query type with a field", edit),
        );
    }

    fn merge_schema(&mut self) {
        let schemas = || self.subgraphs.iter().map(|s| &s.schema).enumerate();
        let texts: Vec<_> = schemas().map(|(i, s)| (i, s.description.as_ref())).collect();
        let applied: Vec<_> = schemas().map(|(i, s)| (i, s.applied.as_slice(), None)).collect();
        self.draft.description = self.merge_description("schema", &texts);
        self.draft.applied = self.merge_applied("schema", &applied);
    }

    /// `at` is its index in the draft.
    fn merge_type(&mut self, at: usize, name: &Name, sources: &Sources<'a, TypeDef>) {
        let Some(kind) = self.draft.types.get_index(at).map(|(_, ty)| ty.kind) else { return };
        self.check_base(name, sources);
        let texts: SmallVec<[_; 1]> = sources.iter().map(|(i, t)| (*i, t.description.as_ref())).collect();
        let description = self.merge_description(name, &texts);
        let applied: SmallVec<[_; 1]> = sources.iter().map(|(i, t)| (*i, t.applied.as_slice(), t.span)).collect();
        let applied = self.merge_applied(name, &applied);
        let (mut fields, mut values) = (NameMap::default(), NameMap::default());
        match kind {
            DraftKind::Object => fields = self.merge_object(name, sources),
            DraftKind::Interface => fields = self.merge_interface(name, sources),
            DraftKind::Input => fields = self.merge_input(name, sources),
            DraftKind::Enum => values = self.merge_enum(name, sources),
            DraftKind::Scalar | DraftKind::Union => {}
        }
        if let Some((_, ty)) = self.draft.types.get_index_mut(at) {
            ty.description = description;
            ty.applied = applied;
            ty.fields = fields;
            ty.values = values;
        }
    }

    fn check_base(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) {
        if is_root(name) || sources.iter().any(|(_, ty)| ty.defined) || !sources.iter().any(|(_, ty)| ty.extended) {
            return;
        }
        let edit = sources.first().and_then(|(i, ty)| crate::validate::edits::drop_extend(&self.subgraphs[*i], ty));
        let diagnostic = Diagnostic::new(
            Code::EXTENSION_WITH_NO_BASE,
            format!(
                "\"{name}\" is extended in {}, but no subgraph defines it: there is nothing to extend.",
                subgraph_list(sources.iter().map(|(i, _)| &*self.subgraphs[*i].name))
            ),
        )
        .on(name.as_str())
        .at(self.type_locations(sources))
        .help(format!("define \"{name}\" in one subgraph: drop `extend` where the type belongs"))
        .fix(format!("define \"{name}\" instead of extending it"), edit);
        self.errors.push(diagnostic);
    }
}
