//! The metrics of requests to subgraphs. Knows no other metric.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

/// The metrics of one subgraph.
#[derive(Debug, Clone)]
pub struct SubgraphMetrics {
    duration: Histogram,
    failures: Vec<(&'static str, Counter)>,
    /// Retries of queries.
    pub retries: Counter,
    /// The state of its circuit: 0 closed, 1 open, 2 half-open.
    pub circuit_state: Gauge,
    /// How often a URL was left out.
    pub ejections: Counter,
    /// The number of URLs that are left out.
    pub urls_ejected: Gauge,
    /// Queries that were sent a second time because they took long.
    pub hedges: Counter,
    /// Those of them whose second response counted.
    pub hedges_won: Counter,
}

/// The metrics of all subgraphs.
#[derive(Debug)]
pub(crate) struct SubgraphFamilies {
    duration: Family<Label, Histogram, fn() -> Histogram>,
    failures: Family<FailureLabel, Counter>,
    retries: Family<Label, Counter>,
    circuit_state: Family<Label, Gauge>,
    ejections: Family<Label, Counter>,
    urls_ejected: Family<Label, Gauge>,
    hedges: Family<Label, Counter>,
    hedges_won: Family<Label, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    subgraph: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabel {
    subgraph: String,
    code: &'static str,
}

impl Default for SubgraphFamilies {
    fn default() -> Self {
        Self {
            duration: Family::new_with_constructor(seconds),
            failures: Family::default(),
            retries: Family::default(),
            circuit_state: Family::default(),
            ejections: Family::default(),
            urls_ejected: Family::default(),
            hedges: Family::default(),
            hedges_won: Family::default(),
        }
    }
}

impl SubgraphFamilies {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_client_request_duration",
            "Duration of requests to subgraphs",
            Unit::Seconds,
            self.duration.clone(),
        );
        let help = "Failed requests to subgraphs by error code";
        registry.register("subgraph_failures", help, self.failures.clone());
        registry.register("subgraph_retries", "Retries of requests to subgraphs", self.retries.clone());
        let help = "State of the circuit breaker of a subgraph: 0 closed, 1 open, 2 half-open";
        registry.register("subgraph_circuit_state", help, self.circuit_state.clone());
        let help = "How often a URL of a subgraph was left out because requests to it failed";
        registry.register("subgraph_ejections", help, self.ejections.clone());
        registry.register("subgraph_urls_ejected", "URLs of a subgraph that are left out", self.urls_ejected.clone());
        let help = "Queries that were sent to a subgraph a second time because they took long";
        registry.register("subgraph_hedges", help, self.hedges.clone());
        let help = "Queries that were sent a second time, and whose second response counted";
        registry.register("subgraph_hedges_won", help, self.hedges_won.clone());
    }

    /// The metrics of one subgraph, which can fail with these codes.
    pub(crate) fn of(&self, name: &str, codes: impl IntoIterator<Item = &'static str>) -> SubgraphMetrics {
        let label = Label { subgraph: name.to_owned() };
        let failure = |code| {
            let label = FailureLabel { subgraph: name.to_owned(), code };
            (code, self.failures.get_or_create(&label).clone())
        };
        SubgraphMetrics {
            duration: self.duration.get_or_create(&label).clone(),
            failures: codes.into_iter().map(failure).collect(),
            retries: self.retries.get_or_create(&label).clone(),
            circuit_state: self.circuit_state.get_or_create(&label).clone(),
            ejections: self.ejections.get_or_create(&label).clone(),
            urls_ejected: self.urls_ejected.get_or_create(&label).clone(),
            hedges: self.hedges.get_or_create(&label).clone(),
            hedges_won: self.hedges_won.get_or_create(&label).clone(),
        }
    }
}

impl SubgraphMetrics {
    /// Counts a request and its duration.
    pub fn took(&self, took: Duration) {
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts a failed request.
    pub fn failed(&self, code: &str) {
        if let Some((_, counter)) = self.failures.iter().find(|(known, _)| *known == code) {
            counter.inc();
        }
    }
}
