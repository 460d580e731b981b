//! What can be invalidated, and the tags by which entries are found untrue. Knows nothing of when.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3;

/// What entries are invalidated by, as a hash. Tags that collide are invalidated together, which costs a request and is never wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u64);

/// What is not true any more. Routers of a group tell it each other in this form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalidation {
    /// All that subgraphs gave.
    All,
    /// What this subgraph gave.
    Subgraph(String),
    /// All of this type, and what contains something of this type.
    Type {
        /// What this subgraph gave; `None` for all.
        subgraph: Option<String>,
        /// The name of the type.
        ty: String,
    },
    /// One entity, and what may contain it.
    Entity {
        /// What this subgraph gave; `None` for all.
        subgraph: Option<String>,
        /// The name of the type.
        ty: String,
        /// Its key, as it is in representations.
        key: Map<String, Value>,
    },
    /// All that has a tag (`@cacheTag`, or given by the subgraph beside the answer).
    Tag {
        /// What this subgraph gave; `None` for all.
        subgraph: Option<String>,
        /// The tag.
        tag: String,
    },
}

impl Invalidation {
    /// The tags whose entries are not true any more; `None` for all.
    pub fn tags(&self) -> Option<Vec<Tag>> {
        let of = |subgraph: &Option<String>, kind, parts: &[&[u8]]| Tag::new(subgraph.as_deref(), kind, parts);
        Some(match self {
            Self::All => return None,
            Self::Subgraph(subgraph) => vec![Tag::new(Some(subgraph), TagKind::Subgraph, &[])],
            Self::Type { subgraph, ty } => vec![of(subgraph, TagKind::Type, &[ty.as_bytes()])],
            Self::Entity { subgraph, ty, key } => vec![
                of(subgraph, TagKind::Entity, &[ty.as_bytes(), &entity_key(key)]),
                of(subgraph, TagKind::Contains, &[ty.as_bytes()]),
            ],
            Self::Tag { subgraph, tag } => vec![of(subgraph, TagKind::Given, &[tag.as_bytes()])],
        })
    }
}

/// What a tag is about. An entry has each of its tags twice: with the name of its subgraph, and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagKind {
    /// The subgraph.
    Subgraph,
    /// A type: the entry is of it or contains it.
    Type,
    /// A type that the entry contains, below its top.
    Contains,
    /// The entity that the entry is of: name of the type and [`entity_key`].
    Entity,
    /// A tag that somebody chose.
    Given,
}

impl Tag {
    /// The tag of what this subgraph gave, or of what any did.
    pub fn new(subgraph: Option<&str>, kind: TagKind, parts: &[&[u8]]) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&[kind as u8, u8::from(subgraph.is_some())]);
        for part in subgraph.map(str::as_bytes).iter().chain(parts) {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.digest())
    }
}

/// The fields of a key in one form: by name, and a number like the text of it, since subgraphs write an ID as either.
pub fn entity_key(key: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    write_object(key, &mut out);
    out
}

fn write_object(object: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|(name, _)| name.as_str());
    out.push(b'{');
    for (name, value) in members {
        write_text(name, out);
        write_value(value, out);
    }
    out.push(b'}');
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(b'n'),
        Value::Bool(is) => out.push(if *is { b't' } else { b'f' }),
        Value::Number(number) => write_text(&number.to_string(), out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            items.iter().for_each(|item| write_value(item, out));
            out.push(b']');
        }
        Value::Object(object) => write_object(object, out),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
