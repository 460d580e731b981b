//! Keeps the last supergraph that could be used in a file, for a start at which subgraphs are not there. Knows no subgraph.

use std::io::Write;
use std::path::Path;

/// The supergraph that was kept, if there is one.
pub fn read(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

/// Keeps a supergraph: whoever reads the file finds the one before or this one, and never a part.
pub fn keep(file: &Path, supergraph: &str) -> std::io::Result<()> {
    if read(file).as_deref() == Some(supergraph) {
        return Ok(());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = std::fs::File::create(&beside).and_then(|mut new| {
        new.write_all(supergraph.as_bytes())?;
        new.sync_all()?;
        std::fs::rename(&beside, file)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last.graphql");
        assert_eq!(read(&file), None);
        keep(&file, "a").unwrap();
        keep(&file, "b").unwrap();
        assert_eq!(read(&file).as_deref(), Some("b"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(keep(&folder.path().join("missing/last.graphql"), "a").is_err());
    }
}
