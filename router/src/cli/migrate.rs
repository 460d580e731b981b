//! `braid migrate`: turns the configuration of another router into router.yaml.

use std::path::{Path, PathBuf};

use braid_migration::{Migrated, Peer, migrate};
use braid_net::chain;
use braid_settings::expand;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::terminal::{Failure, complain, print, read_file};
use braid_config::Config;

/// Turn the configuration of another router into router.yaml.
///
/// What has no equal is listed on standard error, and as comments in the output.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// The router that the configuration is for
    #[arg(value_enum)]
    peer: From,
    /// The configuration; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write router.yaml to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A router that Braid can replace.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// Apollo Router
    Apollo,
    /// Hive Router
    Hive,
    /// Cosmo Router
    Cosmo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// router.yaml, and the notes on standard error
    Text,
    /// Both for programs
    Json,
}

impl Migrate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let peer = match self.peer {
            From::Apollo => Peer::Apollo,
            From::Hive => Peer::Hive,
            From::Cosmo => Peer::Cosmo,
        };
        let shown = self.file.display().to_string();
        let migrated = migrate(peer, &read_file(&self.file)?, &shown)
            .map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
        let invalid = Config::parse(&migrated.yaml, &expand::Process(Path::new(""))).err().map(|error| chain(&error));
        if let Some(path) = &self.output {
            std::fs::write(path, &migrated.yaml)
                .map_err(|error| Failure::Unreadable(format!("{} can't be written: {error}", path.display())))?;
        }
        match self.format {
            Format::Json => print(&in_json(&migrated, invalid.as_deref()))?,
            Format::Text => {
                for note in &migrated.notes {
                    complain(&format!("{shown}:{note}\n"));
                }
                if self.output.is_none() {
                    print(&migrated.yaml)?;
                }
            }
        }
        if let Some(problem) = invalid.filter(|_| self.format == Format::Text) {
            complain(&format!("warning: the result can't be used as it is: {problem}\n"));
        }
        Ok(())
    }
}

fn in_json(migrated: &Migrated, invalid: Option<&str>) -> String {
    let note = |note: &braid_migration::Note| {
        json!({
            "line": note.place.map(|place| place.line),
            "column": note.place.map(|place| place.column),
            "key": note.key,
            "kind": note.kind.name(),
            "message": note.message,
        })
    };
    let notes: Vec<_> = migrated.notes.iter().map(note).collect();
    format!("{:#}\n", json!({ "router_yaml": migrated.yaml, "notes": notes, "problem": invalid }))
}
