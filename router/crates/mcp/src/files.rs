//! Reads operations from files and folders. Knows no schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why files with operations can't be used.
#[derive(Debug, thiserror::Error)]
#[error("mcp.operations.files: {} can't be read", path.display())]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// The reason.
    pub source: std::io::Error,
}

/// More than this is a mistake.
const MAX_BYTES: u64 = 1 << 20;
/// Folders can contain themselves by symbolic links.
const MAX_DEPTH: usize = 32;

/// The text of a file, and its path.
pub(crate) type Text = (PathBuf, String);

/// The texts of files, and of the documents in folders, by their paths.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Text>, FileError> {
    let read = |path: PathBuf| match text(&path) {
        Ok(text) => Ok((path, text)),
        Err(source) => Err(FileError { path, source }),
    };
    documents(paths)?.into_iter().map(read).collect()
}

fn text(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    std::fs::read_to_string(path)
}

/// The files among `paths`, and the documents in the folders among them.
pub(crate) fn documents(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, FileError> {
    let mut files = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            walk(path, 0, &mut files).map_err(|source| FileError { path: path.clone(), source })?;
        } else {
            files.insert(path.clone());
        }
    }
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.is_dir() && depth < MAX_DEPTH {
            walk(&path, depth + 1, files)?;
        } else if !is_hidden && path.extension().is_some_and(|extension| extension == "graphql" || extension == "gql") {
            files.insert(path);
        }
    }
    Ok(())
}
