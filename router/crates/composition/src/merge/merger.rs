//! The state that all merge rules share, and how they look things up and report. Knows no rule.

use std::sync::Arc;

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_graphql::schema::{NameHasher, NameMap};
use braid_supergraph::join_spec::draft::{Draft, DraftKind, DraftType};
use indexmap::IndexMap;
use smallvec::SmallVec;

use super::composed::Composed;
use super::enum_uses::EnumUses;
use super::features::Features;
use super::graphs::graphs;
use super::planned_link::PlannedLink;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Location, subgraph_list};
use crate::subgraph::model::{Applied, Map, Span, Subgraph, TypeDef};

/// The state that all merge rules share.
pub(crate) struct Merger<'a> {
    pub(crate) subgraphs: &'a [Arc<Subgraph>],
    pub(crate) draft: Draft,
    pub(crate) features: Features,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
    /// Every enum has an entry.
    pub(super) enum_uses: AHashMap<Name, EnumUses>,
    /// The types of the draft that implement an interface in some subgraph, in order.
    pub(super) implementations: AHashMap<Name, Vec<Name>>,
    /// The subgraphs that have an interface as an interface object, by the interface.
    pub(super) interface_objects: AHashMap<Name, Vec<usize>>,
    pub(super) inherited: Inherited<'a>,
    pub(super) links: Vec<PlannedLink>,
    pub(super) composed: Composed,
    /// The advice for the type whose fields are being checked, if it should become an entity. The error of its first field has the edit
    /// for it.
    pub(super) advised: Option<(Name, Option<String>)>,
}

/// An element as each subgraph has it, in the order of the subgraphs. Most elements are in one only.
pub(crate) type Sources<'a, T> = SmallVec<[(usize, &'a T); 1]>;

/// Applications on other elements that count for an element: by coordinate, each with its subgraph.
pub(super) type Inherited<'a> = AHashMap<String, Vec<(usize, &'a Applied)>>;

impl<'a> Merger<'a> {
    pub(super) fn new(subgraphs: &'a [Arc<Subgraph>]) -> Self {
        Merger {
            subgraphs,
            draft: Draft { graphs: graphs(subgraphs), ..Draft::default() },
            features: Features::default(),
            errors: Vec::new(),
            hints: Vec::new(),
            enum_uses: AHashMap::new(),
            implementations: AHashMap::new(),
            interface_objects: AHashMap::new(),
            inherited: Inherited::default(),
            links: Vec::new(),
            composed: Composed::default(),
            advised: None,
        }
    }

    /// The merged object types that implement an interface in some subgraph, in order.
    pub(super) fn objects_below(&self, interface: &str) -> impl Iterator<Item = &DraftType> {
        let names = self.implementations.get(interface).into_iter().flatten();
        names.filter_map(|name| self.draft.types.get(name)).filter(|ty| ty.kind == DraftKind::Object)
    }

    pub(crate) fn name(&self, index: usize) -> &'a str {
        &self.subgraphs[index].name
    }

    pub(crate) fn names(&self, indices: impl IntoIterator<Item = usize>) -> String {
        subgraph_list(indices.into_iter().map(|i| self.name(i)))
    }

    pub(crate) fn locate(&self, index: usize, span: Span) -> Option<Location> {
        self.subgraphs[index].locate(span)
    }

    pub(crate) fn type_locations(&self, sources: &Sources<'a, TypeDef>) -> Vec<Location> {
        sources.iter().filter_map(|(i, ty)| self.locate(*i, ty.span)).collect()
    }

    /// A diagnostic about an element that only some of the subgraphs with its parent have.
    pub(super) fn inconsistent(
        &self,
        code: Code,
        start: String,
        element: &str,
        having: &[usize],
        parents: &Sources<'a, TypeDef>,
        span: impl Fn(&TypeDef) -> Span,
    ) -> Diagnostic {
        let lacking = parents.iter().map(|(i, _)| *i).filter(|i| !having.contains(i));
        let at: Vec<Location> = parents
            .iter()
            .filter(|(i, _)| having.contains(i))
            .filter_map(|(i, ty)| self.locate(*i, span(ty)))
            .collect();
        Diagnostic::new(
            code,
            format!(
                "{start}: it is defined in {} but not in {}.",
                self.names(having.iter().copied()),
                self.names(lacking)
            ),
        )
        .on(element)
        .at(at)
    }

    /// Groups subgraphs by text: `"X" in subgraph "a" but "Y" in subgraph "b"`.
    pub(crate) fn by_text(&self, said: impl IntoIterator<Item = (usize, String)>) -> String {
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (index, text) in said {
            match groups.iter_mut().find(|(t, _)| *t == text) {
                Some((_, graphs)) => graphs.push(index),
                None => groups.push((text, vec![index])),
            }
        }
        let parts: Vec<String> =
            groups.into_iter().map(|(text, graphs)| format!("{text} in {}", self.names(graphs))).collect();
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} but {last}", rest.join(" and ")),
            _ => parts.concat(),
        }
    }

    /// The subgraphs, among all, that know a type.
    pub(crate) fn type_in(&self, index: usize, name: &str) -> Option<&'a TypeDef> {
        self.subgraphs[index].schema.types.get(name)
    }
}

/// A map with room for as many entries, and no more.
pub(crate) fn with_room<T>(count: usize) -> NameMap<T> {
    NameMap::with_capacity_and_hasher(count, NameHasher::default())
}

/// The elements of several subgraphs' maps by name, in the order in which the names first occur.
pub(crate) fn by_name<'b, T>(maps: impl IntoIterator<Item = (usize, &'b Map<T>)>) -> Vec<(&'b Name, Sources<'b, T>)> {
    let mut maps = maps.into_iter().filter(|(_, map)| !map.is_empty()).peekable();
    let Some((first, map)) = maps.next() else { return Vec::new() };
    let start = map.iter().map(|(name, element)| (name, Sources::from_buf([(first, element)])));
    if maps.peek().is_none() {
        return start.collect();
    }
    let mut all: IndexMap<&'b Name, Sources<'b, T>, ahash::RandomState> = start.collect();
    for (index, map) in maps {
        for (name, element) in map {
            all.entry(name).or_default().push((index, element));
        }
    }
    all.into_iter().collect()
}
