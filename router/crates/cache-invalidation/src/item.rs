//! What senders write: the JSON form of invalidations. Knows neither how it is sent nor what is kept.

use braid_cache_store::Invalidation;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::TypeId;
use braid_supergraph::{SubgraphId, Supergraph};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One invalidation. `subgraph` and `subgraphs` may both be given; without either, it is about what any subgraph gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Item {
    /// Everything.
    All {},
    /// What a subgraph gave.
    Subgraph {
        /// The subgraph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subgraph: Option<String>,
        /// Several subgraphs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subgraphs: Vec<String>,
    },
    /// All of a type, and what contains something of it.
    Type {
        /// The subgraph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subgraph: Option<String>,
        /// Several subgraphs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subgraphs: Vec<String>,
        /// The name of the type.
        #[serde(rename = "type")]
        ty: String,
    },
    /// One entity, and what may contain it.
    Entity {
        /// The subgraph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subgraph: Option<String>,
        /// Several subgraphs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subgraphs: Vec<String>,
        /// The name of the type.
        #[serde(rename = "type")]
        ty: String,
        /// The fields of one of its keys.
        key: Map<String, Value>,
    },
    /// All that has a tag: by `@cacheTag`, or given by the subgraph beside the response.
    CacheTag {
        /// The subgraph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subgraph: Option<String>,
        /// Several subgraphs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subgraphs: Vec<String>,
        /// The tag.
        cache_tag: String,
    },
}

/// Why an invalidation means nothing in a supergraph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// It names no subgraph, but is about one.
    #[error("it has no subgraph; name it in \"subgraph\", or several in \"subgraphs\"")]
    NoSubgraph,
    /// There is no such subgraph.
    #[error("the subgraph \"{name}\" is unknown; there are {known}")]
    Subgraph {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// There is no such type, or it has no fields.
    #[error("\"{0}\" is not an object type, interface or union of the supergraph")]
    Type(String),
    /// The subgraph does not have the type.
    #[error("the subgraph \"{subgraph}\" does not have the type \"{ty}\"")]
    TypeInSubgraph {
        /// The subgraph.
        subgraph: String,
        /// The type.
        ty: String,
    },
    /// The type has no such key.
    #[error("{ty} has no key with these fields; its keys are {known}")]
    Key {
        /// The type.
        ty: String,
        /// Its keys.
        known: String,
    },
    /// The type has no key at all.
    #[error("{0} has no key, so nothing of it is kept by itself; use the kind \"type\"")]
    NoKeys(String),
    /// The tag is empty.
    #[error("the cache tag is empty")]
    NoTag,
}

impl Item {
    /// What it means, if all its names do in this supergraph.
    pub fn checked(&self, supergraph: &Supergraph) -> Result<Vec<Invalidation>, ItemError> {
        let subgraphs = self.subgraphs();
        let ids = subgraphs.iter().map(|name| known_subgraph(name, supergraph)).collect::<Result<Vec<_>, _>>()?;
        match self {
            Self::All {} => {}
            Self::Subgraph { .. } if subgraphs.is_empty() => return Err(ItemError::NoSubgraph),
            Self::Subgraph { .. } => {}
            Self::Type { ty, .. } => drop(known_type(ty, &ids, supergraph)?),
            Self::Entity { ty, key, .. } => check_key(known_type(ty, &ids, supergraph)?, &ids, key, supergraph)?,
            Self::CacheTag { cache_tag, .. } if cache_tag.is_empty() => return Err(ItemError::NoTag),
            Self::CacheTag { .. } => {}
        }
        Ok(self.invalidations(supergraph))
    }

    /// What it means. An abstract type stands for all types that it can be.
    pub fn invalidations(&self, supergraph: &Supergraph) -> Vec<Invalidation> {
        let subgraphs: Vec<Option<String>> = match self.subgraphs() {
            none if none.is_empty() => vec![None],
            some => some.into_iter().map(|name| Some(name.to_owned())).collect(),
        };
        let each = |make: &dyn Fn(Option<String>) -> Invalidation| subgraphs.iter().cloned().map(make).collect();
        match self {
            Self::All {} => vec![Invalidation::All],
            Self::Subgraph { .. } => subgraphs.into_iter().flatten().map(Invalidation::Subgraph).collect(),
            Self::Type { ty, .. } => runtime_names(ty, supergraph)
                .iter()
                .flat_map(|ty| -> Vec<_> { each(&|subgraph| Invalidation::Type { subgraph, ty: ty.clone() }) })
                .collect(),
            Self::Entity { ty, key, .. } => runtime_names(ty, supergraph)
                .iter()
                .flat_map(|ty| -> Vec<_> {
                    each(&|subgraph| Invalidation::Entity { subgraph, ty: ty.clone(), key: key.clone() })
                })
                .collect(),
            Self::CacheTag { cache_tag, .. } => {
                each(&|subgraph| Invalidation::Tag { subgraph, tag: cache_tag.clone() })
            }
        }
    }

