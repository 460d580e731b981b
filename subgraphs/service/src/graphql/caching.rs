//! What a response says of caching: how long it may be kept, and by which tags it is thrown out. Knows no HTTP and no type of any subgraph.
//!
//! Types and fields say `cache_control(max_age = …)` or `cache_control(private)`; async-graphql merges what a query selects. Tags are
//! extensions of the response: `cacheTags` for all of it, or for a mutation what it makes untrue, and `entityCacheTags` for each entity.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{CacheControl, Context, Name, Response, Value};

/// The tags of a response, as its resolvers add them.
#[derive(Debug, Clone, Default)]
pub(super) struct CacheTags(Arc<Mutex<BTreeSet<String>>>);

/// The tags of an entity, by its representation. Part of the data of a schema.
#[derive(Debug, Clone, Copy)]
pub struct EntityTags(pub fn(&IndexMap<Name, Value>) -> Vec<String>);

/// Adds a tag to the response: the whole of it is thrown out of caches by it. The tags of a mutation are thrown out.
pub fn cache_tag(ctx: &Context<'_>, tag: impl Into<String>) {
    if let Some(tags) = ctx.data_opt::<CacheTags>() {
        tags.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.into());
    }
}

impl CacheTags {
    /// Writes the tags into the response. One with errors has only those that it makes untrue: it can't be kept.
    pub(super) fn write(&self, response: &mut Response, entities: &[Vec<String>]) {
        let tags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tags.is_empty() {
            response.extensions.insert("cacheTags".to_owned(), tags.iter().map(Value::from).collect());
        }
        if entities.iter().any(|tags| !tags.is_empty()) {
            let entities = entities.iter().map(|tags| Value::List(tags.iter().map(Value::from).collect()));
            response.extensions.insert("entityCacheTags".to_owned(), entities.collect());
        }
    }
}

/// The tags of each representation.
pub(super) fn of_entities(tags: EntityTags, representations: &[Value]) -> Vec<Vec<String>> {
    let of_one = |representation: &Value| match representation {
        Value::Object(fields) => (tags.0)(fields),
        _ => Vec::new(),
    };
    representations.iter().map(of_one).collect()
}

/// Whether all operations of a document only read.
pub(super) fn only_reads(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// `Cache-Control` of a response; none if nothing is said of how long it may be kept, or if it is not complete.
pub(crate) fn cache_control(response: &Response) -> Option<String> {
    let CacheControl { public, max_age } = response.cache_control;
    if !response.errors.is_empty() {
        return None;
    }
    let age = (max_age > 0).then(|| format!("max-age={max_age}"));
    match (public, age) {
        (true, Some(age)) => Some(format!("public, {age}")),
        (true, None) => None,
        (false, Some(age)) => Some(format!("private, {age}")),
        (false, None) => Some("private".to_owned()),
    }
}
