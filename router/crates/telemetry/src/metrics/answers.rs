//! The metrics of answers that are not executed for the one who asks. Knows no other metric.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics of shared executions and of whole answers that are kept.
#[derive(Debug, Default)]
pub struct AnswerMetrics {
    /// Queries that began an execution which others can share.
    pub own: Counter,
    /// Queries that joined the execution of an equal one.
    pub joined: Counter,
    /// Queries whose whole answer was kept.
    pub hits: Counter,
    /// Queries whose whole answer was not there, though it may be kept.
    pub misses: Counter,
    /// The estimated size of the answers that are kept, in bytes.
    pub kept_bytes: Gauge,
}

impl AnswerMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Queries that began an execution which others can share";
        registry.register("shared_executions_own", help, self.own.clone());
        let help = "Queries that joined the execution of an equal one";
        registry.register("shared_executions_joined", help, self.joined.clone());
        registry.register("kept_answers_hits", "Queries whose whole answer was kept", self.hits.clone());
        let help = "Queries whose whole answer was not there, though it may be kept";
        registry.register("kept_answers_misses", help, self.misses.clone());
        let help = "Estimated size of the whole answers that are kept in bytes";
        registry.register("kept_answers_size", help, self.kept_bytes.clone());
    }
}
