//! Reads a version of a graph: from files, from a folder, or from a git commit. Knows nothing of what is compared.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use braid_composition::SubgraphSdl;
use braid_net::chain;
use braid_schema_checks::check::Version;
use braid_schema_checks::location::Side;
use braid_schema_checks::problem::Problem;
use braid_schema_checks::sources::SourceFile;
use braid_supergraph::Supergraph;
use braid_transport::config::TrafficConfig;

use super::terminal::{Failure, block_on};
use crate::checked::{composed, source_file};
use crate::source::load_subgraphs;
use crate::source::paths;
use crate::source::supergraph_yaml::{SchemaLocation, SupergraphYaml};

/// The code for a running subgraph whose schema at a commit is needed.
pub(super) const LIVE_SUBGRAPH: &str = "LIVE_SUBGRAPH";

/// Where files are read from.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// As they are now.
    Disk,
    /// As they were at a commit.
    Commit {
        /// The commit's hash.
        hash: String,
        /// Its name on the command line.
        name: String,
    },
}

/// Input that can't be read, or an invalid configuration.
pub(super) enum Unusable {
    Input(Problem),
    Usage(String),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Input(problem) => Self::Unreadable(problem.to_string()),
            Unusable::Usage(message) => Self::Usage(message),
        }
    }
}

