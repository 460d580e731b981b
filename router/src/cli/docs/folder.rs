//! The folder of a site. It is known by a file that lists what was written, so that nothing else is ever overwritten or removed.
//!
//! Files are written into a folder inside it first, and moved to their places when all are there: a full disk leaves the old site as it
//! was, and a web server that serves the folder meanwhile never serves half a file.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Component, Path, PathBuf};

use braid_graph_docs::Output;

use crate::cli::terminal::Failure;

/// The file by which a folder is known. Its first line is [`HEAD`], the others are the site's files.
const MARKER: &str = ".braid-docs";
const HEAD: &str = "This folder was written by `braid docs`, which replaces the files listed here.";
/// Where files are until all are written.
const STAGING: &str = ".braid-docs-new";

/// A folder that a site is being written to.
pub(super) struct SiteFolder {
    folder: PathBuf,
    /// The marker, locked as long as this process writes. It is written by this handle: on Windows the lock keeps out all others.
    marker: File,
    before: BTreeSet<String>,
    written: BTreeSet<String>,
}

/// Why a site can't be written to a folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Somebody else's files are in it.
    #[error("{0} is not empty and was not written by `braid docs`; choose another folder, or empty this one")]
    NotOurs(PathBuf),
    /// It is a file.
    #[error("{0} is a file; choose a folder")]
    NoFolder(PathBuf),
    /// Another process has it.
    #[error("another `braid docs` is writing to {0}; wait until it has finished")]
    Busy(PathBuf),
    /// The file system refuses.
    #[error("{folder} can't be written: {source}")]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::NotOurs(_) | FolderError::NoFolder(_) => Self::Usage(error.to_string()),
            FolderError::Busy(_) => Self::Other(error.to_string()),
            FolderError::Unwritable { .. } => Self::Unreadable(error.to_string()),
        }
    }
}

impl SiteFolder {
    /// Takes a folder that is new, empty, or has a site.
    pub(super) fn open(folder: &Path) -> Result<Self, FolderError> {
        let unwritable = |source| FolderError::Unwritable { folder: folder.to_owned(), source };
        if folder.exists() && !folder.is_dir() {
            return Err(FolderError::NoFolder(folder.to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let marker = folder.join(MARKER);
        let before = match std::fs::read_to_string(&marker) {
            Ok(text) => listed(&text).ok_or_else(|| FolderError::NotOurs(folder.to_owned()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if std::fs::read_dir(folder).map_err(unwritable)?.next().is_some() {
                    return Err(FolderError::NotOurs(folder.to_owned()));
                }
                std::fs::write(&marker, format!("{HEAD}\n")).map_err(unwritable)?;
                BTreeSet::new()
            }
            Err(error) => return Err(unwritable(error)),
        };
        let marker = File::options().read(true).write(true).open(&marker).map_err(unwritable)?;
        match marker.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::Busy(folder.to_owned())),
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let staging = folder.join(STAGING);
        remove_staging(&staging).map_err(unwritable)?;
        std::fs::create_dir(&staging).map_err(unwritable)?;
        Ok(Self { folder: folder.to_owned(), marker, before, written: BTreeSet::new() })
    }

    /// Puts what was written in its place, and removes what an earlier site had and this one has not.
    pub(super) fn finish(self) -> Result<(), FolderError> {
        self.publish().map_err(|source| FolderError::Unwritable { folder: self.folder.clone(), source })
    }

    fn publish(&self) -> io::Result<()> {
        // The list comes first and has both, so that an interrupted command can be repeated.
        self.list(self.before.union(&self.written))?;
        for path in &self.written {
            let target = self.folder.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::rename(self.folder.join(STAGING).join(path), target)?;
        }
        for path in self.before.difference(&self.written) {
            match std::fs::remove_file(self.folder.join(path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let folders: BTreeSet<&Path> = self.before.iter().filter_map(|path| Path::new(path).parent()).collect();
        for folder in folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()) {
            // Fails, as it should, where something is left in it.
            let _ = std::fs::remove_dir(self.folder.join(folder));
        }
        remove_staging(&self.folder.join(STAGING))?;
        self.list(self.written.iter())
    }

    fn list<'p>(&self, paths: impl Iterator<Item = &'p String>) -> io::Result<()> {
        let mut text = format!("{HEAD}\n");
        paths.for_each(|path| text.extend([path, "\n"]));
        let mut marker = &self.marker;
        marker.rewind()?;
        marker.write_all(text.as_bytes())?;
        marker.set_len(text.len() as u64)
    }
}

impl Output for SiteFolder {
    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let target = self.folder.join(STAGING).join(path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(target, content)?;
        self.written.insert(path.to_owned());
        Ok(())
    }
}

impl Drop for SiteFolder {
    fn drop(&mut self) {
        // What is left of a site that could not be written; the next command would remove it, too.
        let _ = remove_staging(&self.folder.join(STAGING));
    }
}

fn remove_staging(staging: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The files that a marker lists; `None` if it is no marker. Paths that would lead out of the folder are none of ours.
fn listed(text: &str) -> Option<BTreeSet<String>> {
    let rest = text.strip_prefix(HEAD)?;
    let inside = |path: &&str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    Some(rest.lines().filter(|line| !line.is_empty()).filter(inside).map(str::to_owned).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[&str]) -> Result<(), FolderError> {
        let mut site = SiteFolder::open(folder)?;
        for file in files {
            site.file(file, file.as_bytes()).unwrap();
        }
        site.finish()
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in std::fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_site_replaces_an_earlier_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("deep/site");
        write(&site, &["index.html", "types/A.html", "query/a.html"]).unwrap();
        std::fs::write(site.join("CNAME"), "docs.example").unwrap();
        std::fs::create_dir(site.join(STAGING)).unwrap();
        std::fs::write(site.join(STAGING).join("half"), "").unwrap();
        write(&site, &["index.html", "types/B.html"]).unwrap();
        assert_eq!(files(&site), [".braid-docs", "CNAME", "index.html", "types/B.html"]);
        assert!(!site.join("query").exists() && !site.join(STAGING).exists());
    }

    #[test]
    fn other_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("thesis.tex"), "").unwrap();
        assert!(matches!(write(path, &["index.html"]), Err(FolderError::NotOurs(_))));
        std::fs::write(path.join(MARKER), "something else").unwrap();
        assert!(matches!(write(path, &["index.html"]), Err(FolderError::NotOurs(_))));
        assert!(matches!(write(&path.join("thesis.tex"), &[]), Err(FolderError::NoFolder(_))));
        assert_eq!(files(path), [".braid-docs", "thesis.tex"]);
    }

    #[test]
    fn a_site_that_can_not_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["index.html", "a.html"]).unwrap();
        let mut site = SiteFolder::open(folder.path()).unwrap();
        assert!(matches!(SiteFolder::open(folder.path()), Err(FolderError::Busy(_))));
        site.file("new.html", b"").unwrap();
        drop(site);
        assert_eq!(files(folder.path()), [".braid-docs", "a.html", "index.html"]);
    }

    #[test]
    fn a_list_that_leads_out_of_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, site) = (folder.path().join("victim"), folder.path().join("site"));
        std::fs::write(&victim, "").unwrap();
        std::fs::create_dir(&site).unwrap();
        std::fs::write(site.join(MARKER), format!("{HEAD}\n../victim\n{}\n", victim.display())).unwrap();
        write(&site, &["index.html"]).unwrap();
        assert!(victim.exists());
    }
}
