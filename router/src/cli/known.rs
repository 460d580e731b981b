//! Finds the files with the operations that clients send: documents, program code, manifests and usage logs. Does not parse documents.

use std::path::{Path, PathBuf};

use braid_persisted_operations::manifest::{Manifest, ManifestError};
use braid_schema_checks::config::OperationsEntry;
use braid_schema_checks::operations::{Format, KnownOperation, OperationFile, Read, is_schema, read};
use braid_schema_checks::problem::Problem;

use super::versions::Tree;
use crate::source::paths;

/// The operations that clients are known to send.
pub(super) struct Known {
    pub(super) operations: Vec<KnownOperation>,
    /// Files that can't be used.
    pub(super) problems: Vec<Problem>,
    /// What may have operations that are not known.
    pub(super) unread: Vec<Problem>,
}

/// Reads the operations that supergraph.yaml (in `folder`) and the command line refer to.
pub(super) fn find(folder: &Path, configured: &[OperationsEntry], files: &[PathBuf], usage: &[PathBuf]) -> Known {
    let mut found = Files::default();
    for entry in configured {
        match entry {
            OperationsEntry::Path(path) => found.any(&folder.join(path)),
            OperationsEntry::Manifest { manifest, client } => {
                found.manifest(&folder.join(manifest), client.as_ref());
            }
            OperationsEntry::Log { log } => found.add(&folder.join(log), Format::UsageLog, None),
        }
    }
    files.iter().for_each(|path| found.any(path));
    usage.iter().for_each(|path| found.add(path, Format::UsageLog, None));
    found.read()
}

/// The operations in the sources of clients: documents and program code. Schemas and JSON files among them are none of theirs.
pub(super) fn find_in_sources(files: &[PathBuf]) -> Known {
    let mut found = Files { only_sources: true, ..Files::default() };
    files.iter().for_each(|path| found.any(path));
    found.read()
}

#[derive(Default)]
struct Files {
    files: Vec<OperationFile>,
    problems: Vec<Problem>,
    only_sources: bool,
}

impl Files {
    fn read(mut self) -> Known {
        let Read { operations, problems, unread } = read(self.files);
        self.problems.extend(problems);
        Known { operations, problems: self.problems, unread }
    }

    /// A file of a known kind, or all such files in a folder.
    fn any(&mut self, path: &Path) {
        if path.is_dir() {
            return self.root(path);
        }
        match Format::of(&path.display().to_string()) {
            None if is_manifest(path) => self.manifest(path, None),
            Some(format) => self.add(path, format, None),
            None if path.exists() => {
                let message = format!("operations are read from {EXTENSIONS} files only");
                self.problems.push(Problem::in_file("UNREADABLE", message, &paths::name(path)));
            }
            None => self.add(path, Format::Document, None),
        }
    }

    /// A folder that was given must have operations; folders inside it need not.
    fn root(&mut self, folder: &Path) {
        let (files, problems) = (self.files.len(), self.problems.len());
        self.folder(folder, 0);
        if (self.files.len(), self.problems.len()) == (files, problems) {
            let message = format!("the folder has no operations; they are read from {EXTENSIONS} files");
            self.problems.push(Problem::in_file("NO_OPERATIONS", message, &paths::name(folder)));
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> = match entries {
            Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
            Err(error) => {
                let message = format!("the folder can't be read: {error}");
                self.problems.push(Problem::in_file("UNREADABLE", message, &paths::name(folder)));
                return;
            }
        };
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if hidden || path.ends_with("node_modules") {
                continue;
            }
            // Symbolic links can form cycles.
            if path.is_dir() && depth < 64 {
                self.folder(&path, depth + 1);
            } else if let Some(format) = Format::of(&path.display().to_string()).filter(|_| path.is_file()) {
                self.add(&path, format, None);
            } else if is_manifest(&path) && path.is_file() && !self.only_sources && !is_settings(&path) {
                self.manifest(&path, None);
            }
        }
    }

    fn add(&mut self, path: &Path, format: Format, client: Option<String>) {
        match Tree::Disk.read(path) {
            Ok(text) if self.only_sources && format == Format::Document && is_schema(&text) => {}
            Ok(text) => self.files.push(OperationFile { file: paths::name(path), text, format, name: None, client }),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn manifest(&mut self, path: &Path, client: Option<&String>) {
        let file = paths::name(path);
        let manifest = Tree::Disk.read(path).and_then(|text| {
            Manifest::parse(&text).map_err(|error| match &error {
                ManifestError::NotJson(place) => {
                    Problem::at("MANIFEST", error.to_string(), &file, (place.line(), place.column().max(1)))
                }
                _ => Problem::in_file("MANIFEST", error.to_string(), &file),
            })
        });
        match manifest {
            Ok(manifest) => self.files.extend(manifest.operations.into_iter().map(|entry| OperationFile {
                file: file.clone(),
                name: Some(entry.name.unwrap_or(entry.id)),
                text: entry.text,
                format: Format::Listed,
                client: client.cloned(),
            })),
            Err(problem) => self.problems.push(problem),
        }
    }
}

const EXTENSIONS: &str = ".graphql, .gql, .js, .ts, .jsx, .tsx, .vue, .svelte, .json (manifest) and .jsonl (usage log)";

/// JSON files that projects of clients have for their tools.
fn is_settings(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("package") || name.starts_with("tsconfig")
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}
