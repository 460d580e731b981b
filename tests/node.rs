//! npm tools that tests compare our results with, each in a folder with its lock file. Included by path, so that tests of a crate
//! need no other crate. Knows no tool.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

/// Whether `npm ci` was run in `folder`. Panics if it was not and the environment variable `variable` is `required`.
pub(crate) fn is_installed(folder: &Path, variable: &str) -> bool {
    let installed = folder.join("node_modules").is_dir();
    let required = std::env::var(variable).as_deref() == Ok("required");
    assert!(installed || !required, "run `npm ci` in {}", folder.display());
    installed
}

/// The output of a script in `folder` for an input; `None` if it is not installed.
#[allow(dead_code, reason = "not every test asks by standard input")]
pub(crate) fn ask<A: DeserializeOwned>(
    folder: &Path,
    variable: &str,
    script: &str,
    question: &serde_json::Value,
) -> Option<A> {
    if !is_installed(folder, variable) {
        return None;
    }
    let mut node = Command::new("node")
        .arg(script)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node can be run");
    let mut stdin = node.stdin.take().unwrap();
    let text = question.to_string();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
