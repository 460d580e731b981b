//! The metrics of calls to WebAssembly hooks. Knows no other metric.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::CallOutcome;

/// The metrics of all hooks.
#[derive(Debug, Clone)]
pub struct HookMetrics {
    calls: Family<Call, Counter>,
    took: Family<Stage, Histogram, fn() -> Histogram>,
}

/// The metrics of one hook at one stage, looked up once: calls take microseconds.
#[derive(Debug, Clone)]
pub struct HookStageMetrics {
    outcomes: [Counter; CallOutcome::ALL.len()],
    took: Histogram,
}

/// Most calls take microseconds.
const BUCKETS: [f64; 12] = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    hook: String,
    stage: &'static str,
    outcome: CallOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    hook: String,
    stage: &'static str,
}

impl Default for HookMetrics {
    fn default() -> Self {
        Self { calls: Family::default(), took: Family::new_with_constructor(|| Histogram::new(BUCKETS)) }
    }
}

impl HookMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Calls to WebAssembly hooks, by hook, stage and what came of them";
        registry.register("wasm_hook_calls", help, self.calls.clone());
        let help = "Duration of calls to WebAssembly hooks";
        registry.register_with_unit("wasm_hook_call_duration", help, Unit::Seconds, self.took.clone());
    }

    /// Those of one hook at one stage.
    pub fn of(&self, hook: &str, stage: &'static str) -> HookStageMetrics {
        let counter = |outcome| {
            let call = Call { hook: hook.to_owned(), stage, outcome };
            self.calls.get_or_create(&call).clone()
        };
        let took = self.took.get_or_create(&Stage { hook: hook.to_owned(), stage }).clone();
        HookStageMetrics { outcomes: CallOutcome::ALL.map(counter), took }
    }
}

impl HookStageMetrics {
    /// A call has ended.
    pub fn called(&self, outcome: CallOutcome, took: Duration) {
        self.outcomes[outcome as usize].inc();
        self.took.observe(took.as_secs_f64());
    }
}
