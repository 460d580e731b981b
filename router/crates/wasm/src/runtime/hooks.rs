//! The hooks of a router, from its settings. Components that are compiled already are used again, also by later versions. Reads the files.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aws_lc_rs::digest::{SHA256, digest};
use braid_gateway::PolicyAuthorizer;
use braid_plugin::Plugins;
use braid_telemetry::metrics::Metrics;

use crate::config::{HookConfig, WasmConfig};
use crate::runtime::clock::Clock;
use crate::runtime::hook::Hook;
use crate::runtime::policies::HookPolicies;
use crate::runtime::program::Program;

/// Components that are compiled, as long as a version uses them. Cloning it is cheap.
#[derive(Clone, Default)]
pub struct Programs(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    clock: Weak<Clock>,
    programs: HashMap<Key, Weak<Program>>,
}

/// The hash of a component, and whether its fuel is counted.
type Key = ([u8; 32], bool);

/// The hooks of one version.
pub struct Hooks(Vec<Hook>);

/// Why hooks can't be used.
#[derive(Debug, thiserror::Error)]
#[error("wasm.hooks: {} can't be used", file.display())]
pub struct HookError {
    file: PathBuf,
    source: Problem,
}

/// What is wrong with a component.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it can't be read: {0}")]
    Unreadable(std::io::Error),
    #[error(
        "it is a WebAssembly module and no component; build it for wasm32-wasip2, or make a component of it with `wasm-tools component new`"
    )]
    Module,
    #[error("{0}")]
    Unusable(String),
    #[error("the thread that ends calls can't be started: {0}")]
    Clock(std::io::Error),
}

impl Hooks {
    /// The hooks as configured, each with an instance that has started. Takes a core while components are compiled.
    pub fn new(config: &WasmConfig, programs: &Programs, metrics: &Metrics) -> Result<Self, HookError> {
        let hook = |hook: &HookConfig| {
            programs.hook(hook, metrics).map_err(|source| HookError { file: hook.file.clone(), source })
        };
        config.hooks.iter().map(hook).collect::<Result<_, _>>().map(Self)
    }

    /// These plugins, and the hooks after them on the way in.
    pub fn after(&self, plugins: Plugins) -> Plugins {
        self.0.iter().cloned().fold(plugins, |plugins, hook| plugins.with(hook))
    }

    /// Who decides policies: the hooks that do, and `next` for those that no hook grants.
    pub fn before(&self, next: Option<Arc<dyn PolicyAuthorizer>>) -> Option<Arc<dyn PolicyAuthorizer>> {
        let hooks: Vec<_> = self.0.iter().filter(|hook| hook.decides_policies()).cloned().collect();
        if hooks.is_empty() {
            return next;
        }
        Some(Arc::new(HookPolicies { hooks, next }))
    }
}

impl Programs {
    fn hook(&self, config: &HookConfig, metrics: &Metrics) -> Result<Hook, Problem> {
        let bytes = std::fs::read(&config.file).map_err(Problem::Unreadable)?;
        if is_module(&bytes) {
            return Err(Problem::Module);
        }
        let (program, clock) = self.program(&bytes, config.max_fuel.is_some())?;
        Hook::new(config, program, clock, &metrics.hooks).map_err(|failure| Problem::Unusable(failure.to_string()))
    }

    fn program(&self, bytes: &[u8], has_fuel: bool) -> Result<(Arc<Program>, Arc<Clock>), Problem> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        // Held while it is compiled: a router compiles one at a time, and leaves the other cores to requests.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = match known.clock.upgrade() {
            Some(clock) => clock,
            None => Arc::new(Clock::start().map_err(Problem::Clock)?),
        };
        known.clock = Arc::downgrade(&clock);
        known.programs.retain(|_, program| program.strong_count() > 0);
        if let Some(program) = known.programs.get(&(hash, has_fuel)).and_then(Weak::upgrade) {
            return Ok((program, clock));
        }
        let program = Program::new(bytes, has_fuel).map_err(|error| Problem::Unusable(format!("{error:#}")))?;
        clock.add(&program.engine);
        let program = Arc::new(program);
        known.programs.insert((hash, has_fuel), Arc::downgrade(&program));
        Ok((program, clock))
    }
}

/// Whether these bytes are a WebAssembly module: modules have a version, components a layer too.
fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programs").finish_non_exhaustive()
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}
