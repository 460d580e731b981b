//! The file of the usage log: lines are added, and a full file is put aside. Its size is bounded, whatever is written. Knows no format.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file. It is opened for each writing, so that others can move it.
#[derive(Debug)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    pub(crate) max_size: u64,
    pub(crate) keep: usize,
}

impl LogFile {
    /// Adds lines. If they don't fit into the file, another one is begun with them.
    pub(crate) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let size = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if size > 0 && size + lines.len() as u64 > self.max_size {
            self.put_aside()?;
        }
        self.open()?.write_all(lines)
    }

    /// Opens the file, which is made if it is not there.
    pub(crate) fn open(&self) -> io::Result<std::fs::File> {
        OpenOptions::new().create(true).append(true).open(&self.path)
    }

    /// Renames the file to `FILE.1`, that to `FILE.2`, and so on. The last one goes.
    fn put_aside(&self) -> io::Result<()> {
        if self.keep == 0 {
            return std::fs::remove_file(&self.path);
        }
        for number in (1..self.keep).rev() {
            let from = numbered(&self.path, number);
            if from.exists() {
                std::fs::rename(from, numbered(&self.path, number + 1))?;
            }
        }
        std::fs::rename(&self.path, numbered(&self.path, 1))
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_put_aside_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = |keep| LogFile { path: folder.path().join("usage.jsonl"), max_size: 10, keep };
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        for lines in ["one\n", "two\n", "three\n", "four\n", "a line that is longer than a file may be\n", "five\n"] {
            file(2).append(lines.as_bytes()).unwrap();
        }
        assert_eq!(read("usage.jsonl").as_deref(), Some("five\n"));
        assert_eq!(read("usage.jsonl.1").as_deref(), Some("a line that is longer than a file may be\n"));
        assert_eq!(read("usage.jsonl.2").as_deref(), Some("four\n"));
        assert_eq!(read("usage.jsonl.3"), None);
        file(0).append(b"seven more\n").unwrap();
        assert_eq!(read("usage.jsonl").as_deref(), Some("seven more\n"));
    }
}
