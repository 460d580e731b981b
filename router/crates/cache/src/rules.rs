//! The settings of the cache, read and checked, by subgraph. Knows no response.

use std::time::Duration;

use braid_request_context::identity::ClaimPath;
use braid_supergraph::{Subgraph, Supergraph};
use http::HeaderName;
use indexmap::IndexMap;

use crate::config::{CacheConfig, SubgraphCacheConfig, TypeCacheConfig};

/// Why the cache can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A text that is not a header name.
    #[error("{option}: \"{name}\" is not a header name")]
    Header {
        /// The option.
        option: &'static str,
        /// The text.
        name: String,
    },
    /// A text that is not the path of a claim.
    #[error("cache.viewer.claims: {0}")]
    Claim(String),
    /// A setting for something that the supergraph does not have.
    #[error("cache.subgraphs.{subgraph}.types refers to the type \"{ty}\", which the supergraph does not have")]
    UnknownType {
        /// The subgraph.
        subgraph: String,
        /// The type.
        ty: String,
    },
    /// The place where things are kept can't be set up.
    #[error("cache.store can't be used")]
    Store(#[from] braid_cache_store::StoreError),
}

/// What is kept of a subgraph.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) subgraph: String,
    pub(crate) max_age: Option<Duration>,
    pub(crate) private: bool,
    pub(crate) types: IndexMap<String, TypeCacheConfig>,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) public_with_credentials: bool,
    pub(crate) trust_tags: bool,
    /// Whether the subgraph gets claims in the body of requests.
    pub(crate) forwards_claims: bool,
}

/// By what viewers are told apart.
#[derive(Debug)]
pub(crate) struct ViewerRules {
    pub(crate) claims: Vec<ClaimPath>,
    pub(crate) headers: Vec<HeaderName>,
}

impl Rules {
    /// Those for a subgraph; `None` if nothing of it is kept.
    pub(crate) fn new(
        config: &CacheConfig,
        subgraph: &Subgraph,
        supergraph: &Supergraph,
        forwards_claims: bool,
    ) -> Result<Option<Self>, CacheError> {
        let (own, all) = (config.subgraphs.get(&subgraph.name), &config.all);
        macro_rules! setting {
            ($field:ident) => {
                own.and_then(|own| own.$field).or(all.$field)
            };
        }
        if subgraph.is_broker || !setting!(enabled).unwrap_or(true) {
            return Ok(None);
        }
        let mut types = all.types.clone();
        types.extend(own.map(|own: &SubgraphCacheConfig| own.types.clone()).unwrap_or_default());
        if let Some(ty) = types.keys().find(|name| supergraph.schema.type_named(name).is_none()) {
            return Err(CacheError::UnknownType { subgraph: subgraph.name.clone(), ty: ty.clone() });
        }
        Ok(Some(Self {
            subgraph: subgraph.name.clone(),
            max_age: setting!(max_age).map(|set| set.0),
            private: setting!(private).unwrap_or(false),
            types,
            stale_while_revalidate: setting!(stale_while_revalidate).map_or(Duration::ZERO, |set| set.0),
            stale_if_error: setting!(stale_if_error).map_or(Duration::ZERO, |set| set.0),
            public_with_credentials: setting!(public_with_credentials).unwrap_or(false),
            trust_tags: setting!(trust_tags).unwrap_or(false),
            forwards_claims,
        }))
    }
}

impl ViewerRules {
    pub(crate) fn new(config: &CacheConfig) -> Result<Self, CacheError> {
        let claims = config.viewer.claims.iter().map(|path| path.parse().map_err(CacheError::Claim));
        let headers = header_names("cache.viewer.headers", &config.viewer.headers)?;
        Ok(Self { claims: claims.collect::<Result<_, _>>()?, headers })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.headers.is_empty()
    }
}

pub(crate) fn header_names(option: &'static str, names: &[String]) -> Result<Vec<HeaderName>, CacheError> {
    let read = |name: &String| {
        HeaderName::try_from(name.as_str()).map_err(|_| CacheError::Header { option, name: name.clone() })
    };
    names.iter().map(read).collect()
}
