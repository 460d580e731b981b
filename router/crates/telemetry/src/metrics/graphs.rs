//! The metrics of each of several graphs. Knows no other metric.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{CLASSES, class_of, seconds};

/// The metrics of all graphs.
#[derive(Debug)]
pub(super) struct GraphFamilies {
    requests: Family<GraphStatus, Counter>,
    duration: Family<GraphName, Histogram, fn() -> Histogram>,
}

/// The metrics of one graph.
#[derive(Debug, Clone)]
pub struct GraphMetrics {
    requests: [Counter; 5],
    duration: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GraphStatus {
    graph: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GraphName {
    graph: String,
}

impl Default for GraphFamilies {
    fn default() -> Self {
        Self { requests: Family::default(), duration: Family::new_with_constructor(seconds) }
    }
}

impl GraphFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests by graph and class of HTTP status";
        registry.register("graph_requests", help, self.requests.clone());
        let help = "Duration of requests by graph";
        registry.register_with_unit("graph_request_duration", help, Unit::Seconds, self.duration.clone());
    }

    pub(super) fn of(&self, graph: &str) -> GraphMetrics {
        let status = |status| GraphStatus { graph: graph.to_owned(), status };
        GraphMetrics {
            requests: CLASSES.map(|class| self.requests.get_or_create(&status(class)).clone()),
            duration: self.duration.get_or_create(&GraphName { graph: graph.to_owned() }).clone(),
        }
    }
}

impl GraphMetrics {
    /// Counts a request.
    pub fn request(&self, status: StatusCode, took: Duration) {
        self.requests[class_of(status)].inc();
        self.duration.observe(took.as_secs_f64());
    }
}