impl Tree {
    /// The commit with this name in the repository that contains `folder`.
    pub(super) fn commit(folder: &Path, name: &str) -> Result<Self, Problem> {
        if name.starts_with('-') || name.is_empty() {
            return Err(Problem::new("GIT_REF", format!("\"{name}\" is not the name of a git commit")));
        }
        let output = git(folder, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
        if output.status.success() {
            let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            return Ok(Self::Commit { hash, name: name.to_owned() });
        }
        let inside = git(folder, &["rev-parse", "--is-inside-work-tree"])?.status.success();
        let message = if inside {
            format!("there is no git commit \"{name}\" here; a shallow clone may lack it (fetch-depth: 0 gets all)")
        } else {
            format!("\"{name}\" is not a file or folder, and {} is not in a git repository", shown(folder).display())
        };
        Err(Problem::new("GIT_REF", message))
    }

    /// The text of a file.
    pub(super) fn read(&self, path: &Path) -> Result<String, Problem> {
        let file = paths::name(path);
        match self {
            Self::Disk => std::fs::read_to_string(path)
                .map_err(|error| Problem::in_file("UNREADABLE", format!("the file can't be read: {error}"), &file)),
            Self::Commit { hash, name } => {
                let folder = folder_of(path);
                // The folder may be newer than the commit, or gone since; git takes paths from the working directory.
                let (from, inside) = nearest(folder);
                let name_in_folder = path.file_name().map(PathBuf::from).unwrap_or_default();
                let inside = inside.join(name_in_folder);
                let output = git(&from, &["show", &format!("{hash}:./{}", inside.display())])?;
                if !output.status.success() {
                    let message = format!("the file is not in the commit {name}");
                    return Err(Problem::in_file("UNREADABLE", message, &file));
                }
                String::from_utf8(output.stdout)
                    .map_err(|_| Problem::in_file("UNREADABLE", format!("the file is not UTF-8 in {name}"), &file))
            }
        }
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<std::process::Output, Problem> {
    let run = Command::new("git").arg("-C").arg(shown(folder)).args(arguments).output();
    run.map_err(|error| Problem::new("GIT", format!("git can't be run: {error}")))
}

fn shown(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The nearest parent folder that exists, and the path from it.
fn nearest(folder: &Path) -> (PathBuf, PathBuf) {
    let mut from = folder.to_owned();
    let mut inside = PathBuf::new();
    while !shown(&from).is_dir() {
        let Some(name) = from.file_name().map(PathBuf::from) else { break };
        inside = name.join(inside);
        from.pop();
    }
    (from, inside)
}

/// A supergraph.yaml, and where it and its files are read from.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) tree: Tree,
    pub(super) path: PathBuf,
    pub(super) yaml: SupergraphYaml,
}

impl Graph {
    /// Reads the file.
    pub(super) fn open(tree: Tree, path: &Path) -> Result<Self, Unusable> {
        let text = tree.read(path).map_err(Unusable::Input)?;
        let yaml = SupergraphYaml::parse(&text, folder_of(path))
            .map_err(|problem| Unusable::Usage(format!("{}: {problem}", path.display())))?;
        Ok(Self { tree, path: path.to_owned(), yaml })
    }

    /// Reads the schemas that it refers to. Those that can't be read are problems; the others are read all the same.
    pub(super) fn subgraphs(&self) -> (Vec<SubgraphSdl>, Vec<Problem>) {
        let is_live = |schema: &SchemaLocation| matches!(schema, SchemaLocation::Live { .. });
        let live = self.yaml.subgraphs.values().any(|subgraph| is_live(&subgraph.schema));
        if live && matches!(self.tree, Tree::Disk) {
            let loaded = block_on(async {
                load_subgraphs(&self.path, &TrafficConfig::default())
                    .await
                    .map_err(|error| Failure::Unreadable(chain(&error)))
            });
            return match loaded {
                Ok(loaded) => (loaded.sdl.into_iter().map(renamed).collect(), Vec::new()),
                Err(Failure::Unreadable(message)) => (Vec::new(), vec![Problem::new("UNREADABLE", message)]),
                Err(_) => (Vec::new(), vec![Problem::new("UNREADABLE", "the subgraphs can't be asked")]),
            };
        }
        let (mut subgraphs, mut problems) = (Vec::new(), Vec::new());
        for (name, subgraph) in &self.yaml.subgraphs {
            let url = subgraph.routing_url.clone().unwrap_or_default();
            match &subgraph.schema {
                SchemaLocation::Inline(sdl) => {
                    let file = Some(paths::name(&self.path));
                    subgraphs.push(SubgraphSdl { name: name.clone(), url, sdl: sdl.clone(), file });
                }
                SchemaLocation::File(file) => {
                    let path = paths::tidy(&folder_of(&self.path).join(file));
                    match self.tree.read(&path) {
                        Ok(sdl) => {
                            let file = Some(paths::name(&path));
                            subgraphs.push(SubgraphSdl { name: name.clone(), url, sdl, file });
                        }
                        Err(problem) => problems.push(problem),
                    }
                }
                SchemaLocation::Live { url, .. } => {
                    let message = format!(
                        "the schema of subgraph \"{name}\" comes from {url}, which has it only as it is now; \
                         compare with a supergraph.graphql that was composed then"
                    );
                    problems.push(Problem::new(LIVE_SUBGRAPH, message));
                }
            }
        }
        (subgraphs, problems)
    }

    /// Its name in reports.
    pub(super) fn label(&self) -> String {
        match &self.tree {
            Tree::Disk => self.path.display().to_string(),
            Tree::Commit { name, .. } => format!("{name}:{}", self.path.display()),
        }
    }

    /// Composes it.
    pub(super) fn compose(&self, side: Side) -> (Version, Vec<Problem>) {
        let (subgraphs, mut problems) = self.subgraphs();
        let files = subgraphs.iter().map(source_file).collect();
        let mut version = Version { label: self.label(), files, ..Version::default() };
        // Composing only some subgraphs would make everything of the others look removed.
        if problems.is_empty() {
            let (composition, supergraph) = composed(&subgraphs, side, &mut problems);
            (version.composition, version.supergraph) = (Some(composition), supergraph);
        }
        (version, problems)
    }
}

fn renamed(subgraph: SubgraphSdl) -> SubgraphSdl {
    let file = subgraph.file.map(|file| paths::name(Path::new(&file)));
    SubgraphSdl { file, ..subgraph }
}

/// Whether a schema is a supergraph, and no API schema.
pub(super) fn is_supergraph(sdl: &str) -> bool {
    sdl.contains("join__Graph")
}

/// A composed supergraph in a file.
pub(super) fn read_supergraph(tree: &Tree, path: &Path) -> Result<Version, Problem> {
    let file = paths::name(path);
    let text = tree.read(path)?;
    let supergraph = Supergraph::read(&text).map_err(|error| Problem::in_file(error.code(), chain(&error), &file))?;
    let files = vec![SourceFile { subgraph: None, file: file.clone(), text }];
    Ok(Version { label: file, files, supergraph: Some(Arc::new(supergraph)), composition: None })
}
