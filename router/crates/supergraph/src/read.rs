//! Supergraph SDL in, [`Supergraph`] out: expands what the join specification leaves implicit. Knows no transport, makes no plan.

mod cache_tags;

use std::fmt::Display;

use ahash::AHashMap;
use braid_graphql::Type;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, FieldDefinition, Schema as Source};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Node};
use braid_graphql::field_set::parse_field_set;
use braid_graphql::normalize::normalize_field_set;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{Schema, TypeId, fields_of};
use braid_graphql::type_set::TypeSet;

use crate::api_schema::api_schema;
use crate::features::Features;
use crate::join_spec::{self, JoinContextArgument, JoinField};
use crate::supergraph::{
    ContextArgument, FieldInSubgraph, FieldJoins, Key, LabelCondition, Subgraph, SubgraphId, Supergraph,
    SupergraphError, TypeInSubgraph, TypeJoins,
};

const SUPPORTED_JOIN: [(u32, u32); 5] = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)];

impl Supergraph {
    /// Reads supergraph SDL of the join specification, v0.1 to v0.5, of whichever composer.
    pub fn read(sdl: &str) -> Result<Self, SupergraphError> {
        read(sdl, None)
    }

    /// The same; types and fields that `older` has keep their ids where they can, so that what was made over it can be used further where
    /// nothing changed ([`crate::Unchanged`]).
    pub fn read_after(sdl: &str, older: Option<&Self>) -> Result<Self, SupergraphError> {
        read(sdl, older.map(|older| &older.schema))
    }
}

fn read(sdl: &str, older: Option<&Schema>) -> Result<Supergraph, SupergraphError> {
    let source = Source::builder()
        .adopt_orphan_extensions()
        .parse(sdl, "supergraph.graphql")
        .build()
        .map_err(|failure| SupergraphError::InvalidGraphQL(failure.errors.to_string()))?;
    let features = Features::read(&source);
    check_join_version(&features)?;
    let subgraphs = read_subgraphs(&source)?;
    let schema = Schema::after(&source, |name| !features.owns(name) && !name.starts_with("__"), older)
        .map_err(|error| SupergraphError::InvalidGraphQL(error.to_string()))?;
    let api_schema = api_schema(&source)?;
    let mut reader = Reader {
        source: &source,
        schema: &schema,
        graphs: subgraphs.iter().enumerate().map(|(i, s)| (s.graph.clone(), SubgraphId::new(i as u16))).collect(),
        inaccessible: features.directive_named("inaccessible"),
        context: features.directive_named("context"),
        field_sets: AHashMap::new(),
    };
    let types = reader.types()?;
    let fields = reader.fields(&types)?;
    let cache_tags = reader.cache_tags(&types)?;
    Ok(Supergraph { schema, api_schema, subgraphs, cache_tags, types, fields, source, features })
}

fn check_join_version(features: &Features) -> Result<(), SupergraphError> {
    let Some(join) = features.named("join") else {
        return Err(SupergraphError::NotASupergraph(
            "it does not link https://specs.apollo.dev/join; compose the subgraphs first (braid compose)".to_owned(),
        ));
    };
    if !SUPPORTED_JOIN.contains(&join.version) || join.namespace != "join" {
        let (major, minor) = join.version;
        return Err(SupergraphError::Unsupported(format!(
            "the join specification v{major}.{minor} as \"{}\"",
            join.namespace
        )));
    }
    Ok(())
}

fn read_subgraphs(source: &Source) -> Result<Vec<Subgraph>, SupergraphError> {
    let graphs = source.get_enum(join_spec::GRAPH_ENUM).ok_or_else(|| {
        SupergraphError::NotASupergraph(format!("it does not define the enum {}", join_spec::GRAPH_ENUM))
    })?;
    let read = |(graph, value): (&Name, &Node<_>)| read_subgraph(graph, value);
    let subgraphs: Vec<_> = graphs.values.iter().map(read).collect();
    if subgraphs.len() > usize::from(u16::MAX) {
        return Err(SupergraphError::Unsupported(format!("{} subgraphs", subgraphs.len())));
    }
    Ok(subgraphs)
}

