//! Saves the last usable supergraph in a file, for a start while subgraphs can't be reached. Knows no subgraph.

use std::io::Write;
use std::path::Path;

/// The saved supergraph, if there is one.
pub fn read(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

/// Saves a supergraph. The file is replaced as a whole: readers see the old one or the new one, never a part.
pub fn save(file: &Path, supergraph: &str) -> std::io::Result<()> {
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
    fn a_saved_supergraph_can_be_read_and_no_other_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last.graphql");
        assert_eq!(read(&file), None);
        save(&file, "a").unwrap();
        save(&file, "b").unwrap();
        assert_eq!(read(&file).as_deref(), Some("b"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(save(&folder.path().join("missing/last.graphql"), "a").is_err());
    }
}
