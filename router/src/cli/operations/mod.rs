//! `braid operations`: makes, compares and publishes lists of persisted operations. Each subcommand is in the file of its name.

mod diff;
mod extract;
mod publish;

use std::path::Path;

use braid_persisted_operations::manifest::Manifest;
use clap::Subcommand;

use super::terminal::{Failure, read_file};

/// Extract, compare and publish lists of persisted operations.
#[derive(Debug, Subcommand)]
pub(super) enum OperationsCommand {
    /// Make a manifest of the operations in the sources of a client
    Extract(extract::Extract),
    /// Compare two manifests
    Diff(diff::Diff),
    /// Add a manifest's operations to one that routers read
    Publish(publish::Publish),
}

impl OperationsCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Extract(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Publish(command) => command.run(),
        }
    }
}

/// The manifest in a file; `-` is standard input.
fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let text = read_file(path)?;
    Manifest::parse(&text).map_err(|error| Failure::Unreadable(format!("{}: {error}", path.display())))
}
