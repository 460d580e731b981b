//! The body of a request or message: a list of items, or one. Knows no transport.

use braid_cache_store::Invalidation;
use braid_supergraph::Supergraph;
use serde_json::Value;

use crate::item::{Item, ItemError};

/// The most bytes of a body.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// The most items of a body.
pub(crate) const MAX_ITEMS: usize = 1_000;

/// Why a body can't be used. Nothing of it is done then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("it is not JSON: {0}")]
    NoJson(serde_json::Error),
    #[error("it must be an object such as {{\"kind\":\"all\"}}, or a list of such objects")]
    NoList,
    #[error("it has nothing to invalidate")]
    Empty,
    #[error("it has {0} items, more than {MAX_ITEMS}; send them in several requests")]
    TooMany(usize),
    #[error("item {number}: {problem}")]
    Malformed { number: usize, problem: serde_json::Error },
    #[error("item {number}: {problem}")]
    Unknown { number: usize, problem: ItemError },
}

/// Reads a body.
pub(crate) fn items(body: &[u8]) -> Result<Vec<Item>, BodyError> {
    let values = match serde_json::from_slice(body).map_err(BodyError::NoJson)? {
        Value::Array(values) => values,
        one @ Value::Object(_) => vec![one],
        _ => return Err(BodyError::NoList),
    };
    match values.len() {
        0 => return Err(BodyError::Empty),
        1..=MAX_ITEMS => {}
        count => return Err(BodyError::TooMany(count)),
    }
    let items = values.into_iter().enumerate();
    let read = items.map(|(index, value)| {
        serde_json::from_value(value).map_err(|problem| BodyError::Malformed { number: index + 1, problem })
    });
    read.collect()
}

/// What items mean, if all of them mean something.
pub(crate) fn checked(items: &[Item], supergraph: &Supergraph) -> Result<Vec<Invalidation>, BodyError> {
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let found = item.checked(supergraph);
        all.extend(found.map_err(|problem| BodyError::Unknown { number: index + 1, problem })?);
    }
    Ok(all)
}
