//! `braid config`: the configuration's JSON Schema, its reference page, and whether a file is valid.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, complain, print};
use crate::config::{Config, ConfigError, reference};
use crate::reload::chain;

/// Inspect the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
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

impl ConfigVerb {
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
