//! The tags that an entry has for itself. Knows no lifetime.

use braid_cache_store::{Tag, TagKind, entity_key};
use braid_executor::SubgraphRequest;
use braid_executor::request::{AskedField, EntityKey};
use braid_graphql::compiler::ast::Value as Literal;
use braid_graphql::{Name, Node};
use braid_supergraph::{SubgraphId, Supergraph, TagTemplate};
use serde_json::{Map, Value};

/// The tags of an entity that its representation says, and of the tags that it was given.
pub(crate) fn of_entity(subgraph: &str, keys: &[EntityKey], representation: &[u8], given: &[Box<str>]) -> Box<[Tag]> {
    let mut tags = of_given(subgraph, given);
    // It was written by the executor; what can't be read has no key.
    let Ok(Value::Object(fields)) = serde_json::from_slice(representation) else { return tags.into() };
    let Some(ty) = fields.get("__typename").and_then(Value::as_str) else { return tags.into() };
    let of_key = keys.iter().find(|key| key.typename == *ty).map(|key| &key.fields);
    let is_in_key = |name: &str| of_key.is_some_and(|fields| fields.iter().any(|field| *field == *name));
    let key: Map<String, Value> =
        fields.iter().filter(|(name, _)| is_in_key(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    let key = entity_key(&key);
    for subgraph in [Some(subgraph), None] {
        tags.push(Tag::new(subgraph, TagKind::Type, &[ty.as_bytes()]));
        tags.push(Tag::new(subgraph, TagKind::Entity, &[ty.as_bytes(), &key]));
    }
    tags.into()
}

/// The tags that were given to an entry.
pub(crate) fn of_given(subgraph: &str, given: &[Box<str>]) -> Vec<Tag> {
    let both = |tag: &str| [Some(subgraph), None].map(|subgraph| Tag::new(subgraph, TagKind::Given, &[tag.as_bytes()]));
    given.iter().flat_map(|tag| both(tag)).collect()
}

/// The tags that `@cacheTag` gives an entity.
pub(crate) fn given_to_entity(supergraph: &Supergraph, subgraph: SubgraphId, representation: &[u8]) -> Vec<Box<str>> {
    if supergraph.cache_tags.is_empty() {
        return Vec::new();
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(representation) else { return Vec::new() };
    let ty = fields.get("__typename").and_then(Value::as_str).and_then(|name| supergraph.schema.type_named(name));
    let templates = ty.map_or(&[][..], |ty| supergraph.cache_tags.of_type(subgraph, ty));
    let value = |path: &[Name]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(fields.get(first.as_str())?, |at, name| at.get(name.as_str())).cloned()
    };
    filled(templates, value)
}

/// The tags that `@cacheTag` gives a root field.
pub(crate) fn given_to_field(supergraph: &Supergraph, field: &AskedField, request: &SubgraphRequest) -> Vec<Box<str>> {
    let Some(id) = field.field else { return Vec::new() };
    let templates = supergraph.cache_tags.of_field(request.subgraph, id);
    let value = |path: &[Name]| {
        let (first, rest) = path.split_first()?;
        let argument = field.arguments.iter().find(|argument| argument.name == *first);
        let given = argument.and_then(|argument| json_of(&argument.value, request));
        let default = || {
            let definition = supergraph.schema.field(id).arguments.get(first)?;
            json_of(definition.default.as_ref()?, request)
        };
        let value = given.or_else(default)?;
        rest.iter().try_fold(&value, |at, name| at.get(name.as_str())).cloned()
    };
    filled(templates, value)
}

fn filled(templates: &[TagTemplate], value: impl Fn(&[Name]) -> Option<Value>) -> Vec<Box<str>> {
    templates.iter().filter_map(|template| template.fill(&value)).map(Into::into).collect()
}

/// A literal as JSON; a variable is its value in the request. `None` for a variable without one. Recursive as deep as documents are.
fn json_of(literal: &Node<Literal>, request: &SubgraphRequest) -> Option<Value> {
    Some(match &**literal {
        Literal::Null => Value::Null,
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::Int(value) => serde_json::from_str(value.as_str()).ok()?,
        Literal::Float(value) => serde_json::from_str(value.as_str()).ok()?,
        Literal::String(text) => Value::String(text.clone()),
        Literal::Enum(name) => Value::String(name.to_string()),
        Literal::Variable(name) => serde_json::from_slice(&request.variable(name)?).ok()?,
        Literal::List(items) => Value::Array(items.iter().map(|item| json_of(item, request)).collect::<Option<_>>()?),
        Literal::Object(members) => {
            let member = |(name, value): &(Name, Node<Literal>)| Some((name.to_string(), json_of(value, request)?));
            Value::Object(members.iter().filter_map(member).collect())
        }
    })
}
