//! The metrics of the connections that bring the events of subgraphs. Knows no other metric.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counts events that are dropped.
pub type Dropped = Counter;

/// The metrics of the connections to one subgraph.
#[derive(Debug, Clone, Default)]
pub struct UpstreamMetrics {
    /// Connections that are open.
    pub open: Gauge,
    /// Connections that were opened.
    pub opened: Counter,
    /// Connections that were lost.
    pub lost: Counter,
    /// Subscriptions that were made again after their connection was lost.
    pub resubscribed: Counter,
    /// Events that were dropped because they came faster than they were taken.
    pub dropped: Dropped,
}

/// The metrics of the connections to all subgraphs.
#[derive(Debug, Default)]
pub(crate) struct UpstreamFamilies {
    open: Family<Label, Gauge>,
    opened: Family<Label, Counter>,
    lost: Family<Label, Counter>,
    resubscribed: Family<Label, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    subgraph: String,
}

impl UpstreamFamilies {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Open connections that bring events of a subgraph";
        registry.register("subgraph_stream_connections", help, self.open.clone());
        let help = "Connections for events of a subgraph that were opened";
        registry.register("subgraph_stream_connections_opened", help, self.opened.clone());
        let help = "Connections for events of a subgraph that were lost";
        registry.register("subgraph_stream_connections_lost", help, self.lost.clone());
        let help = "Subscriptions that were made again at a subgraph after their connection was lost";
        registry.register("subgraph_resubscriptions", help, self.resubscribed.clone());
    }

    /// The metrics of one subgraph.
    pub(crate) fn of(&self, name: &str, dropped: Dropped) -> UpstreamMetrics {
        let label = Label { subgraph: name.to_owned() };
        UpstreamMetrics {
            open: self.open.get_or_create(&label).clone(),
            opened: self.opened.get_or_create(&label).clone(),
            lost: self.lost.get_or_create(&label).clone(),
            resubscribed: self.resubscribed.get_or_create(&label).clone(),
            dropped,
        }
    }
}
