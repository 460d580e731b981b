//! The limits of each of several graphs, which count in one place under keys of their own. Does not know which graph a request is for.

use std::collections::HashMap;
use std::sync::Arc;

use braid_telemetry::metrics::Metrics;

use crate::config::RateLimitsConfig;
use crate::counters::{Counters, RateLimitError};
use crate::limits::RateLimits;

/// The rate limits of a version: of requests to each of several graphs, and of all others.
#[derive(Debug)]
pub struct LimitsByGraph {
    counters: Counters,
    /// Of requests that are for none of the graphs; of all, if there are no graphs.
    others: Option<Arc<RateLimits>>,
    graphs: HashMap<String, Option<Arc<RateLimits>>>,
}

impl LimitsByGraph {
    /// The limits as configured for all, and for the graphs with these names; none if there are no rules at all. Where requests are counted is as for
    /// all. What `previous` remembers is kept. Must be called on a runtime if there is a Redis server.
    pub fn new<'a>(
        config: &RateLimitsConfig,
        graphs: impl IntoIterator<Item = (&'a str, RateLimitsConfig)>,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Option<Self>, RateLimitError> {
        let graphs: Vec<_> = graphs.into_iter().collect();
        config.check()?;
        graphs.iter().try_for_each(|(_, config)| config.check())?;
        if config.rules.is_empty() && graphs.iter().all(|(_, config)| config.rules.is_empty()) {
            return Ok(None);
        }
        let counters = Counters::new(config, metrics, previous.map(|previous| &previous.counters))?;
        let limits = |graph: Option<&str>, config: &RateLimitsConfig| -> Result<_, RateLimitError> {
            if config.rules.is_empty() {
                return Ok(None);
            }
            Ok(Some(Arc::new(RateLimits::new(&counters, graph, config, metrics)?)))
        };
        let others = limits(None, config)?;
        let mut of_graphs = HashMap::with_capacity(graphs.len());
        for (name, config) in &graphs {
            of_graphs.insert((*name).to_owned(), limits(Some(*name), config)?);
        }
        Ok(Some(Self { others, graphs: of_graphs, counters }))
    }

    /// The limits of requests to a graph, or of one that is for none; nothing if they are not limited.
    pub fn of(&self, graph: Option<&str>) -> Option<&Arc<RateLimits>> {
        match graph.and_then(|graph| self.graphs.get(graph)) {
            Some(limits) => limits.as_ref(),
            None => self.others.as_ref(),
        }
    }
}
