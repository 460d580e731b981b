//! What can be set about hooks. Knows no file and no environment.

use std::path::{Path, PathBuf};

use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// WebAssembly components that take part in requests. The program needs the feature `wasm`, which released programs have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WasmConfig {
    /// The components. On the way in they are asked in this order, on the way out in the opposite one.
    pub hooks: Vec<HookConfig>,
}

/// A component that takes part in requests, at the stages whose interface it exports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookConfig {
    /// The component. The file is watched.
    pub file: PathBuf,
    /// What it is called in the log and in metrics. If not set, like the file.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is given when it starts, as JSON.
    #[serde(default)]
    pub config: Value,
    /// What becomes of a request when the hook fails.
    #[serde(default)]
    pub on_error: OnError,
    /// The time that a call can take, rounded up to 5ms.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// The memory that an instance can have. There are as many instances as calls at the same time, which are not more than cores.
    #[serde(default = "max_memory")]
    pub max_memory: ByteSize,
    /// The instructions that a call can execute, about. If not set, time is the only limit.
    #[serde(default)]
    pub max_fuel: Option<u64>,
}

/// What becomes of a request when a hook fails: when it traps, or needs more time, memory or fuel than it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It is refused: 503 with the code `WASM_HOOK_FAILED`. A request to a subgraph fails.
    #[default]
    Refuse,
    /// It goes on as if the hook had changed nothing.
    Continue,
}

fn timeout() -> Duration {
    Duration(std::time::Duration::from_millis(50))
}

fn max_memory() -> ByteSize {
    ByteSize(64 << 20)
}

impl WasmConfig {
    /// The files.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.hooks.iter().map(|hook| hook.file.clone())
    }

    /// Makes paths that are relative those in a folder.
    pub fn resolve_files(&mut self, folder: &Path) {
        for hook in &mut self.hooks {
            hook.file = folder.join(&hook.file);
        }
    }

    /// Checks what the types can't express.
    pub fn check(&self) -> Result<(), String> {
        for (number, hook) in self.hooks.iter().enumerate() {
            let name = hook.name();
            if self.hooks[..number].iter().any(|other| other.name() == name) {
                return Err(format!("hooks: two are called \"{name}\"; give one of them a name"));
            }
            if hook.timeout.0.is_zero() {
                return Err(format!("hooks: \"{name}\": timeout: 0s leaves no time for a call"));
            }
            if hook.max_fuel == Some(0) {
                return Err(format!("hooks: \"{name}\": max_fuel: 0 lets it execute nothing"));
            }
        }
        Ok(())
    }
}

impl HookConfig {
    /// What it is called.
    pub fn name(&self) -> String {
        let stem = || self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: &str) {
        let config: Result<WasmConfig, _> = serde_saphyr::from_str(yaml);
        let problem = match config {
            Ok(config) => config.check().unwrap_err(),
            Err(error) => error.to_string(),
        };
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn a_hook_needs_a_file_alone() {
        let config: WasmConfig = serde_saphyr::from_str("hooks: [{ file: hooks/tenant.wasm }]").unwrap();
        config.check().unwrap();
        let hook = &config.hooks[0];
        assert_eq!((hook.name().as_str(), hook.on_error), ("tenant", OnError::Refuse));
        assert_eq!((hook.timeout.0.as_millis(), hook.max_memory.0), (50, 64 << 20));
        assert_eq!((&hook.config, hook.max_fuel), (&Value::Null, None));
    }

    #[test]
    fn problems_say_what_to_do() {
        check("hooks: [{}]", "file");
        check("hooks: [{ file: a.wasm, fuel: 1 }]", "fuel");
        check("hooks: [{ file: a.wasm }, { file: b/a.wasm }]", "two are called \"a\"");
        check("hooks: [{ file: a.wasm, timeout: 0s }]", "leaves no time");
        check("hooks: [{ file: a.wasm, max_fuel: 0 }]", "lets it execute nothing");
    }
}
