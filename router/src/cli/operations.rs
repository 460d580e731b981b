//! Finds the files with the operations that clients send: documents, manifests and usage logs. Does not parse them.

use std::path::{Path, PathBuf};

use braid_schema_checks::config::OperationsEntry;
use braid_schema_checks::operations::{Format, KnownOperation, OperationFile, read};
use braid_schema_checks::problem::Problem;

use super::versions::Tree;
use crate::source::paths;

/// The operations that clients are known to send.
pub(super) struct Known {
    pub(super) operations: Vec<KnownOperation>,
    /// Files that can't be used.
    pub(super) problems: Vec<Problem>,
    /// Files with operations in a format that is not supported.
    pub(super) unread: Vec<Problem>,
}

/// Reads the operations that supergraph.yaml (in `folder`) and the command line refer to.
pub(super) fn find(folder: &Path, configured: &[OperationsEntry], files: &[PathBuf], usage: &[PathBuf]) -> Known {
    let mut found = Files::default();
    for entry in configured {
        match entry {
            OperationsEntry::Path(path) => found.any(&folder.join(path)),
            OperationsEntry::Manifest { manifest, client } => {
                found.add(&folder.join(manifest), Format::Manifest, client.clone());
            }
            OperationsEntry::Log { log } => found.add(&folder.join(log), Format::UsageLog, None),
        }
    }
    files.iter().for_each(|path| found.any(path));
    usage.iter().for_each(|path| found.add(path, Format::UsageLog, None));
    let (operations, problems) = read(found.files);
    found.problems.extend(problems);
    Known { operations, problems: found.problems, unread: found.unread }
}

#[derive(Default)]
struct Files {
    files: Vec<OperationFile>,
    problems: Vec<Problem>,
    unread: Vec<Problem>,
}

impl Files {
    /// A file of a known kind, or all such files in a folder.
    fn any(&mut self, path: &Path) {
        if path.is_dir() {
            return self.root(path);
        }
        match Format::of(&path.display().to_string()) {
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
        let mut tagged = Vec::new();
        self.folder(folder, 0, &mut tagged);
        if (self.files.len(), self.problems.len()) == (files, problems) {
            let message = format!("the folder has no operations; they are read from {EXTENSIONS} files");
            self.problems.push(Problem::in_file("NO_OPERATIONS", message, &paths::name(folder)));
        }
        self.unread.extend(unread_tags(&tagged));
    }

    fn folder(&mut self, folder: &Path, depth: usize, tagged: &mut Vec<Tagged>) {
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
                self.folder(&path, depth + 1, tagged);
            } else if let Some(format) = Format::of(&path.display().to_string()).filter(|_| path.is_file()) {
                self.add(&path, format, None);
            } else if is_program_code(&path) {
                tagged.extend(first_tag(&path));
            }
        }
    }

    fn add(&mut self, path: &Path, format: Format, client: Option<String>) {
        match Tree::Disk.read(path) {
            Ok(text) => self.files.push(OperationFile { file: paths::name(path), text, format, client }),
            Err(problem) => self.problems.push(problem),
        }
    }
}

const EXTENSIONS: &str = ".graphql, .gql, .json (manifest) and .jsonl (usage log)";

/// A file of source code with operations in tagged templates.
struct Tagged {
    file: String,
    line: usize,
}

fn is_program_code(path: &Path) -> bool {
    const CODE: [&str; 10] = ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"];
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| CODE.contains(&extension))
}

/// The location of the first tag. Tags are found but not parsed: the program may assemble the template at run time.
fn first_tag(path: &Path) -> Option<Tagged> {
    const TAGS: [&str; 5] = ["gql`", "graphql`", "gql(`", "graphql(`", "/* GraphQL */ `"];
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().position(|line| TAGS.iter().any(|tag| line.contains(tag)))?;
    Some(Tagged { file: paths::name(path), line: line + 1 })
}

fn unread_tags(tagged: &[Tagged]) -> Option<Problem> {
    let first = tagged.first()?;
    let files: Vec<&str> = tagged.iter().map(|tagged| tagged.file.as_str()).collect();
    let more = if files.len() > 5 { format!(" and {} more", files.len() - 5) } else { String::new() };
    let message = format!(
        "operations in `gql` tags are not read, so no change counts as unused; extract them into a manifest or .graphql files: {}{more}",
        files[..files.len().min(5)].join(", ")
    );
    Some(Problem::at("UNREAD_GQL_TAGS", message, &first.file, (first.line, 1)))
}
