//! The README's `braid` commands, run unchanged in a folder with what a reader has: the files it shows, running subgraphs, and the
//! shop's schema in a git repository.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::Subgraph;

const PRODUCTS: &str =
    "type Query { products: [Product] }\ntype Product @key(fields: \"sku\") { sku: ID! name: String }\n";
const REVIEWS: &str = "type Product @key(fields: \"sku\") { sku: ID! stars: Int }";

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    let after = text.split(&open).skip(1);
    after.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Runs a command of the README. A server is stopped once it serves.
fn run(folder: &Path, line: &str) {
    let binary = Path::new(env!("CARGO_BIN_EXE_braid")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.current_dir(folder).env("PATH", path).env("BRAID_LISTEN", "127.0.0.1:0").env("NO_COLOR", "1");
    // With exec, stopping the shell's process stops the command.
    command.arg("-c").arg(format!("exec {line}")).stdin(Stdio::null());
    if !line.starts_with("braid serve") {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{line}` ended with {}:\n{said}", output.status);
        return;
    }
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut log = Vec::new();
    let serves = lines.inspect(|line| log.push(line.clone())).any(|line| line.contains("Serving http"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(serves, "`{line}` does not serve:\n{}", log.join("\n"));
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    assert!(Command::new("git").args(identity).args(arguments).current_dir(folder).status().unwrap().success());
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let reviews =
        Subgraph::json(|_| serde_json::json!({ "data": { "_service": { "sdl": REVIEWS } } }).to_string()).await;
    let folder = tempfile::tempdir().unwrap();
    let yamls = blocks(&readme, "yaml");
    let supergraph = yamls.iter().find(|yaml| yaml.contains("federation_version")).unwrap();
    let router = yamls.iter().find(|yaml| yaml.starts_with("schema:")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    write("supergraph.yaml", &supergraph.replace("127.0.0.1:5002", &reviews.address.to_string()));
    write("router.yaml", router);
    write("products.graphql", PRODUCTS);
    write("apollo.yaml", "supergraph: { listen: 127.0.0.1:4000 }");
    write("old.graphql", "type Query { a: Int }");
    write("new.graphql", "type Query { a: Int b: Int }");
    copy_folder(&root.join("schema"), &folder.path().join("schema"));
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "schema"]);
    git(folder.path(), &["commit", "-qm", "One"]);
    git(folder.path(), &["commit", "-qm", "Two", "--allow-empty"]);

    let blocks = blocks(&readme, "sh");
    let lines = blocks.iter().flat_map(|block| block.lines()).filter(|line| line.starts_with("braid "));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert!(lines.len() >= 6, "{lines:?}");
    let folder = folder.path().to_owned();
    tokio::task::spawn_blocking(move || lines.iter().for_each(|line| run(&folder, line))).await.unwrap();
}
