//! The pages of docs/subgraphs, followed word for word: their files are written, their services and routers started, their requests sent,
//! and the answers compared with those that are printed. Packages are installed before (`npm ci`, and `pip install` into `.venv`, in
//! `tests/first-subgraphs`); with `FIRST_SUBGRAPHS=required`, the test fails when they are not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::page::{self, Block};

/// The service of the page about async-graphql. A test holds it to the page.
#[allow(clippy::print_stdout, reason = "as on the page")]
mod async_graphql_page {
    include!("../templates/rust/src/main.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

const RUST: &str = "docs/subgraphs/async-graphql.md";
const NODE: &str = "docs/subgraphs/apollo-server.md";
const PYTHON: &str = "docs/subgraphs/strawberry.md";
const TOGETHER: &str = "docs/subgraphs/README.md";

/// Not a test: `cargo run` of the page, in a process of its own.
#[test]
#[ignore = "serves until it is killed; the other tests start it"]
fn products() {
    async_graphql_page::run();
}

#[test]
fn rust() {
    let mut reader = Reader::new(&[RUST]);
    reader.follow(RUST);
    assert_eq!(reader.answers, 2);
}

#[test]
fn projects_begin_with_the_code_of_the_pages() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let of_page = |page: &str, name: &str| {
        let blocks = page::blocks(&page::read(page));
        blocks.into_iter().find(|block| block.file.as_deref() == Some(name)).unwrap().text
    };
    for (page, name, template) in [
        (RUST, "Cargo.toml", "rust/Cargo.toml.template"),
        (RUST, "src/main.rs", "rust/src/main.rs"),
        (NODE, "reviews.mts", "typescript/reviews.mts"),
        (PYTHON, "stock.py", "python/stock.py"),
    ] {
        let text = of_page(page, name);
        if std::env::var("UPDATE_EXPECT").is_ok() {
            std::fs::write(templates.join(template), &text).unwrap();
        }
        let written = std::fs::read_to_string(templates.join(template)).unwrap();
        assert!(written == text, "run this test with UPDATE_EXPECT=1 to write templates/{template}");
    }
    // The versions of packages are those that the tests have.
    let package: Value =
        serde_json::from_str(&std::fs::read_to_string(templates.join("typescript/package.json")).unwrap()).unwrap();
    assert_eq!(pins(&package), npm_pins());
    let requirements = std::fs::read_to_string(templates.join("python/requirements.txt")).unwrap();
    are_pinned(&requirements.lines().collect::<Vec<_>>(), '=', &pip_pins());
    let file = |name: &str| of_page(RUST, name);
    // The page's versions are those that the workspace compiles with.
    let workspace = page::read("Cargo.toml");
    for name in ["async-graphql", "async-graphql-axum", "axum", "tokio"] {
        let (of_page, of_workspace) = (version(&file("Cargo.toml"), name), version(&workspace, name));
        assert!(of_workspace.starts_with(&of_page), "{name} is {of_page} on the page and {of_workspace} here");
    }
}

#[test]
fn node() {
    if !node::is_installed(&folder(), "FIRST_SUBGRAPHS") {
        return println!("skipped: run `npm ci` in router/tests/first-subgraphs");
    }
    let mut reader = Reader::new(&[NODE]);
    reader.follow(NODE);
    assert_eq!(reader.answers, 2);
}

#[test]
fn python() {
    if !has_python() {
        return println!("skipped: router/tests/first-subgraphs has no .venv");
    }
    let mut reader = Reader::new(&[PYTHON]);
    reader.follow(PYTHON);
    assert_eq!(reader.answers, 2);
}

#[test]
fn all_three_are_one_graph() {
    if !node::is_installed(&folder(), "FIRST_SUBGRAPHS") || !has_python() {
        return println!("skipped: the packages of router/tests/first-subgraphs are not installed");
    }
    let mut reader = Reader::new(&[RUST, NODE, PYTHON]);
    for page in [RUST, NODE, PYTHON] {
        reader.start_service(page);
    }
    reader.follow(TOGETHER);
    assert_eq!(reader.answers, 1);
}

#[test]
fn the_schemas_of_new_projects_are_those_of_their_services() {
    let mut compared = 0;
    for (page, port, language, name) in [
        (RUST, "4001", "rust", "products"),
        (NODE, "4002", "typescript", "reviews"),
        (PYTHON, "4003", "python", "stock"),
    ] {
        let is_there = match page {
            NODE => node::is_installed(&folder(), "FIRST_SUBGRAPHS"),
            PYTHON => has_python(),
            _ => true,
        };
        if !is_there {
            println!("skipped: the packages for {name} are not installed");
            continue;
        }
        let mut reader = Reader::new(&[page]);
        reader.start_service(page);
        let url = format!("http://127.0.0.1:{}/graphql", reader.port(port));
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(language).join("schema.graphql");
        let compose = |schema: String| {
            let yaml = format!("subgraphs: {{ {name}: {{ routing_url: \"{url}\", schema: {{ {schema} }} }} }}");
            std::fs::write(reader.folder.path().join("compared.yaml"), yaml).unwrap();
            let output = reader.shell("braid compose compared.yaml").output().unwrap();
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let of_service = compose(format!("subgraph_url: \"{url}\""));
        pretty_assertions::assert_eq!(compose(format!("file: \"{}\"", template.display())), of_service, "{name}");
        compared += 1;
    }
    assert!(compared > 0);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/first-subgraphs")
}

fn has_python() -> bool {
    let installed = folder().join(".venv/bin/uvicorn").exists();
    let required = std::env::var("FIRST_SUBGRAPHS").as_deref() == Ok("required");
    assert!(installed || !required, "install requirements.txt into .venv in {}", folder().display());
    installed
}

/// The version of a dependency in a Cargo.toml, without `=`.
fn version(toml: &str, name: &str) -> String {
    let line = toml.lines().find(|line| line.starts_with(&format!("{name} ="))).unwrap();
    let version = line.split('"').nth(1).unwrap();
    version.trim_start_matches('=').to_owned()
}

/// Somebody who follows a page, in a folder of their own. Ports are free ones in place of those of the page.
struct Reader {
    folder: tempfile::TempDir,
    /// From the page's to ours.
    ports: Vec<(String, String)>,
    running: Vec<Child>,
    /// How many answers were compared.
    answers: usize,
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Reader {
    /// `services`: the pages whose packages are there.
    fn new(services: &[&str]) -> Self {
        let reader_folder = tempfile::tempdir().unwrap();
        if services.contains(&NODE) {
            std::os::unix::fs::symlink(folder().join("node_modules"), reader_folder.path().join("node_modules"))
                .unwrap();
        }
        let ports = ["4000", "4001", "4002", "4003"].map(|port| (port.to_owned(), free_port().to_string()));
        Self { folder: reader_folder, ports: ports.to_vec(), running: Vec::new(), answers: 0 }
    }

    /// What the page says, with our ports.
    fn ours(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    fn port(&self, of_page: &str) -> u16 {
        self.ports.iter().find(|(theirs, _)| theirs == of_page).unwrap().1.parse().unwrap()
    }

    /// Does all that the page says.
    fn follow(&mut self, path: &str) {
        let blocks = page::blocks(&page::read(path));
        let mut answer: Option<String> = None;
        for block in &blocks {
            if block.file.is_some() {
                self.write(block);
            } else if block.language == "json" {
                let given: Value = serde_json::from_str(&answer.take().expect("a request before the answer")).unwrap();
                assert_eq!(given, serde_json::from_str::<Value>(&block.text).unwrap(), "{path}");
                self.answers += 1;
            }
            for command in block.commands() {
                answer = self.run(&command);
            }
        }
    }

    /// Writes the page's files and starts its service, without the router.
    fn start_service(&mut self, path: &str) {
        for block in page::blocks(&page::read(path)) {
            if block.file.is_some() {
                self.write(&block);
            }
            for command in block.commands() {
                if !command.starts_with("braid ") && !command.starts_with("curl ") {
                    self.run(&command);
                }
            }
        }
    }

    fn write(&self, block: &Block) {
        let path = self.folder.path().join(block.file.as_deref().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.ours(&block.text)).unwrap();
    }

    /// Runs a command of the page; the output of a request.
    fn run(&mut self, command: &str) -> Option<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match (words[0], words[1]) {
            ("npm", "install") => are_pinned(&words[2..], '@', &npm_pins()),
            ("pip", "install") => are_pinned(&words[2..], '=', &pip_pins()),
            ("python3", _) | (".", _) => {}
            ("cargo", "run") => {
                let mut service = Command::new(std::env::current_exe().unwrap());
                service
                    .args(["--exact", "products", "--ignored", "--nocapture"])
                    .env("PORT", self.port("4001").to_string());
                self.start(service, "4001");
            }
            ("npx", "tsx") => self.start_line(command, "4002"),
            ("uvicorn", _) => self.start_line(command, "4003"),
            ("braid", "serve") => self.start_line(command, "4000"),
            ("curl", _) => {
                let output = self.shell(&format!("{command} --silent --show-error --max-time 20")).output().unwrap();
                assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
                return Some(String::from_utf8(output.stdout).unwrap());
            }
            _ => panic!("nothing is known of `{command}`"),
        }
        None
    }

    fn shell(&self, line: &str) -> Command {
        let braid = Path::new(env!("CARGO_BIN_EXE_braid")).parent().unwrap();
        let python = folder().join(".venv/bin");
        let path = format!("{}:{}:{}", braid.display(), python.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("BRAID_LISTEN", format!("127.0.0.1:{}", self.port("4000")));
        // With exec, stopping the shell's process stops the command.
        command.arg("-c").arg(format!("exec {}", self.ours(line))).stdin(Stdio::null());
        command
    }

    fn start_line(&mut self, line: &str, port: &str) {
        self.start(self.shell(line), port);
    }

    /// Starts a server, and waits until it listens.
    fn start(&mut self, mut command: Command, port: &str) {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let address = ("127.0.0.1", self.port(port));
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            if child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let _ = child.kill();
                let mut said = String::new();
                let _ = child.stderr.take().unwrap().read_to_string(&mut said);
                panic!("{command:?} does not listen: {said}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.running.push(child);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Fails unless the page names the versions that are installed.
fn are_pinned(packages: &[&str], before_version: char, pins: &[String]) {
    for package in packages {
        let package = package.trim_matches('\'').replace("[asgi]", "");
        assert!(package.contains(before_version), "{package} has no version");
        assert!(pins.contains(&package), "{package} is not what tests/first-subgraphs has: {pins:?}");
    }
}

fn npm_pins() -> Vec<String> {
    let package: Value =
        serde_json::from_str(&std::fs::read_to_string(folder().join("package.json")).unwrap()).unwrap();
    pins(&package)
}

fn pins(package: &Value) -> Vec<String> {
    let pins = package["dependencies"].as_object().unwrap().iter();
    pins.map(|(name, version)| format!("{name}@{}", version.as_str().unwrap())).collect()
}

fn pip_pins() -> Vec<String> {
    std::fs::read_to_string(folder().join("requirements.txt")).unwrap().lines().map(str::to_owned).collect()
}
