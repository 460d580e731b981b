//! A hook: a component with its settings, its idle instances, and what becomes of a request when it fails. Knows no stage's content.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use braid_plugin::{Refused, Stage};
use braid_telemetry::metrics::{CallOutcome, HookMetrics, HookStageMetrics};
use braid_telemetry::trace::TraceContext;
use wasmtime::Store;

use crate::config::{HookConfig, OnError};
use crate::runtime::bindings::names;
use crate::runtime::clock::Clock;
use crate::runtime::exchange::Exchange;
use crate::runtime::instance::{Failure, Functions, Instance, Limits};
use crate::runtime::program::Program;
use crate::runtime::refusal;
use crate::runtime::state::State;

/// A component that takes part in requests. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Hook(Arc<Inner>);

struct Inner {
    name: String,
    config: String,
    on_error: OnError,
    limits: Limits,
    program: Arc<Program>,
    clock: Arc<Clock>,
    stages: Vec<Stage>,
    /// Those of the stages that it takes part in.
    metrics: [Option<HookStageMetrics>; Stage::ALL.len()],
    policy_metrics: Option<HookStageMetrics>,
    /// The instance that was used last is used next.
    idle: Mutex<Vec<Instance>>,
}

/// What deciding policies is called in the log and in metrics.
const POLICIES: &str = "policies";

/// What came of a call that was made for a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The hook's changes are in force.
    Continued,
    /// The hook failed, and the request goes on without its changes.
    Skipped,
    /// The request ends.
    Refused(Refused),
}

impl Hook {
    /// A hook whose first instance has started.
    pub(crate) fn new(
        config: &HookConfig,
        program: Arc<Program>,
        clock: Arc<Clock>,
        metrics: &HookMetrics,
    ) -> Result<Self, Failure> {
        let name = config.name();
        let limits = Limits { timeout: config.timeout.0, max_memory: config.max_memory.0, max_fuel: config.max_fuel };
        let of = |stage: Stage| program.exports.stage(stage).map(|_| metrics.of(&name, names::short(stage)));
        // The first stage in any case: there a request gets the slot for entries.
        let stages =
            Stage::ALL.into_iter().filter(|stage| *stage == Stage::Request || program.exports.stage(*stage).is_some());
        let takes_part = program.exports.stages().next().is_some();
        let hook = Inner {
            config: config.config.to_string(),
            on_error: config.on_error,
            limits,
            stages: if takes_part { stages.collect() } else { Vec::new() },
            metrics: Stage::ALL.map(of),
            policy_metrics: program.exports.decide.as_ref().map(|_| metrics.of(&name, POLICIES)),
            name,
            program,
            clock,
            idle: Mutex::default(),
        };
        let first = hook.instance()?;
        hook.give_back(first);
        Ok(Self(Arc::new(hook)))
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.0.stages
    }

    pub(crate) fn takes_part_in(&self, stage: Stage) -> bool {
        self.0.program.exports.stage(stage).is_some()
    }

    pub(crate) fn decides_policies(&self) -> bool {
        self.0.program.exports.decide.is_some()
    }

    pub(crate) fn on_error(&self) -> OnError {
        self.0.on_error
    }

    /// Makes the call of a stage. Gives back what has become of the exchange, and whether it counts.
    pub(crate) fn handle(&self, stage: Stage, trace: Option<&TraceContext>, exchange: Exchange) -> (Exchange, Outcome) {
        let began = Instant::now();
        let (exchange, called) = self.0.call(exchange, |functions, store| functions.handle(stage, store));
        let said = match called {
            Ok(Ok(())) => Ok(None),
            Ok(Err(refusal)) => refusal::refused(refusal).map(Some),
            Err(failure) => Err(failure.to_string()),
        };
        let took = began.elapsed();
        if let Some(metrics) = &self.0.metrics[stage as usize] {
            metrics.called(CallOutcome::of(&said), took);
        }
        if let Some(trace) = trace {
            self.0.record(trace, stage, &said, took);
        }
        let outcome = match said {
            Ok(None) => Outcome::Continued,
            Ok(Some(refused)) => Outcome::Refused(refused),
            Err(error) => self.0.failed(names::short(stage), &error),
        };
        (exchange, outcome)
    }

    /// Which of these policies the hook grants; none if it fails.
    pub(crate) fn decide(&self, claims: Option<String>, policies: Vec<String>) -> Vec<String> {
        let began = Instant::now();
        let (_, called) = self.0.call(Exchange::default(), |functions, store| match &functions.decide {
            Some(decide) => Ok(decide.call(store, (claims, policies))?.0),
            None => Ok(Vec::new()),
        });
        let outcome = if called.is_ok() { CallOutcome::Continued } else { CallOutcome::Failed };
        if let Some(metrics) = &self.0.policy_metrics {
            metrics.called(outcome, began.elapsed());
        }
        called.unwrap_or_else(|error| {
            let hook = self.0.name.as_str();
            tracing::warn!(hook, stage = POLICIES, %error, "A WebAssembly hook failed: it grants no policy");
            Vec::new()
        })
    }
}

impl Inner {
    /// Makes a call with an instance that nobody else has.
    fn call<T>(
        &self,
        exchange: Exchange,
        call: impl FnOnce(&Functions, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> (Exchange, Result<T, Failure>) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut instance = match idle.map_or_else(|| self.instance(), Ok) {
            Ok(instance) => instance,
            Err(failure) => return (exchange, Err(failure)),
        };
        let (exchange, called) = instance.call(&self.program, self.limits, &self.clock, exchange, call);
        // What a failed call has left behind nobody knows.
        if called.is_ok() && instance.is_fresh() {
            self.give_back(instance);
        }
        (exchange, called)
    }

    fn instance(&self) -> Result<Instance, Failure> {
        Instance::new(&self.program, &self.name, self.limits, &self.clock, &self.config)
    }

    fn give_back(&self, instance: Instance) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
    }

    /// Makes a span of a call that has just ended.
    fn record(&self, trace: &TraceContext, stage: Stage, said: &Result<Option<Refused>, String>, took: Duration) {
        let Some(mut span) = trace.ran(|| format!("hook {}", self.name), took) else { return };
        span.set("wasm.hook", self.name.clone());
        span.set("wasm.stage", names::short(stage));
        match said {
            Ok(None) => {}
            Ok(Some(refused)) => span.set("wasm.refused", i64::from(refused.status.as_u16())),
            Err(_) => span.fail(refusal::FAILED),
        }
    }

    /// What becomes of a request for which the hook failed.
    fn failed(&self, stage: &'static str, error: &str) -> Outcome {
        let hook = self.name.as_str();
        match self.on_error {
            OnError::Refuse => {
                tracing::warn!(hook, stage, error, "A WebAssembly hook failed: refused");
                Outcome::Refused(refusal::failed())
            }
            OnError::Continue => {
                tracing::warn!(hook, stage, error, "A WebAssembly hook failed: the request goes on without it");
                Outcome::Skipped
            }
        }
    }
}
