//! `braid check`: compares two versions of a graph, from files and git alone.

use std::path::{Path, PathBuf};

use braid_schema_checks::check::{CheckInput, Version, check};
use braid_schema_checks::config::ChecksConfig;
use braid_schema_checks::location::Side;
use braid_schema_checks::problem::Problem;
use braid_schema_checks::report::{Composition, Diagnostic};
use clap::Args;

use super::known::find;
use super::reporting::{Reporting, Strictness};
use super::terminal::Failure;
use super::versions::{Graph, LIVE_SUBGRAPH, Tree, Unusable, read_supergraph};
use crate::checked::plan_changes;

/// Check a new version of a graph for breaking changes.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The supergraph.yaml of the new version
    #[arg(value_name = "supergraph.yaml")]
    graph: PathBuf,
    /// The version to compare with: a git commit (main, HEAD~1, a tag), a supergraph.graphql, or a folder with another copy of the graph
    #[arg(long, value_name = "GIT REF|FILE|FOLDER")]
    against: Option<String>,
    /// Operations that clients send: a document, a manifest, or a folder of them. Can be repeated
    #[arg(long, value_name = "FILE|FOLDER")]
    operations: Vec<PathBuf>,
    /// A usage log. Can be repeated
    #[arg(long, value_name = "FILE")]
    usage: Vec<PathBuf>,
    /// Also report lint findings that the other version has
    #[arg(long)]
    all_lint: bool,
    /// Count breaking changes even if no known operation is affected
    #[arg(long)]
    all_changes: bool,
    #[command(flatten)]
    strictness: Strictness,
    #[command(flatten)]
    reporting: Reporting,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let graph = Graph::open(Tree::Disk, &self.graph)?;
        let mut config = ChecksConfig {
            check: graph.yaml.check.clone(),
            lint: graph.yaml.lint.clone(),
            contracts: graph.yaml.contracts.clone(),
            operations: graph.yaml.operations.clone(),
        };
        config.check.allow.extend(self.strictness.allowances(&graph.yaml.check.allow)?);
        config.check.fail_on = self.strictness.fail_on().unwrap_or(config.check.fail_on);
        config.check.new_lint_only &= !self.all_lint;
        config.check.ignore_unused &= !self.all_changes;
        let folder = self.graph.parent().unwrap_or(Path::new(""));
        let known = find(folder, &config.operations, &self.operations, &self.usage);
        let (operations, mut problems) = (known.operations, known.problems);
        // The two versions are independent until they are compared.
        let (head, base) = std::thread::scope(|scope| {
            let base = scope.spawn(|| self.against.as_deref().map(|name| base(&graph, name)));
            (graph.compose(Side::New), base.join())
        });
        let base = base.map_err(|_| {
            Failure::Other("the other version can't be read because of a bug in braid; please report it".to_owned())
        })?;
        let (head, more) = head;
        problems.extend(more);
        let base = match base {
            Some(Ok((base, more))) => {
                problems.extend(more);
                Some(base)
            }
            Some(Err(Unusable::Usage(message))) => return Err(Failure::Usage(message)),
            Some(Err(Unusable::Input(problem))) => {
                problems.push(problem);
                None
            }
            None => None,
        };
        let plans = plan_changes(&operations, base.as_ref(), &head);
        let today = Some(chrono::Utc::now().format("%Y-%m-%d").to_string());
        let unread_operations = known.unread;
        let report = check(CheckInput { base, head, operations, plans, config, today, problems, unread_operations });
        self.reporting.finish(&report)
    }
}

/// The version to compare with.
fn base(graph: &Graph, name: &str) -> Result<(Version, Vec<Problem>), Unusable> {
    let path = Path::new(name);
    let reference = name.strip_prefix("git:");
    if reference.is_none() && path.is_dir() {
        let file = path.join(graph.path.file_name().unwrap_or_default());
        return Graph::open(Tree::Disk, &file).map(|graph| graph.compose(Side::Old));
    }
    if reference.is_none() && path.is_file() {
        return match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Graph::open(Tree::Disk, path).map(|graph| graph.compose(Side::Old)),
            _ => read_supergraph(&Tree::Disk, path).map(|version| (version, Vec::new())).map_err(Unusable::Input),
        };
    }
    let folder = graph.path.parent().unwrap_or(Path::new(""));
    let tree = Tree::commit(folder, reference.unwrap_or(name)).map_err(Unusable::Input)?;
    // Mistakes in a commit can only be fixed by a later one, which must be able to pass.
    let version = match Graph::open(tree, &graph.path) {
        Ok(graph) => graph.compose(Side::Old),
        Err(Unusable::Usage(message)) => {
            let version = Version { label: name.to_owned(), ..Version::default() };
            (version, vec![Problem::new("INVALID_SUPERGRAPH_YAML", message)])
        }
        Err(input) => return Err(input),
    };
    Ok(as_not_composing(version))
}

/// Treats a commit with missing or invalid schemas as one that does not compose. Live subgraphs remain a problem: another command
/// line could supply their schemas.
fn as_not_composing((mut version, problems): (Version, Vec<Problem>)) -> (Version, Vec<Problem>) {
    if problems.is_empty() || problems.iter().any(|problem| problem.code == LIVE_SUBGRAPH) {
        return (version, problems);
    }
    let errors = problems.into_iter().map(|problem| Diagnostic {
        code: problem.code,
        message: problem.message,
        coordinate: None,
        locations: Vec::new(),
        help: None,
    });
    version.composition = Some(Composition { ok: false, errors: errors.collect(), hints: Vec::new() });
    (version, Vec::new())
}
