//! `braid config`: checks a configuration, prints its JSON Schema and its reference page.

use std::path::PathBuf;

use braid_net::chain;
use braid_telemetry::metrics::Metrics;
use clap::Subcommand;

use super::terminal::{Failure, complain, print};
use crate::hooks::HookPrograms;
use braid_config::{Config, ConfigError, reference};

/// Check or describe the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the JSON Schema of router.yaml
    Schema,
    /// Check a router.yaml, and the WebAssembly components that it names
    Validate {
        /// The file
        #[arg(value_name = "router.yaml")]
        file: PathBuf,
    },
    /// Print the reference page, docs/configuration.md
    Reference,
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Schema => print(&format!("{:#}\n", reference::json_schema())),
            Self::Reference => print(&reference::markdown()),
            Self::Validate { file } => match Config::load(&file) {
                Ok(config) => {
                    let hooks = HookPrograms::default().hooks(&config.wasm, &Metrics::default());
                    hooks.map_err(|error| Failure::Usage(format!("{}: {}", file.display(), chain(&error))))?;
                    complain(&format!("{} is valid.\n", file.display()));
                    Ok(())
                }
                Err(error @ ConfigError::Unreadable { .. }) => Err(Failure::Unreadable(chain(&error))),
                Err(error @ ConfigError::Invalid { .. }) => Err(Failure::Usage(chain(&error))),
            },
        }
    }
}