    /// The subgraphs that it names, each once.
    fn subgraphs(&self) -> Vec<&str> {
        let (one, several) = match self {
            Self::All {} => return Vec::new(),
            Self::Subgraph { subgraph, subgraphs }
            | Self::Type { subgraph, subgraphs, .. }
            | Self::Entity { subgraph, subgraphs, .. }
            | Self::CacheTag { subgraph, subgraphs, .. } => (subgraph, subgraphs),
        };
        let mut names: Vec<&str> = one.iter().chain(several).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The same with each text replaced.
    pub(crate) fn map<E>(&self, text: &impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let one = |name: &Option<String>| name.as_deref().map(text).transpose();
        let all = |names: &[String]| names.iter().map(|name| text(name)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::All {} => Self::All {},
            Self::Subgraph { subgraph, subgraphs } => {
                Self::Subgraph { subgraph: one(subgraph)?, subgraphs: all(subgraphs)? }
            }
            Self::Type { subgraph, subgraphs, ty } => {
                Self::Type { subgraph: one(subgraph)?, subgraphs: all(subgraphs)?, ty: text(ty)? }
            }
            Self::Entity { subgraph, subgraphs, ty, key } => Self::Entity {
                subgraph: one(subgraph)?,
                subgraphs: all(subgraphs)?,
                ty: text(ty)?,
                key: map_object(key, text)?,
            },
            Self::CacheTag { subgraph, subgraphs, cache_tag } => {
                Self::CacheTag { subgraph: one(subgraph)?, subgraphs: all(subgraphs)?, cache_tag: text(cache_tag)? }
            }
        })
    }
}

fn map_object<E>(
    object: &Map<String, Value>,
    text: &impl Fn(&str) -> Result<String, E>,
) -> Result<Map<String, Value>, E> {
    object.iter().map(|(name, value)| Ok((name.clone(), map_value(value, text)?))).collect()
}

/// Recursive as deep as the parser lets values be.
fn map_value<E>(value: &Value, text: &impl Fn(&str) -> Result<String, E>) -> Result<Value, E> {
    Ok(match value {
        Value::String(value) => Value::String(text(value)?),
        Value::Array(items) => Value::Array(items.iter().map(|item| map_value(item, text)).collect::<Result<_, _>>()?),
        Value::Object(object) => Value::Object(map_object(object, text)?),
        other => other.clone(),
    })
}

fn known_subgraph(name: &str, supergraph: &Supergraph) -> Result<SubgraphId, ItemError> {
    supergraph.subgraph_named(name).filter(|id| !supergraph.subgraph(*id).is_broker).ok_or_else(|| {
        let known = supergraph.subgraphs.iter().filter(|subgraph| !subgraph.is_broker);
        let known: Vec<_> = known.map(|subgraph| format!("\"{}\"", subgraph.name)).collect();
        ItemError::Subgraph { name: name.to_owned(), known: known.join(", ") }
    })
}

fn known_type(name: &str, subgraphs: &[SubgraphId], supergraph: &Supergraph) -> Result<TypeId, ItemError> {
    let ty = supergraph.schema.type_named(name).filter(|id| !supergraph.schema.ty(*id).possible.is_empty());
    let ty = ty.ok_or_else(|| ItemError::Type(name.to_owned()))?;
    match subgraphs.iter().find(|subgraph| supergraph.type_in(ty, **subgraph).is_none()) {
        Some(subgraph) => Err(ItemError::TypeInSubgraph {
            subgraph: supergraph.subgraph(*subgraph).name.clone(),
            ty: name.to_owned(),
        }),
        None => Ok(ty),
    }
}

fn check_key(
    ty: TypeId,
    subgraphs: &[SubgraphId],
    key: &Map<String, Value>,
    supergraph: &Supergraph,
) -> Result<(), ItemError> {
    let joined = supergraph.ty(ty).subgraphs.iter();
    let joined = joined.filter(|joined| subgraphs.is_empty() || subgraphs.contains(&joined.subgraph));
    let keys: Vec<_> = joined.flat_map(|joined| &joined.keys).filter(|key| key.resolvable).collect();
    if keys.iter().any(|known| is_key(key, &known.fields)) {
        return Ok(());
    }
    let name = supergraph.schema.ty(ty).name.to_string();
    let mut known: Vec<_> = keys.iter().map(|key| format!("\"{}\"", key.text)).collect();
    known.sort_unstable();
    known.dedup();
    match known.is_empty() {
        true => Err(ItemError::NoKeys(name)),
        false => Err(ItemError::Key { ty: name, known: known.join(", ") }),
    }
}

/// Whether an object has these fields and no others. Recursive as deep as keys are.
fn is_key(object: &Map<String, Value>, fields: &SelectionSet) -> bool {
    object.len() == fields.fields.len()
        && fields.fields.iter().all(|field| {
            let value = object.get(field.response_key.as_str());
            match (value, &field.selection_set) {
                (Some(Value::Object(below)), Some(fields)) => is_key(below, fields),
                (Some(Value::Array(items)), Some(fields)) => {
                    items.iter().all(|item| item.as_object().is_some_and(|item| is_key(item, fields)))
                }
                (Some(Value::Object(_)), None) | (_, Some(_)) | (None, _) => false,
                (Some(_), None) => true,
            }
        })
}

/// A type and all that it can be at run time. A name that means nothing stays as it is.
fn runtime_names(name: &str, supergraph: &Supergraph) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    if let Some(id) = supergraph.schema.type_named(name) {
        let possible = supergraph.schema.ty(id).possible.iter();
        names.extend(possible.map(|id| supergraph.schema.ty(id).name.to_string()).filter(|ty| ty != name));
    }
    names
}
