//! The metrics of responses that are streams, and of the subscriptions behind them. Knows no protocol.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
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
    refused: Family<Limit, Counter>,
    /// Open WebSockets of clients.
    pub sockets: Gauge,
    sockets_closed: Family<CloseCode, Counter>,
}

/// A limit that refuses streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StreamLimit {
    /// Of all streams.
    All,
    /// Of one client.
    Client,
    /// Of one socket.
    Socket,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    limit: StreamLimit,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CloseCode {
    code: u32,
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
        registry.register("streams_refused", "Streams to clients that a limit refused", self.refused.clone());
        registry.register("websockets", "Open WebSockets of clients", self.sockets.clone());
        let help = "WebSockets that the router has closed, by code";
        registry.register("websockets_closed", help, self.sockets_closed.clone());
    }

    /// A limit has refused a stream.
    pub fn refused(&self, limit: StreamLimit) {
        self.refused.get_or_create(&Limit { limit }).inc();
    }

    /// The router has closed a WebSocket with this code.
    pub fn socket_closed(&self, code: u16) {
        self.sockets_closed.get_or_create(&CloseCode { code: code.into() }).inc();
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
