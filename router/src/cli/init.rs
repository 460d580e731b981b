//! `braid init`: starts a project. Files that are there already are left as they are.

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::terminal::{Failure, complain, print};

/// Start a project.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The language of the first subgraph; asked for on a terminal
    #[arg(long, value_enum)]
    language: Option<Language>,
}

/// A language of subgraphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// async-graphql: the products of a shop
    Rust,
    /// Apollo Server: reviews of products
    Typescript,
    /// Strawberry: how many of each product are in stock
    Python,
}

/// A file of a project: where it is and what is in it, with `{{…}}` for what depends on the language.
type Template = (&'static str, &'static str);

const COMMON: [Template; 6] = [
    ("supergraph.yaml", include_str!("../../templates/common/supergraph.yaml")),
    ("router.yaml", include_str!("../../templates/common/router.yaml")),
    ("mocks.yaml", include_str!("../../templates/common/mocks.yaml")),
    ("README.md", include_str!("../../templates/common/README.md")),
    (".gitignore", include_str!("../../templates/common/gitignore")),
    (".github/workflows/graph.yml", include_str!("../../templates/common/graph.yml")),
];

/// The subgraph in a language. The code is that of the pages about first subgraphs.
struct Subgraph {
    name: &'static str,
    port: &'static str,
    start: &'static str,
    files: &'static [Template],
}

const RUST: Subgraph = Subgraph {
    name: "products",
    port: "4001",
    start: "cargo run",
    files: &[
        ("Cargo.toml", include_str!("../../templates/rust/Cargo.toml.template")),
        ("src/main.rs", include_str!("../../templates/rust/src/main.rs")),
        ("schema.graphql", include_str!("../../templates/rust/schema.graphql")),
    ],
};

const TYPESCRIPT: Subgraph = Subgraph {
    name: "reviews",
    port: "4002",
    start: "npm install\nnpm start",
    files: &[
        ("package.json", include_str!("../../templates/typescript/package.json")),
        ("reviews.mts", include_str!("../../templates/typescript/reviews.mts")),
        ("schema.graphql", include_str!("../../templates/typescript/schema.graphql")),
    ],
};

const PYTHON: Subgraph = Subgraph {
    name: "stock",
    port: "4003",
    start: "python3 -m venv .venv\n. .venv/bin/activate\npip install -r requirements.txt\nuvicorn stock:app --port 4003",
    files: &[
        ("requirements.txt", include_str!("../../templates/python/requirements.txt")),
        ("stock.py", include_str!("../../templates/python/stock.py")),
        ("schema.graphql", include_str!("../../templates/python/schema.graphql")),
    ],
};

impl Language {
    fn subgraph(self) -> &'static Subgraph {
        match self {
            Self::Rust => &RUST,
            Self::Typescript => &TYPESCRIPT,
            Self::Python => &PYTHON,
        }
    }
}

impl Init {
    pub(super) fn run(self) -> Result<(), Failure> {
        let language = match self.language {
            Some(language) => language,
            None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => ask()?,
            None => return Err(Failure::Usage("give --language rust, typescript or python".to_owned())),
        };
        let subgraph = language.subgraph();
        let own = subgraph.files.iter().map(|(path, text)| (format!("{}/{path}", subgraph.name), *text));
        let files = COMMON.iter().map(|(path, text)| ((*path).to_owned(), *text)).chain(own);
        let (mut written, mut there) = (0, Vec::new());
        for (path, text) in files {
            match write(&self.folder.join(&path), &filled(text, subgraph))? {
                true => written += 1,
                false => there.push(path),
            }
        }
        for path in &there {
            complain(&format!("{path} is there already and was left as it is\n"));
        }
        let folder = self.folder.display();
        let next = format!("cd {folder}/{}\n  {}", subgraph.name, subgraph.start.replace('\n', "\n  "));
        print(&format!(
            "{written} files written to {folder}. Start the subgraph:\n\n  {next}\n\nand in another terminal the router:\n\n  cd {folder}\n  braid dev\n"
        ))
    }
}

/// Asks which language it shall be.
fn ask() -> Result<Language, Failure> {
    complain("Which language is the first subgraph in? [rust, typescript, python] ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| Failure::Other(format!("no answer can be read: {error}")))?;
    Language::from_str(line.trim(), true)
        .map_err(|_| Failure::Usage(format!("\"{}\" is not rust, typescript or python", line.trim())))
}

fn filled(template: &str, subgraph: &Subgraph) -> String {
    template.replace("{{name}}", subgraph.name).replace("{{port}}", subgraph.port).replace("{{start}}", subgraph.start)
}

/// Writes a file unless it is there; whether it was written.
fn write(path: &Path, text: &str) -> Result<bool, Failure> {
    let failure = |error: std::io::Error| Failure::Unreadable(format!("{} can't be written: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failure)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failure).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failure(error)),
    }
}
