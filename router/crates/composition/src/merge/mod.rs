//! Merges the subgraphs' schemas into one, with the joins that say what is where. Each rule has its own file;
//! this one walks the schema.

mod alone;
mod auth;
mod compose_directive;
mod description;
mod directives;
mod dnf;
mod enums;
mod executable;
mod features;
mod fields;
mod graphs;
mod inputs;
mod interface_objects;
mod links;
mod objects;
mod overrides;
mod sharing;
mod typing;
mod values;

use std::sync::Arc;

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::{Draft, DraftJoinType, DraftKind, DraftType, NameMap};
use indexmap::IndexMap;
use smallvec::SmallVec;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Location, subgraph_list};
use crate::subgraph::model::{Directives, Kind, Map, Span, Subgraph, TypeDef, is_root};
use crate::subgraph::spec::Known;

pub(crate) use dnf::Dnf;
pub(crate) use executable::is_executable_name;
pub(crate) use features::Features;
pub(crate) use typing::is_strict_subtype;

/// The outcome of merging. The draft is complete only if there is no error.
pub(crate) struct Merged {
    pub(crate) draft: Draft,
    pub(crate) features: Features,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
}

/// The state that all merge rules share.
pub(crate) struct Merger<'a> {
    pub(crate) subgraphs: &'a [Arc<Subgraph>],
    pub(crate) draft: Draft,
    pub(crate) features: Features,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
    /// Where each enum is used, as an input and as an output. Every enum has an entry.
    enum_uses: AHashMap<Name, enums::Uses>,
    /// The types of the draft that implement an interface in some subgraph, in order.
    implementations: AHashMap<Name, Vec<Name>>,
    /// The subgraphs that see an interface as an object, by the interface.
    interface_objects: AHashMap<Name, Vec<usize>>,
    inherited: auth::Inherited<'a>,
    links: Vec<links::PlannedLink>,
    composed: compose_directive::Composed,
    /// What was advised for the type whose fields are checked, if it should become an entity. The edit for that goes with the error
    /// of its first field.
    advised: Option<(Name, Option<String>)>,
}

/// An element as each subgraph has it, in the order of the subgraphs. Most elements are in one only.
pub(crate) type Sources<'a, T> = SmallVec<[(usize, &'a T); 1]>;

