//! The metrics of responses that are streams, and of the subscriptions behind them. Knows no protocol.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics of streams.
#[derive(Debug, Default)]
pub struct StreamMetrics {
    /// Subscriptions at subgraphs.
    pub upstream: Gauge,
    /// Events that subgraphs sent.
    pub events: Counter,
    /// Events that were dropped, once for each client.
    pub dropped: Counter,
    opened: Family<Protocol, Counter>,
    active: Family<Protocol, Gauge>,
    ended: Family<Cause, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Protocol {
    protocol: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

impl StreamMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("subgraph_subscriptions", "Subscriptions at subgraphs", self.upstream.clone());
        registry.register("subscription_events", "Events that subgraphs sent", self.events.clone());
        let help = "Events that were dropped, once for each client that did not get them";
        registry.register("subscription_events_dropped", help, self.dropped.clone());
        registry.register("streams_opened", "Streams to clients by protocol", self.opened.clone());
        registry.register("streams_active", "Streams to clients that are open, by protocol", self.active.clone());
        registry.register("streams_ended", "Streams to clients that have ended, by cause", self.ended.clone());
    }

    /// A stream to a client begins.
    pub fn opened(&self, protocol: &'static str) {
        self.opened.get_or_create(&Protocol { protocol }).inc();
        self.active.get_or_create(&Protocol { protocol }).inc();
    }

    /// A stream to a client has ended.
    pub fn ended(&self, protocol: &'static str, cause: &'static str) {
        self.active.get_or_create(&Protocol { protocol }).dec();
        self.ended.get_or_create(&Cause { cause }).inc();
    }
}