fn read_subgraph(graph: &Name, value: &Node<braid_graphql::compiler::schema::EnumValueDefinition>) -> Subgraph {
    match join_spec::join_graph(&value.directives) {
        Some(join) => {
            Subgraph { name: join.name.to_owned(), url: join.url.to_owned(), graph: graph.clone(), is_broker: false }
        }
        None => Subgraph { name: graph.to_lowercase(), url: String::new(), graph: graph.clone(), is_broker: false },
    }
}

struct Reader<'a> {
    source: &'a Source,
    schema: &'a Schema,
    graphs: AHashMap<Name, SubgraphId>,
    inaccessible: Option<String>,
    context: Option<String>,
    /// One field set is often used on many types and fields.
    field_sets: AHashMap<(TypeId, String), SelectionSet>,
}

impl Reader<'_> {
    fn types(&mut self) -> Result<Vec<TypeJoins>, SupergraphError> {
        let mut all = Vec::with_capacity(self.schema.types().len());
        for (id, definition) in self.schema.types() {
            let Some(source) = self.source.types.get(&definition.name) else { continue };
            let mut joins = self.type_joins(id, source)?;
            joins.inaccessible = self.is_inaccessible(source.directives());
            joins.contexts = self.contexts(source.directives());
            if let ExtendedType::Enum(definition) = source {
                for (name, value) in &definition.values {
                    if self.is_inaccessible(&value.directives) {
                        joins.inaccessible_values.push(name.clone());
                    }
                }
            }
            all.push(joins);
        }
        self.possible_types(&mut all)?;
        Ok(all)
    }

    fn type_joins(&mut self, id: TypeId, source: &ExtendedType) -> Result<TypeJoins, SupergraphError> {
        let mut joins = TypeJoins::default();
        for join in join_spec::join_types(source.directives()) {
            let subgraph = self.graph(join.graph, source.name())?;
            let at = match joins.subgraphs.iter().position(|joined| joined.subgraph == subgraph) {
                Some(at) => at,
                None => {
                    joins.subgraphs.push(TypeInSubgraph {
                        subgraph,
                        keys: Vec::new(),
                        interface_object: false,
                        possible: TypeSet::empty(),
                    });
                    joins.subgraphs.len() - 1
                }
            };
            joins.subgraphs[at].interface_object |= join.is_interface_object;
            if let Some(text) = join.key {
                let fields = self.field_set(id, text, source.name())?;
                joins.subgraphs[at].keys.push(Key { fields, text: text.to_owned(), resolvable: join.resolvable });
            }
        }
        // v0.1 says nothing of value types, which are the same everywhere, and v0.1 to v0.2 nothing of root types.
        if joins.subgraphs.is_empty() {
            let everywhere = |subgraph| TypeInSubgraph {
                subgraph,
                keys: Vec::new(),
                interface_object: false,
                possible: TypeSet::empty(),
            };
            joins.subgraphs = (0..self.graphs.len()).map(|i| everywhere(SubgraphId::new(i as u16))).collect();
        }
        joins.subgraphs.sort_by_key(|joined| joined.subgraph);
        joins.subgraphs.iter_mut().for_each(|joined| joined.keys.shrink_to_fit());
        joins.subgraphs.shrink_to_fit();
        Ok(joins)
    }

    /// The runtime types that an abstract type has in each subgraph.
    fn possible_types(&self, all: &mut [TypeJoins]) -> Result<(), SupergraphError> {
        let mut members: AHashMap<(TypeId, SubgraphId), Vec<TypeId>> = AHashMap::new();
        for (id, definition) in self.schema.types() {
            let Some(source) = self.source.types.get(&definition.name) else { continue };
            match source {
                ExtendedType::Object(_) => {
                    for (interface, subgraph) in self.implements(definition.implements(), source, &all[id.index()])? {
                        members.entry((interface, subgraph)).or_default().push(id);
                    }
                }
                ExtendedType::Union(_) => {
                    for (member, subgraph) in self.union_members(&definition.possible, source, &all[id.index()])? {
                        members.entry((id, subgraph)).or_default().push(member);
                    }
                }
                _ => {}
            }
        }
        for (id, definition) in self.schema.types() {
            for joined in &mut all[id.index()].subgraphs {
                joined.possible = if definition.is_object() {
                    TypeSet::one(id)
                } else {
                    members.remove(&(id, joined.subgraph)).unwrap_or_default().into_iter().collect()
                };
            }
        }
        Ok(())
    }

    fn implements(
        &self,
        declared: &[TypeId],
        source: &ExtendedType,
        joins: &TypeJoins,
    ) -> Result<Vec<(TypeId, SubgraphId)>, SupergraphError> {
        let mut found = Vec::new();
        for (graph, interface) in join_spec::join_implements(source.directives()) {
            let id = self.schema.type_named(interface).ok_or_else(|| {
                invalid(source.name(), format!("implements the interface \"{interface}\", which is not defined"))
            })?;
            found.push((id, self.graph(graph, source.name())?));
        }
        if found.is_empty() {
            let everywhere =
                |id: &TypeId| joins.subgraphs.iter().map(move |joined| (*id, joined.subgraph)).collect::<Vec<_>>();
            found = declared.iter().flat_map(everywhere).collect();
        }
        Ok(found)
    }

    fn union_members(
        &self,
        declared: &TypeSet,
        source: &ExtendedType,
        joins: &TypeJoins,
    ) -> Result<Vec<(TypeId, SubgraphId)>, SupergraphError> {
        let mut found = Vec::new();
        for (graph, member) in join_spec::join_union_members(source.directives()) {
            let id = self
                .schema
                .type_named(member)
                .ok_or_else(|| invalid(source.name(), format!("has the member \"{member}\", which is not defined")))?;
            found.push((id, self.graph(graph, source.name())?));
        }
        if found.is_empty() {
            let everywhere =
                |id: TypeId| joins.subgraphs.iter().map(move |joined| (id, joined.subgraph)).collect::<Vec<_>>();
            found = declared.iter().flat_map(everywhere).collect();
        }
        Ok(found)
    }

    fn fields(&mut self, types: &[TypeJoins]) -> Result<Vec<FieldJoins>, SupergraphError> {
        let mut all = Vec::with_capacity(self.schema.fields().len());
        // The fields of a type follow each other.
        let mut source_of: (Option<TypeId>, Option<&ExtendedType>) = (None, None);
        for (_, field) in self.schema.fields() {
            if source_of.0 != Some(field.parent) {
                source_of = (Some(field.parent), self.source.types.get(&self.schema.ty(field.parent).name));
            }
            let source = source_of.1.and_then(|source| field_of(source, &field.name));
            let (Some(source_type), Some(source)) = (source_of.1, source) else {
                all.push(FieldJoins::default());
                continue;
            };
            let owner = join_spec::join_owner(source_type.directives());
            let mut joins = FieldJoins {
                subgraphs: self.field_joins(field.parent, field.inner, source, owner, &types[field.parent.index()])?,
            };
            joins.subgraphs.sort_by_key(|joined| joined.subgraph);
            // They stay for as long as the schema: spare room for each field would be as much again, and more.
            joins.subgraphs.shrink_to_fit();
            all.push(joins);
        }
        Ok(all)
    }

    fn field_joins(
        &mut self,
        parent: TypeId,
        inner: TypeId,
        source: &FieldDefinition,
        owner: Option<&str>,
        type_joins: &TypeJoins,
    ) -> Result<Vec<FieldInSubgraph>, SupergraphError> {
        let coordinate = format_args!("{}.{}", self.schema.ty(parent).name, source.name);
        let mut found = Vec::new();
        let mut said = false;
        for join in join_spec::join_fields(&source.directives) {
            said = true;
            let graph = match (join.graph, owner) {
                (Some(graph), _) | (None, Some(graph)) => graph,
                // Only interface objects have it.
                (None, None) => continue,
            };
            let subgraph = self.graph(graph, &coordinate)?;
            found.push(self.field_in_subgraph(subgraph, parent, inner, source, &join, &coordinate)?);
        }
        if said {
            return Ok(found);
        }
        let unsaid: Vec<SubgraphId> = match owner {
            Some(owner) => vec![self.graph(owner, &coordinate)?],
            None => type_joins.subgraphs.iter().map(|joined| joined.subgraph).collect(),
        };
        let plain = JoinField::default();
        found.reserve_exact(unsaid.len());
        for subgraph in unsaid {
            found.push(self.field_in_subgraph(subgraph, parent, inner, source, &plain, &coordinate)?);
        }
        Ok(found)
    }

    fn field_in_subgraph(
        &mut self,
        subgraph: SubgraphId,
        parent: TypeId,
        inner: TypeId,
        source: &FieldDefinition,
        join: &JoinField<'_>,
        coordinate: &dyn Display,
    ) -> Result<FieldInSubgraph, SupergraphError> {
        let ty = match join.ty {
            Some(text) => Type::parse(text, "join__field.graphql")
                .map_err(|_| invalid(coordinate, format!("has the type \"{text}\", which cannot be read")))?,
            None => source.ty.clone(),
        };
        // A provided selection is on the type that the field has in the subgraph, which can be narrower.
        let provided_on = self.schema.type_named(ty.inner_named_type()).unwrap_or(inner);
        Ok(FieldInSubgraph {
            subgraph,
            external: join.external,
            used_overridden: join.used_overridden,
            requires: join.requires.map(|text| self.field_set(parent, text, coordinate)).transpose()?,
            provides: join.provides.map(|text| self.field_set(provided_on, text, coordinate)).transpose()?,
            label: join
                .override_label
                .map(|label| LabelCondition { label: label.to_owned(), active: join.override_from.is_some() }),
            context_arguments: join
                .context_arguments
                .iter()
                .map(|argument| context_argument(argument, coordinate))
                .collect::<Result<_, _>>()?,
            ty,
        })
    }

    fn field_set(
        &mut self,
        parent: TypeId,
        text: &str,
        coordinate: &dyn Display,
    ) -> Result<SelectionSet, SupergraphError> {
        let key = (parent, text.to_owned());
        if let Some(known) = self.field_sets.get(&key) {
            return Ok(known.clone());
        }
        let name = self.schema.ty(parent).name.clone();
        parse_field_set(Valid::assume_valid_ref(self.source), name, text)
            .map_err(|problem| invalid(coordinate, format!("the field set \"{text}\" is not valid: {problem}")))?;
        let normal = normalize_field_set(text, parent, self.schema)
            .map_err(|error| invalid(coordinate, format!("the field set \"{text}\" is not valid: {error}")))?;
        self.field_sets.insert(key, normal.clone());
        Ok(normal)
    }

    fn graph(&self, graph: &str, coordinate: &dyn Display) -> Result<SubgraphId, SupergraphError> {
        self.graphs.get(graph).copied().ok_or_else(|| {
            invalid(
                coordinate,
                format!("names the subgraph \"{graph}\", which {} does not have", join_spec::GRAPH_ENUM),
            )
        })
    }

    fn is_inaccessible(&self, directives: &DirectiveList) -> bool {
        self.inaccessible.as_deref().is_some_and(|name| directives.has(name))
    }

    fn contexts(&self, directives: &DirectiveList) -> Vec<String> {
        let Some(name) = self.context.as_deref() else { return Vec::new() };
        let context = |directive: &Node<braid_graphql::compiler::ast::Directive>| {
            directive.specified_argument_by_name("name").and_then(|value| value.as_str()).map(str::to_owned)
        };
        directives.get_all(name).filter_map(context).collect()
    }
}

fn context_argument(
    argument: &JoinContextArgument<'_>,
    coordinate: &dyn Display,
) -> Result<ContextArgument, SupergraphError> {
    let unreadable = |what: &str| invalid(coordinate, format!("has a context argument whose {what} cannot be read"));
    Ok(ContextArgument {
        context: argument.context.to_owned(),
        name: Name::new(argument.name).map_err(|_| unreadable("name"))?,
        ty: Type::parse(argument.ty, "join__field.graphql").map_err(|_| unreadable("type"))?,
        selection: argument.selection.to_owned(),
    })
}

fn field_of<'a>(ty: &'a ExtendedType, name: &Name) -> Option<&'a Node<FieldDefinition>> {
    fields_of(ty)?.get(name)
}

fn invalid(coordinate: &dyn Display, message: String) -> SupergraphError {
    SupergraphError::InvalidJoin { coordinate: coordinate.to_string(), message }
}
