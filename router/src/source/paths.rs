//! File names in reports: relative to the root of the git repository, since tools that annotate lines look files up that way.
//! Reads no file.

use std::path::{Component, Path, PathBuf};

/// The name of a file in reports. A file outside the repository keeps its path.
pub(crate) fn name(path: &Path) -> String {
    in_repository(path).unwrap_or_else(|| tidy(path)).display().to_string()
}

/// A path without redundant parts: `a/./b` is `a/b`, `a/../b` is `b`.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

fn in_repository(path: &Path) -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    // In a worktree or submodule, `.git` is a file.
    let root = folder.ancestors().find(|folder| folder.join(".git").exists())?;
    tidy(&folder.join(path)).strip_prefix(root).ok().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundant_parts_are_removed() {
        for (given, expected) in [
            ("a/./b", "a/b"),
            ("./a", "a"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/a/./b", "/a/b"),
        ] {
            assert_eq!(tidy(Path::new(given)), Path::new(expected), "{given}");
        }
    }
}
