//! The metrics of what was found in the cache. Knows no other metric.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The metrics of what is kept of a type of a subgraph.
#[derive(Debug, Clone)]
pub struct CachedItemMetrics {
    /// Items that were found and were fresh.
    pub hits: Counter,
    /// Items that were not found.
    pub misses: Counter,
    /// Items that were found and served although they were not fresh.
    pub stale: Counter,
    /// Items that were found among those of the viewer who asked. They count as hits too.
    pub private: Counter,
}

/// The metrics of all of them.
#[derive(Debug, Default)]
pub(crate) struct CachedItemFamilies {
    items: Family<Item, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Item {
    subgraph: String,
    r#type: String,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Outcome {
    Hit,
    Miss,
    Stale,
    Private,
}

impl CachedItemFamilies {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Entities and root fields that were looked for in the cache, by what came of it";
        registry.register("cache_items", help, self.items.clone());
    }

    pub(crate) fn of(&self, subgraph: &str, ty: &str) -> CachedItemMetrics {
        let of = |outcome| {
            let item = Item { subgraph: subgraph.to_owned(), r#type: ty.to_owned(), outcome };
            self.items.get_or_create(&item).clone()
        };
        CachedItemMetrics {
            hits: of(Outcome::Hit),
            misses: of(Outcome::Miss),
            stale: of(Outcome::Stale),
            private: of(Outcome::Private),
        }
    }
}
