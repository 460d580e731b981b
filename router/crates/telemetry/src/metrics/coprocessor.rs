//! The metrics of calls to the coprocessor. Knows no other metric.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::CallOutcome;

/// The metrics of all stages.
#[derive(Debug, Clone)]
pub struct CoprocessorMetrics {
    calls: Family<Call, Counter>,
    took: Family<Stage, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    stage: &'static str,
    outcome: CallOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

impl Default for CoprocessorMetrics {
    fn default() -> Self {
        Self { calls: Family::default(), took: Family::new_with_constructor(super::seconds) }
    }
}

impl CoprocessorMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Calls to the coprocessor, by stage and what came of them";
        registry.register("coprocessor_calls", help, self.calls.clone());
        let help = "From a call to the coprocessor to its answer";
        registry.register_with_unit("coprocessor_call_duration", help, Unit::Seconds, self.took.clone());
    }

    /// A call has ended.
    pub fn called(&self, stage: &'static str, outcome: CallOutcome, took: Duration) {
        self.calls.get_or_create(&Call { stage, outcome }).inc();
        self.took.get_or_create(&Stage { stage }).observe(took.as_secs_f64());
    }
}
