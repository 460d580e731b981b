//! What can be set about the cache. Knows no file and no environment.

use braid_cache_invalidation::config::InvalidationConfig;
use braid_cache_store::config::StoreConfig;
use braid_gateway::answers::AnswersConfig;
use braid_settings::Duration;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What subgraphs gave is kept, entity by entity and root field by root field, for as long as their `Cache-Control` allows. What
/// neither a response nor a setting gives a lifetime is not kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Whether anything is kept.
    pub enabled: bool,
    /// Where it is kept.
    pub store: StoreConfig,
    /// How the router is told that something is not true any more.
    pub invalidation: InvalidationConfig,
    /// Request headers that answers of subgraphs depend on, such as `accept-language`: what was asked for with another value is another
    /// entry. A response whose `Vary` names a header that is forwarded and not listed here is not kept.
    pub vary: Vec<String>,
    /// By what the viewer of private data is told from others.
    pub viewer: ViewerConfig,
    /// What clients and CDNs are told about keeping answers, and what is kept of whole answers.
    pub answers: AnswersConfig,
    /// Settings for all subgraphs.
    pub all: SubgraphCacheConfig,
    /// Settings for single subgraphs, by name. They take precedence.
    pub subgraphs: IndexMap<String, SubgraphCacheConfig>,
}

/// By what the viewer of private data is told from others. If nothing is set, it is all that the subgraph sees of a client (headers and
/// claims that are forwarded). Private data is kept in the router's memory only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ViewerConfig {
    /// Claims, such as `sub`. A request without one of them is not answered from private data.
    pub claims: Vec<String>,
    /// Request headers. A request without one of them is not answered from private data.
    pub headers: Vec<String>,
}

/// What is kept of a subgraph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphCacheConfig {
    /// Whether anything is kept. By default, yes.
    pub enabled: Option<bool>,
    /// The lifetime of what comes without one in `Cache-Control`. By default, it is not kept.
    pub max_age: Option<Duration>,
    /// Whether what comes without a lifetime of its own is private. By default, no.
    pub private: Option<bool>,
    /// The same by type, for entities of the type; for root fields it is the name of the query type.
    pub types: IndexMap<String, TypeCacheConfig>,
    /// How long something may be served after its lifetime while it is asked for again, where the response does not say so itself
    /// (`stale-while-revalidate`). By default, not at all.
    pub stale_while_revalidate: Option<Duration>,
    /// How long something may be served after its lifetime if the subgraph can't be reached, where the response does not say so itself
    /// (`stale-if-error`). By default, not at all.
    pub stale_if_error: Option<Duration>,
    /// A response to a request with somebody's credentials is private unless it says `public` or `s-maxage` (RFC 9111 §3.5). With `true`,
    /// it is for everybody unless it says `private`: only for a subgraph that marks all private data. By default, no.
    pub public_with_credentials: Option<bool>,
    /// Whether `extensions.cacheTags` in responses of the subgraph are believed: those of a query are tags of what is kept, those of a
    /// mutation are thrown out. By default, no.
    pub trust_tags: Option<bool>,
}

/// What is kept of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeCacheConfig {
    /// The lifetime of what comes without one in `Cache-Control`.
    pub max_age: Duration,
    /// Whether it is private.
    #[serde(default)]
    pub private: bool,
}
