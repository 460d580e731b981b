//! Which types and fields have `@cacheTag`, by subgraph. Other composers check little of it, so what can have no effect is noted and left out.

use std::fmt::Display;

use braid_graphql::compiler::schema::DirectiveList;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldDef, TypeId};

use super::{Reader, field_of};
use crate::cache_tags::{CacheTags, TagTemplate, TagVariable};
use crate::join_spec;
use crate::supergraph::{SubgraphId, SupergraphError, TypeJoins};

impl Reader<'_> {
    pub(super) fn cache_tags(&self, types: &[TypeJoins]) -> Result<CacheTags, SupergraphError> {
        let mut tags = CacheTags::default();
        for (id, definition) in self.schema.types() {
            let Some(source) = self.source.types.get(&definition.name) else { continue };
            for (subgraph, format) in self.applied(source.directives(), &definition.name)? {
                match on_type(format, &types[id.index()], subgraph) {
                    Ok(template) => tags.types.entry((subgraph, id)).or_default().push(template),
                    Err(reason) => tags.ignore(format, &definition.name, &reason),
                }
            }
        }
        // The fields of a type follow each other.
        let mut source_of = (None, None);
        for (id, field) in self.schema.fields() {
            let parent = &self.schema.ty(field.parent).name;
            if source_of.0 != Some(field.parent) {
                source_of = (Some(field.parent), self.source.types.get(parent));
            }
            let Some(source) = source_of.1.and_then(|ty| field_of(ty, &field.name)) else { continue };
            let coordinate = format_args!("{parent}.{}", field.name);
            for (subgraph, format) in self.applied(&source.directives, &coordinate)? {
                match on_field(format, field, self.schema.query) {
                    Ok(template) => tags.fields.entry((subgraph, id)).or_default().push(template),
                    Err(reason) => tags.ignore(format, &coordinate, &reason),
                }
            }
        }
        Ok(tags)
    }

    /// The formats of the tags, each with a subgraph that has it.
    fn applied<'a>(
        &self,
        directives: &'a DirectiveList,
        coordinate: &dyn Display,
    ) -> Result<Vec<(SubgraphId, &'a str)>, SupergraphError> {
        let mut found = Vec::new();
        for directive in join_spec::join_directives(directives).filter(|directive| directive.name == CACHE_TAG) {
            for graph in &directive.graphs {
                // Without a format, composers don't write it.
                found.push((self.graph(graph, coordinate)?, directive.text("format").unwrap_or_default()));
            }
        }
        Ok(found)
    }
}

const CACHE_TAG: &str = "federation__cacheTag";

impl CacheTags {
    fn ignore(&mut self, format: &str, coordinate: &dyn Display, reason: &str) {
        self.ignored.push(format!("@cacheTag(format: \"{format}\") on {coordinate}: {reason}"));
    }
}

fn on_type(format: &str, joins: &TypeJoins, subgraph: SubgraphId) -> Result<TagTemplate, String> {
    let joined = joins.subgraphs.iter().find(|joined| joined.subgraph == subgraph);
    let keys = joined.into_iter().flat_map(|joined| &joined.keys).filter(|key| key.resolvable);
    let keys: Vec<&SelectionSet> = keys.map(|key| &key.fields).collect();
    if keys.is_empty() {
        return Err("the type has no key by which it could be fetched from this subgraph".to_owned());
    }
    let known = |variable: &TagVariable| variable.root == "key" && keys.iter().any(|key| has_path(key, variable));
    parse(format, known, "is not part of a key")
}

fn on_field(format: &str, field: &FieldDef, query: Option<TypeId>) -> Result<TagTemplate, String> {
    if Some(field.parent) != query {
        return Err("it is not a field of the query type".to_owned());
    }
    let known = |variable: &TagVariable| {
        variable.root == "args" && variable.path.first().is_some_and(|name| field.arguments.contains_key(name))
    };
    parse(format, known, "is not an argument of the field")
}

fn parse(format: &str, known: impl Fn(&TagVariable) -> bool, unknown: &str) -> Result<TagTemplate, String> {
    let template = TagTemplate::parse(format).map_err(|error| error.to_string())?;
    if let Some(variable) = template.variables().find(|variable| !known(variable)) {
        return Err(format!("\"{{{variable}}}\" {unknown}"));
    }
    Ok(template)
}

fn has_path(key: &SelectionSet, variable: &TagVariable) -> bool {
    let mut at = Some(key);
    variable.path.iter().all(|name| {
        let field = at.and_then(|set| set.fields.iter().find(|field| field.response_key == *name));
        at = field.and_then(|field| field.selection_set.as_ref());
        field.is_some()
    })
}
