//! What is counted and logged of connections that bring events. Knows no protocol.

use std::sync::Arc;

use braid_executor::SubgraphError;
use braid_telemetry::metrics::UpstreamMetrics;

/// Where connections of a subgraph are counted.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub(crate) subgraph: Arc<str>,
    pub(crate) metrics: UpstreamMetrics,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    observer: Observer,
    protocol: &'static str,
}

impl Observer {
    /// A connection has been opened.
    pub(crate) fn opened(&self, protocol: &'static str) -> Connection {
        self.metrics.opened.inc();
        self.metrics.open.inc();
        tracing::info!(subgraph = &*self.subgraph, protocol, "A connection for events was opened");
        Connection { observer: self.clone(), protocol }
    }
}

impl Connection {
    /// It has ended, and not by agreement.
    pub(crate) fn lost(self, error: &SubgraphError) {
        self.observer.metrics.lost.inc();
        tracing::warn!(
            subgraph = &*self.observer.subgraph,
            protocol = self.protocol,
            error = error.message,
            "A connection for events was lost"
        );
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.observer.metrics.open.dec();
    }
}
