//! The `braid` commands of the README and of docs/, run unchanged in a folder with what their readers have: the files that the pages show,
//! running subgraphs, and the shop's schema in a git repository. The examples of docs/federation.md compose and are planned as printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::Subgraph;
use support::page::{self, Block};

const PRODUCTS: &str =
    "type Query { products: [Product] }\ntype Product @key(fields: \"sku\") { sku: ID! name: String }\n";
const REVIEWS: &str = "type Product @key(fields: \"sku\") { sku: ID! stars: Int }";

/// Pages whose commands another test runs.
const ELSEWHERE: [(&str, &str); 5] = [
    ("docs/subgraphs/README.md", "first_subgraphs.rs"),
    ("docs/subgraphs/apollo-server.md", "first_subgraphs.rs"),
    ("docs/subgraphs/async-graphql.md", "first_subgraphs.rs"),
    ("docs/subgraphs/strawberry.md", "first_subgraphs.rs"),
    ("docs/caching.md", "cache_cli.rs"),
];

/// What commands begin with that this test does not run, because they need more than this program.
const NOT_RUN: [&str; 18] = [
    "cargo ",
    "curl ",
    "cd ",
    "git clone ",
    "deploy/compose/secrets",
    "deploy/lambda/package",
    "export ",
    "orders reconcile",
    "sam ",
    "docker ",
    "helm ",
    "kubectl ",
    "npm ",
    "rustup ",
    "for ",
    "done",
    "ROUTER_CONFIG=",
    "DATABASE_URL=",
];

/// A folder in which the commands of pages are typed.
struct Folder(tempfile::TempDir);

impl Folder {
    /// With what the README and the reference pages speak of. `reviews`: where the schema of that subgraph is.
    fn new(reviews: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let readme = page::blocks(&page::read("README.md"));
        let yaml = |begin: &str| {
            let found = readme.iter().find(|block| block.language == "yaml" && block.text.starts_with(begin));
            found.unwrap_or_else(|| panic!("the README shows no YAML that begins with {begin}")).text.clone()
        };
        let live = "subgraph_url: http://127.0.0.1:5002/graphql";
        let supergraph = yaml("federation_version");
        assert!(supergraph.contains(live), "the README's supergraph.yaml has no live subgraph");
        folder.write("supergraph.yaml", &supergraph.replace(live, reviews));
        folder.write("router.yaml", &yaml("schema:"));
        folder.write("products.graphql", PRODUCTS);
        folder.write("reviews.graphql", REVIEWS);
        folder.write("old.graphql", "type Query { a: Int }");
        folder.write("new.graphql", "type Query { a: Int b: Int }");
        folder.write("operation.graphql", "{ products { name stars } }");
        for (file, other_router) in [
            ("apollo.yaml", "supergraph: { listen: 127.0.0.1:4000 }"),
            ("router.config.yaml", "http: { port: 4000 }"),
            ("config.yaml", "listen_addr: 127.0.0.1:4000"),
        ] {
            folder.write(file, other_router);
        }
        folder.write("clients/names.graphql", "query Names { products { name } }");
        folder.write("operations/names.graphql", "query Names { products { name } }");
        folder.write("web/src/names.js", "export const NAMES = gql`query Names { products { name } }`;");
        for file in ["usage.jsonl", "usage.jsonl.1"] {
            folder.write(file, "{\"operation\":\"query Names { products { name } }\",\"count\":3}\n");
        }
        copy_folder(&page::root().join("schema"), &folder.0.path().join("schema"));
        folder.git(&["init", "-q", "-b", "main"]);
        folder.git(&["add", "."]);
        folder.git(&["commit", "-qm", "One"]);
        folder.git(&["commit", "-qm", "Two", "--allow-empty"]);
        folder.run("braid compose supergraph.yaml -o supergraph.graphql");
        folder.run("braid operations extract web/src --typename --out published.json");
        folder
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_braid")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.current_dir(self.0.path()).env("PATH", path).env("BRAID_LISTEN", "127.0.0.1:0").env("NO_COLOR", "1");
        // With exec, stopping the shell's process stops the command.
        command.arg("-c").arg(format!("exec {line}")).stdin(Stdio::null());
        command
    }

