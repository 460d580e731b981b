//! WebAssembly hooks, where the program is built with them: the feature `wasm`. Without it, settings of hooks are errors. Knows no request.

use std::sync::Arc;

use braid_gateway::PolicyAuthorizer;
use braid_plugin::Plugins;
use braid_telemetry::metrics::Metrics;
use braid_wasm::config::WasmConfig;

/// Components that are compiled, for later versions. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct HookPrograms {
    #[cfg(feature = "wasm")]
    programs: braid_wasm::Programs,
}

/// The hooks of one version.
#[derive(Debug)]
pub(crate) struct Hooks {
    #[cfg(feature = "wasm")]
    hooks: braid_wasm::Hooks,
}

/// Why hooks can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// The program is built without them.
    #[error(
        "wasm.hooks: this program is built without WebAssembly; use a released program, or build it with `cargo build --package braid --features wasm`"
    )]
    NotBuilt,
    /// A component can't be used.
    #[cfg(feature = "wasm")]
    #[error(transparent)]
    Hook(#[from] braid_wasm::HookError),
}

#[cfg(feature = "wasm")]
impl HookPrograms {
    /// The hooks as configured, each of which has started.
    pub(crate) fn hooks(&self, config: &WasmConfig, metrics: &Metrics) -> Result<Hooks, HooksError> {
        Ok(Hooks { hooks: braid_wasm::Hooks::new(config, &self.programs, metrics)? })
    }
}

#[cfg(feature = "wasm")]
impl Hooks {
    /// These plugins, and the hooks after them on the way in.
    pub(crate) fn after(&self, plugins: Plugins) -> Plugins {
        self.hooks.after(plugins)
    }

    /// Who decides policies: hooks, then `next`.
    pub(crate) fn before(&self, next: Option<Arc<dyn PolicyAuthorizer>>) -> Option<Arc<dyn PolicyAuthorizer>> {
        self.hooks.before(next)
    }
}

#[cfg(not(feature = "wasm"))]
impl HookPrograms {
    /// No hooks.
    pub(crate) fn hooks(&self, config: &WasmConfig, _: &Metrics) -> Result<Hooks, HooksError> {
        if config.hooks.is_empty() { Ok(Hooks {}) } else { Err(HooksError::NotBuilt) }
    }
}

#[cfg(not(feature = "wasm"))]
impl Hooks {
    /// These plugins.
    pub(crate) fn after(&self, plugins: Plugins) -> Plugins {
        plugins
    }

    /// Whoever is next.
    pub(crate) fn before(&self, next: Option<Arc<dyn PolicyAuthorizer>>) -> Option<Arc<dyn PolicyAuthorizer>> {
        next
    }
}

#[cfg(all(test, not(feature = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_webassembly_says_how_to_build_one_with_it() {
        let programs = HookPrograms::default();
        assert!(programs.hooks(&WasmConfig::default(), &Metrics::default()).is_ok());
        let config = serde_saphyr::from_str("hooks: [{ file: a.wasm }]").unwrap();
        let error = programs.hooks(&config, &Metrics::default()).unwrap_err().to_string();
        assert!(error.contains("--features wasm"), "{error}");
    }
}
