//! Bodies that are put together: responses out of entries, and requests for a part of what was asked. Knows no lifetime.

use std::sync::Arc;

use braid_cache_store::Entry;
use braid_executor::SubgraphRequest;
use braid_executor::request::{AskedField, Document, RequestValues, RootField, Variable};
use bytes::Bytes;

/// The body of a response with these entries: of each list or root field, in the order of the request, its key and its items. A root
/// field without an item is left out.
pub(crate) fn response<'a>(
    lists: impl Iterator<Item = (&'a str, Vec<&'a Arc<Entry>>)> + Clone,
    are_fields: bool,
) -> Bytes {
    let size = |(key, items): (&str, Vec<&Arc<Entry>>)| {
        key.len() + 8 + items.iter().map(|entry| entry.value.len() + 1).sum::<usize>()
    };
    let mut out = Vec::with_capacity(16 + lists.clone().map(size).sum::<usize>());
    out.extend_from_slice(b"{\"data\":{");
    let mut is_first = true;
    for (key, items) in lists {
        if are_fields && items.is_empty() {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        if are_fields {
            items.iter().for_each(|entry| out.extend_from_slice(&entry.value));
            continue;
        }
        out.push(b'[');
        for (at, entry) in items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&entry.value);
        }
        out.push(b']');
    }
    out.extend_from_slice(b"}}");
    out.into()
}

/// A request for those items for which `is_wanted` says so, by the number of the list, or of the root field, and of the item.
pub(crate) fn part(request: &SubgraphRequest, is_wanted: impl Fn(usize, usize) -> bool) -> SubgraphRequest {
    let document = &request.values.document;
    if !document.entities.is_empty() {
        return request.keeping(is_wanted);
    }
    let fields: Vec<(&RootField, &AskedField)> = document
        .root_fields
        .iter()
        .enumerate()
        .filter(|(at, _)| is_wanted(*at, 0))
        .filter_map(|(_, field)| Some((field, field.asked.as_ref()?)))
        .collect();
    // Either none of the fields is kept, or it is known of each how it is asked for.
    if fields.len() == document.root_fields.len() {
        return request.clone();
    }
    let mut definitions: Vec<&(braid_graphql::Name, Box<str>)> =
        fields.iter().flat_map(|(_, asked)| &asked.variables).collect();
    definitions.sort_unstable();
    definitions.dedup();
    let mut query = String::new();
    if !definitions.is_empty() {
        let definitions: Vec<&str> = definitions.iter().map(|(_, definition)| &**definition).collect();
        query.extend(["query(", &definitions.join(","), ")"]);
    }
    let texts: Vec<&str> = fields.iter().map(|(_, asked)| &*asked.text).collect();
    query.extend(["{", &texts.join(" "), "}"]);
    let mut body = b"{\"query\":".to_vec();
    // Texts can be written as JSON.
    body.extend_from_slice(serde_json::to_string(&query).unwrap_or_default().as_bytes());
    let mut variables = Vec::new();
    for variable in &request.values.variables {
        if !definitions.iter().any(|(name, _)| *name == variable.name) {
            continue;
        }
        body.extend_from_slice(if variables.is_empty() { b",\"variables\":{\"" } else { b",\"" });
        body.extend_from_slice(variable.name.as_bytes());
        body.extend_from_slice(b"\":");
        let start = body.len();
        body.extend_from_slice(&request.body[variable.value.clone()]);
        variables.push(Variable { name: variable.name.clone(), value: start..body.len() });
    }
    body.extend_from_slice(if variables.is_empty() { b"}" } else { b"}}" });
    let root_field = |(field, _): &(&RootField, &AskedField)| RootField {
        key: field.key.clone(),
        name: field.name.clone(),
        asked: None,
    };
    let document = Document {
        hash: xxhash_rust::xxh3::xxh3_64(query.as_bytes()),
        query: query.into(),
        root_fields: fields.iter().map(root_field).collect(),
        entities: Vec::new(),
    };
    let values = RequestValues { document: Arc::new(document), entities: Vec::new(), variables };
    SubgraphRequest { body: body.into(), values, ..request.clone() }
}
