//! `braid operations diff`: what differs between two manifests.

use std::path::PathBuf;

use braid_persisted_operations::manifest::{Manifest, ManifestEntry};
use braid_persisted_operations::normalized;
use clap::Args;
use indexmap::IndexMap;

use super::read_manifest;
use crate::cli::terminal::{Failure, print};

/// Compare two manifests.
///
/// Exits with 0 if they list the same operations, with 1 if operations were added or removed, and with 2 if the text of an id has changed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// The old manifest; `-` is standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new manifest
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

/// What differs between two manifests.
#[derive(Debug, Default)]
pub(super) struct Differences<'a> {
    pub(super) added: Vec<&'a ManifestEntry>,
    pub(super) removed: Vec<&'a ManifestEntry>,
    /// Entries of the new manifest under whose id the old one has an operation that means something else.
    pub(super) changed: Vec<&'a ManifestEntry>,
}

impl Diff {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let (old, new) = (read_manifest(&self.old)?, read_manifest(&self.new)?);
        let Differences { added, removed, changed } = differences(&old, &new);
        let lines = |sign: char, entries: &[&ManifestEntry]| {
            entries.iter().map(|entry| format!("{sign} {}\n", shown(entry))).collect::<String>()
        };
        let summary = format!("{} added, {} removed, {} changed\n", added.len(), removed.len(), changed.len());
        print(&[lines('+', &added), lines('-', &removed), lines('!', &changed), summary].concat())?;
        match (added.len() + removed.len(), changed.len()) {
            (0, 0) => Ok(()),
            (_, 0) => Err(Failure::Checked(1)),
            _ => Err(Failure::Checked(2)),
        }
    }
}

/// An entry as people recognise it.
pub(super) fn shown(entry: &ManifestEntry) -> String {
    match &entry.name {
        Some(name) => format!("{name} ({})", entry.id),
        None => entry.id.clone(),
    }
}

pub(super) fn differences<'a>(old: &'a Manifest, new: &'a Manifest) -> Differences<'a> {
    let by_id = |manifest: &'a Manifest| {
        manifest.operations.iter().map(|entry| (entry.id.as_str(), entry)).collect::<IndexMap<_, _>>()
    };
    let (before, after) = (by_id(old), by_id(new));
    let mut differences = Differences::default();
    for (id, entry) in &after {
        match before.get(id) {
            None => differences.added.push(entry),
            Some(known) if !means_the_same(known, entry) => differences.changed.push(entry),
            Some(_) => {}
        }
    }
    differences.removed.extend(before.iter().filter(|(id, _)| !after.contains_key(*id)).map(|(_, entry)| *entry));
    differences
}

fn means_the_same(one: &ManifestEntry, other: &ManifestEntry) -> bool {
    one.text == other.text || normalized(&one.text).is_some_and(|text| normalized(&other.text) == Some(text))
}
