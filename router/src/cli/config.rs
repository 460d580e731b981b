//! `braid config`: checks a configuration, prints its JSON Schema and its reference page.

use std::path::PathBuf;

use braid_net::chain;
use clap::Subcommand;

use super::terminal::{Failure, complain, print};
use crate::config::{Config, ConfigError, reference};

/// Check or describe the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the JSON Schema of router.yaml
    Schema,
    /// Check a router.yaml
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
                Ok(_) => {
                    complain(&format!("{} is valid.\n", file.display()));
                    Ok(())
                }
                Err(error @ ConfigError::Unreadable { .. }) => Err(Failure::Unreadable(chain(&error))),
                Err(error @ ConfigError::Invalid { .. }) => Err(Failure::Usage(chain(&error))),
            },
        }
    }
}