/// Merges subgraphs that are valid by themselves and sorted by name.
pub(crate) fn merge(subgraphs: &[Arc<Subgraph>]) -> Merged {
    let mut merger = Merger {
        subgraphs,
        draft: Draft { graphs: graphs::graphs(subgraphs), ..Draft::default() },
        features: Features::default(),
        errors: Vec::new(),
        hints: Vec::new(),
        enum_uses: AHashMap::new(),
        implementations: AHashMap::new(),
        interface_objects: AHashMap::new(),
        inherited: auth::Inherited::default(),
        links: Vec::new(),
        composed: compose_directive::Composed::default(),
        advised: None,
    };
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
                "No subgraph has a query. Clients start at the fields of the type Query, and GraphQL demands at least one.",
            )
            .help("add a `type Query` with at least one field to a subgraph")
            .fix("add a Query type with a field", edit),
        );
    }

    /// Every type by name with the subgraphs that have it, as long as they agree on its kind, in the order of the draft's types.
    fn types_shallow(&mut self) -> Vec<(&'a Name, Sources<'a, TypeDef>)> {
        let mut types: IndexMap<&'a Name, Sources<'a, TypeDef>, ahash::RandomState> = IndexMap::default();
        let subgraphs = self.subgraphs;
        for (index, subgraph) in subgraphs.iter().enumerate() {
            for ty in subgraph.schema.types.values() {
                // A root without fields is dropped, except for the query root.
                if ty.fields.is_empty() && matches!(ty.name.as_str(), "Mutation" | "Subscription") {
                    continue;
                }
                if ty.is_interface_object() {
                    self.interface_objects.entry(ty.name.clone()).or_default().push(index);
                }
                types.entry(&ty.name).or_default().push((index, ty));
            }
        }
        let mut types: Vec<(&'a Name, Sources<'a, TypeDef>)> = types.into_iter().collect();
        types.sort_unstable_by_key(|(name, _)| *name);
        types.retain(|(name, sources)| self.same_kind(name, sources));
        self.draft.types = with_room(types.len());
        for (name, sources) in &types {
            let ty = self.shallow(name, sources);
            for interface in ty.implements.keys() {
                self.implementations.entry(interface.clone()).or_default().push(ty.name.clone());
            }
            if ty.kind == DraftKind::Enum {
                self.enum_uses.insert(ty.name.clone(), enums::Uses::default());
            }
            self.draft.types.insert(ty.name.clone(), ty);
        }
        types
    }

    fn same_kind(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> bool {
        let kind = |ty: &TypeDef| if ty.is_interface_object() { Kind::Interface } else { ty.kind };
        let first = kind(sources[0].1);
        if sources.iter().any(|(_, ty)| kind(ty) != first) {
            let mut by_kind: Vec<(Kind, Vec<&str>)> = Vec::new();
            for (index, ty) in sources {
                let name = &*self.subgraphs[*index].name;
                match by_kind.iter_mut().find(|(k, _)| *k == kind(ty)) {
                    Some((_, names)) => names.push(name),
                    None => by_kind.push((kind(ty), vec![name])),
                }
            }
            let said: Vec<String> =
                by_kind.iter().map(|(kind, names)| format!("{} in {}", kind.noun(), subgraph_list(names))).collect();
            let diagnostic = Diagnostic::new(
                Code::TYPE_KIND_MISMATCH,
                format!("Subgraphs mean different things by \"{name}\": it is {}.", said.join(" but ")),
            )
            .on(name.as_str())
            .at(self.type_locations(sources))
            .help(format!("make \"{name}\" the same kind of type everywhere, or rename it in one of the subgraphs"));
            self.errors.push(diagnostic);
            return false;
        }
        if first == Kind::Interface && sources.iter().all(|(_, ty)| ty.is_interface_object()) {
            let names = sources.iter().map(|(i, _)| &*self.subgraphs[*i].name);
            let edit = sources.first().and_then(|(i, ty)| {
                crate::validate::edits::remove_application(&self.subgraphs[*i], ty.get(Known::InterfaceObject)?)
            });
            let diagnostic = Diagnostic::new(
                Code::INTERFACE_OBJECT_USAGE_ERROR,
                format!("\"{name}\" is only ever an @interfaceObject ({}). That stands for an interface of another subgraph, which lists the implementations, but no subgraph defines that interface.", subgraph_list(names)),
            )
            .on(name.as_str())
            .at(self.type_locations(sources))
            .help(format!("define `interface {name}` in one subgraph, or remove @interfaceObject"))
            .fix("remove @interfaceObject", edit);
            self.errors.push(diagnostic);
            return false;
        }
        true
    }

    /// Interfaces and union members decide what is a subtype, so they are merged before any field.
    fn shallow(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> DraftType {
        let kind = match sources[0].1.kind {
            _ if sources.iter().any(|(_, t)| t.is_interface_object()) => DraftKind::Interface,
            Kind::Scalar => DraftKind::Scalar,
            Kind::Object => DraftKind::Object,
            Kind::Interface => DraftKind::Interface,
            Kind::Union => DraftKind::Union,
            Kind::Enum => DraftKind::Enum,
            Kind::Input => DraftKind::Input,
        };
        let mut joins = Vec::with_capacity(sources.len());
        let mut implements: NameMap<Vec<usize>> = NameMap::default();
        let mut members: NameMap<Vec<usize>> = NameMap::default();
        for (index, ty) in sources {
            join_type(&mut joins, *index, ty);
            for interface in ty.implements.keys() {
                implements.entry(interface.clone()).or_default().push(*index);
            }
            for member in ty.members.keys() {
                members.entry(member.clone()).or_default().push(*index);
            }
        }
        if kind == DraftKind::Union {
            self.hint_members(name, sources, &members);
        }
        DraftType {
            name: name.clone(),
            kind,
            description: None,
            joins,
            implements,
            members,
            fields: NameMap::default(),
            values: NameMap::default(),
            applied: Vec::new(),
            internal: false,
        }
    }

    fn hint_members(&mut self, name: &Name, sources: &Sources<'a, TypeDef>, members: &NameMap<Vec<usize>>) {
        for (member, graphs) in members {
            if graphs.len() < sources.len() {
                let diagnostic = self.inconsistent(
                    Code::INCONSISTENT_UNION_MEMBER,
                    format!(
                        "Some subgraphs know \"{member}\" as a member of union \"{name}\", others don't. Clients see it as a member"
                    ),
                    name,
                    graphs,
                    sources,
                    |ty| ty.members.get(member).copied().flatten(),
                );
                self.hints.push(diagnostic);
            }
        }
    }

    fn merge_schema(&mut self) {
        let schemas = || self.subgraphs.iter().map(|s| &s.schema).enumerate();
        let texts: Vec<_> = schemas().map(|(i, s)| (i, s.description.as_ref())).collect();
        let applied: Vec<_> = schemas().map(|(i, s)| (i, s.applied.as_slice(), None)).collect();
        self.draft.description = self.merge_description("schema", &texts);
        self.draft.applied = self.merge_applied("schema", &applied);
    }

    /// `at` is its place in the draft.
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

    // ---- shared by the rules ----

    /// The merged object types that implement an interface in some subgraph, in order.
    fn objects_below(&self, interface: &str) -> impl Iterator<Item = &DraftType> {
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
    fn inconsistent(
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

    /// Which text holds in which subgraphs: `"X" in subgraph "a" but "Y" in subgraph "b"`.
    pub(crate) fn tell_apart(&self, said: impl IntoIterator<Item = (usize, String)>) -> String {
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

/// How a subgraph joins in a type: once for each of its keys.
fn join_type(joins: &mut Vec<DraftJoinType>, graph: usize, ty: &TypeDef) {
    let interface_object = ty.is_interface_object();
    if !ty.has(Known::Key) {
        joins.push(DraftJoinType { graph, key: None, extension: false, resolvable: true, interface_object });
    }
    joins.extend(ty.all(Known::Key).map(|key| DraftJoinType {
        graph,
        key: key.str_arg("fields").map(str::to_string),
        extension: key.part > 0 || ty.has(Known::Extends),
        resolvable: key.bool_arg("resolvable") != Some(false),
        interface_object,
    }));
}

/// A map with room for as many entries, and no more.
pub(crate) fn with_room<T>(count: usize) -> NameMap<T> {
    NameMap::with_capacity_and_hasher(count, ahash::RandomState::default())
}

/// What maps of several subgraphs have under each name, in the order in which the names are met.
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