    /// Runs a command and gives its output. A server is stopped once it serves.
    fn run(&self, line: &str) -> String {
        let mut command = self.command(line);
        if !line.starts_with("braid serve") && !line.starts_with("braid dev") {
            let output = command.output().unwrap();
            let (said, answer) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success(), "`{line}` ended with {}:\n{said}{answer}", output.status);
            return answer.into_owned();
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut log = Vec::new();
        let serves = lines.inspect(|line| log.push(line.clone())).any(|line| line.contains("Serving http"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(serves, "`{line}` does not serve:\n{}", log.join("\n"));
        String::new()
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let status = Command::new("git").args(identity).args(arguments).current_dir(self.0.path()).status();
        assert!(status.unwrap().success());
    }
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
    let reviews =
        Subgraph::json(|_| serde_json::json!({ "data": { "_service": { "sdl": REVIEWS } } }).to_string()).await;
    let live = format!("subgraph_url: http://{}/graphql", reviews.address);
    let run = tokio::task::spawn_blocking(move || run_all_pages(&live)).await.unwrap();
    assert!(run >= 20, "{run} commands");
}

/// Returns how many commands were run. `live`: how supergraph.yaml says that a subgraph is asked for its schema.
fn run_all_pages(live: &str) -> usize {
    let pages = page::all();
    let pages = pages.iter().filter(|path| !ELSEWHERE.iter().any(|(page, _)| page == path));
    let mut run = 0;
    for path in pages {
        let commands: Vec<_> = page::blocks(&page::read(path)).iter().flat_map(Block::commands).collect();
        let (ours, others): (Vec<_>, Vec<_>) = commands.into_iter().partition(|line| line.starts_with("braid "));
        let unknown: Vec<_> =
            others.iter().filter(|line| !NOT_RUN.iter().any(|program| has_program(line, program))).collect();
        assert!(unknown.is_empty(), "{path} has commands that no test runs, or says that it can't: {unknown:#?}");
        if ours.is_empty() {
            continue;
        }
        // Schema checks compare with what is in git, where no live subgraph is.
        let folder = Folder::new(if path == "README.md" { live } else { "file: ./reviews.graphql" });
        if path == "docs/migrating.md" {
            // There, it is that of the other router.
            folder.write("router.yaml", "supergraph: { listen: 127.0.0.1:4000 }");
        }
        for line in ours {
            folder.run(&line);
            run += 1;
        }
    }
    run
}

/// Whether a line begins with a program, perhaps after environment variables.
fn has_program(line: &str, program: &str) -> bool {
    let variable = |word: &str| word.split('=').next().is_some_and(|name| word.contains('=') && !name.contains('-'));
    let begin = line.split(' ').take_while(|word| variable(word)).map(|word| word.len() + 1).sum::<usize>();
    line.starts_with(program) || line[begin.min(line.len())..].starts_with(program)
}

#[test]
fn the_mistake_of_the_first_five_minutes_is_found() {
    let page = page::read("docs/start.md");
    let report = page::blocks(&page).into_iter().find(|block| block.language == "text").unwrap();
    let folder = Folder::new("file: ./reviews.graphql");
    let file = folder.0.path().join("schema/inventory.graphql");
    let before = std::fs::read_to_string(&file).unwrap();
    let after = before.replace("  stock: Int!\n", "  quantity: Int!\n");
    assert!(before != after, "the schema of inventory has no such field any more");
    std::fs::write(file, after).unwrap();
    let check = folder.command("braid check schema/supergraph.yaml --against HEAD").output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    let said = String::from_utf8(check.stdout).unwrap();
    for line in report.text.lines() {
        assert!(said.contains(line.trim()), "{line}\n{said}");
    }
}

#[test]
fn the_examples_of_federation_compose_and_are_planned_as_printed() {
    let path = "docs/federation.md";
    let blocks = page::blocks(&page::read(path));
    let mut sections: Vec<&str> =
        blocks.iter().filter(|block| block.file.is_some()).map(|block| &*block.section).collect();
    sections.dedup();
    let mut printed = page::read(path);
    for section in &sections {
        let folder = Folder(tempfile::tempdir().unwrap());
        let of_section = || blocks.iter().filter(|block| block.section == *section);
        let mut supergraph = "federation_version: =2.9\nsubgraphs:\n".to_owned();
        for block in of_section() {
            let Some(file) = &block.file else { continue };
            folder.write(file, &block.text);
            if let Some(name) = file.strip_suffix(".graphql").filter(|name| *name != "operation") {
                let _ = writeln!(
                    supergraph,
                    "  {name}: {{ routing_url: http://127.0.0.1/{name}, schema: {{ file: {file} }} }}"
                );
            }
        }
        if !folder.0.path().join("supergraph.yaml").exists() {
            folder.write("supergraph.yaml", &supergraph);
        }
        folder.run("braid compose supergraph.yaml -o supergraph.graphql");
        let plan = folder.run("braid plan --supergraph supergraph.graphql operation.graphql");
        let shown = of_section().find(|block| block.language == "text").expect("each example has a plan");
        if std::env::var("UPDATE_EXPECT").is_ok() {
            printed = printed.replacen(&format!("```text\n{}```", shown.text), &format!("```text\n{plan}```"), 1);
        } else {
            assert!(shown.text == plan, "{path}, {section}: run this test with UPDATE_EXPECT=1. The plan is\n{plan}");
        }
    }
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::write(page::root().join(path), printed).unwrap();
    }
    assert!(sections.len() >= 8, "{sections:?}");
}
