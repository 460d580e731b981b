//! A component that is compiled and linked, ready to be instantiated. Knows no settings but whether fuel is counted.

use braid_plugin::Stage;
use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};
use wasmtime::{Config, Engine, Result, bail};

use crate::runtime::bindings::{Imports, names};
use crate::runtime::state::State;
use crate::runtime::wasi;

/// The stack that a component can have, of the thread that makes the call.
const MAX_STACK: usize = 512 << 10;

/// A component.
pub(crate) struct Program {
    pub(crate) engine: Engine,
    pub(crate) component: InstancePre<State>,
    pub(crate) exports: Exports,
    pub(crate) has_fuel: bool,
}

/// Where the functions are that it exports.
pub(crate) struct Exports {
    pub(crate) start: Option<ComponentExportIndex>,
    pub(crate) decide: Option<ComponentExportIndex>,
    stages: [Option<ComponentExportIndex>; Stage::ALL.len()],
}

impl Program {
    /// Compiles a component. This takes a core for milliseconds, or for seconds if the component is large.
    pub(crate) fn new(bytes: &[u8], has_fuel: bool) -> Result<Self> {
        // Some runtimes of languages mention functions of the asynchronous ABI, also in components that use none. Calls cost more with it.
        Self::with_abi(bytes, has_fuel, false).or_else(|_| Self::with_abi(bytes, has_fuel, true))
    }

    fn with_abi(bytes: &[u8], has_fuel: bool, is_asynchronous: bool) -> Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(is_asynchronous);
        config
            .epoch_interruption(true)
            .consume_fuel(has_fuel)
            .max_wasm_stack(MAX_STACK)
            .wasm_backtrace_max_frames(None);
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        Imports::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
        wasi::define(&mut linker, &component)?;
        let exports = Exports::of(&component)?;
        Ok(Self { component: linker.instantiate_pre(&component)?, engine, exports, has_fuel })
    }
}

impl Exports {
    fn of(component: &Component) -> Result<Self> {
        let function = |interface: &str, name: &str| {
            let interface = component.get_export_index(None, interface)?;
            component.get_export_index(Some(&interface), name)
        };
        let known = Stage::ALL.map(names::of).into_iter().chain([names::START, names::POLICIES]);
        let known: Vec<_> = known.filter_map(|name| component.get_export_index(None, name).map(|_| name)).collect();
        let engine = component.engine();
        for (name, _) in component.component_type().exports(engine) {
            let is_known = known.iter().any(|known| names::unversioned(known) == names::unversioned(name));
            if name.starts_with(names::PACKAGE) && !is_known {
                bail!("it exports {name}, which this router does not know; it knows braid:hooks@0.1.0");
            }
        }
        let exports = Self {
            start: function(names::START, "start"),
            decide: function(names::POLICIES, "decide"),
            stages: Stage::ALL.map(|stage| function(names::of(stage), "handle")),
        };
        if exports.decide.is_none() && exports.stages().next().is_none() {
            bail!(
                "it exports no stage; export one of the interfaces of braid:hooks, such as {}",
                names::of(Stage::Request)
            );
        }
        Ok(exports)
    }

    /// Where the function of a stage is.
    pub(crate) fn stage(&self, stage: Stage) -> Option<&ComponentExportIndex> {
        self.stages[stage as usize].as_ref()
    }

    /// The stages that it takes part in.
    pub(crate) fn stages(&self) -> impl Iterator<Item = Stage> {
        Stage::ALL.into_iter().filter(|stage| self.stage(*stage).is_some())
    }
}
