//! An instance of a component, and a call of it within its limits. Knows neither requests nor other instances.

use std::fmt;
use std::time::Duration;

use braid_plugin::Stage;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance as Instantiated, Lift, Lower, TypedFunc};
use wasmtime::{Store, Trap};

use crate::runtime::bindings::names;
use crate::runtime::bindings::types::Refusal;
use crate::runtime::clock::{Clock, ticks};
use crate::runtime::exchange::Exchange;
use crate::runtime::program::Program;
use crate::runtime::state::State;

/// The time that an instance has to start, if calls have less.
const START: Duration = Duration::from_secs(1);

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) max_memory: usize,
    pub(crate) max_fuel: Option<u64>,
}

/// An instance that runs one call at a time.
pub(crate) struct Instance {
    store: Store<State>,
    pub(crate) functions: Functions,
}

/// The function of a stage.
pub(crate) type Handle = TypedFunc<(), (Handled,)>;

/// The function that decides policies.
pub(crate) type Decide = TypedFunc<(Option<String>, Vec<String>), (Vec<String>,)>;

/// What a hook says about a request.
pub(crate) type Handled = Result<(), Refusal>;

/// The functions that a component exports.
pub(crate) struct Functions {
    stages: [Option<Handle>; Stage::ALL.len()],
    pub(crate) decide: Option<Decide>,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Time(Duration),
    Fuel,
    Memory,
    Stack,
    /// An instance did not want to start.
    Start(String),
    Other(String),
}

impl Instance {
    /// An instance that has started.
    pub(crate) fn new(
        program: &Program,
        hook: &str,
        limits: Limits,
        clock: &Clock,
        config: &str,
    ) -> Result<Self, Failure> {
        let limits = Limits { timeout: limits.timeout.max(START), ..limits };
        let mut store = Store::new(&program.engine, State::new(hook, limits.max_memory));
        store.limiter(|state| &mut state.memory);
        within(&mut store, program, limits, clock, |store| {
            let instance = program.component.instantiate(&mut *store)?;
            let functions = Functions::of(program, &instance, store)?;
            type Start = (Result<(), String>,);
            let start = function::<(&str,), Start>(&instance, store, program.exports.start.as_ref(), names::START)?;
            let started = start.map_or(Ok((Ok(()),)), |start| start.call(&mut *store, (config,)))?.0;
            Ok(started.map(|()| functions))
        })
        .and_then(|started| started.map_err(Failure::Start))
        .map(|functions| Self { store, functions })
    }

    /// Makes one call, which is about `exchange`; gives back what has become of it, in any case.
    pub(crate) fn call<T>(
        &mut self,
        program: &Program,
        limits: Limits,
        clock: &Clock,
        exchange: Exchange,
        call: impl FnOnce(&Functions, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> (Exchange, Result<T, Failure>) {
        self.store.data_mut().begin(exchange);
        let functions = &self.functions;
        let called = within(&mut self.store, program, limits, clock, |store| call(functions, store));
        (self.store.data_mut().end(), called)
    }

    /// Whether it can make further calls.
    pub(crate) fn is_fresh(&self) -> bool {
        !self.store.data().memory.is_nearly_used()
    }
}

/// Runs something of the component within limits.
fn within<T>(
    store: &mut Store<State>,
    program: &Program,
    limits: Limits,
    clock: &Clock,
    run: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
) -> Result<T, Failure> {
    store.set_epoch_deadline(ticks(limits.timeout));
    if let (Some(fuel), true) = (limits.max_fuel, program.has_fuel) {
        store.set_fuel(fuel).map_err(|error| Failure::Other(error.to_string()))?;
    }
    let running = clock.begin();
    let done = run(store);
    drop(running);
    done.map_err(|error| Failure::of(&error, store.data(), limits))
}

impl Functions {
    fn of(program: &Program, instance: &Instantiated, store: &mut Store<State>) -> wasmtime::Result<Self> {
        let exports = &program.exports;
        let mut stages = [None; Stage::ALL.len()];
        for stage in exports.stages() {
            stages[stage as usize] = function(instance, store, exports.stage(stage), names::of(stage))?;
        }
        Ok(Self { stages, decide: function(instance, store, exports.decide.as_ref(), names::POLICIES)? })
    }

    /// Calls the function of a stage.
    pub(crate) fn handle(&self, stage: Stage, store: &mut Store<State>) -> wasmtime::Result<Handled> {
        self.stages[stage as usize].map_or(Ok(Ok(())), |handle| Ok(handle.call(store, ())?.0))
    }
}

fn function<P, R>(
    instance: &Instantiated,
    store: &mut Store<State>,
    index: Option<&ComponentExportIndex>,
    interface: &str,
) -> wasmtime::Result<Option<TypedFunc<P, R>>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let function = index.map(|index| instance.get_typed_func(store, index)).transpose();
    function.map_err(|error| error.context(format!("its export {interface} is another than the router's")))
}

impl Failure {
    fn of(error: &wasmtime::Error, state: &State, limits: Limits) -> Self {
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Time(limits.timeout),
            Some(Trap::OutOfFuel) => Self::Fuel,
            Some(Trap::StackOverflow) => Self::Stack,
            _ if state.memory.is_exceeded => Self::Memory,
            Some(trap) => Self::Other(trap.to_string()),
            None => Self::Other(format!("{error:#}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(timeout) => write!(f, "it took longer than {timeout:?}"),
            Self::Fuel => f.write_str("it executed more than max_fuel"),
            Self::Memory => f.write_str("it needs more than max_memory"),
            Self::Stack => f.write_str("its calls are nested too deeply"),
            Self::Start(problem) => write!(f, "it does not start: {problem}"),
            Self::Other(problem) => f.write_str(problem),
        }
    }
}
