//! `braid check`: a graph against another version of it, from files and git alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_plan::print::stages;
use braid_query_planner::{PlannerConfig, plan};
use braid_schema_checks::check::{CheckInput, Version, check};
use braid_schema_checks::config::{ChecksConfig, OperationsEntry};
use braid_schema_checks::location::Side;
use braid_schema_checks::operations::{Format, KnownOperation, OperationFile, read};
use braid_schema_checks::plans::{PlanChange, PlanSummary, compare};
use braid_schema_checks::problem::Problem;
use braid_supergraph::Supergraph;
use clap::Args;

use super::Failure;
use super::reporting::{Reporting, Strictness};
use super::versions::{Graph, Tree, Unusable, read_supergraph};

/// Check a graph against another version of it.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The subgraphs under check
    #[arg(value_name = "supergraph.yaml")]
    graph: PathBuf,
    /// What to compare with: a git commit (main, HEAD~1, a tag), a supergraph.graphql, or a folder with another copy
    #[arg(long, value_name = "GIT REF|FILE|FOLDER")]
    against: Option<String>,
    /// Operations that clients send: documents, manifests, or a folder of them. May be given several times
    #[arg(long, value_name = "FILE|FOLDER")]
    operations: Vec<PathBuf>,
    /// A usage log. May be given several times
    #[arg(long, value_name = "FILE")]
    usage: Vec<PathBuf>,
    /// Also report lint findings that the other version has
    #[arg(long)]
    all_lint: bool,
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
        let (operations, mut problems) = self.known_operations(&config.operations);
        // The two sides have nothing to do with one another until they are compared.
        let (head, base) = std::thread::scope(|scope| {
            let base = scope.spawn(|| self.against.as_deref().map(|name| base(&graph, name)));
            (graph.compose(Side::New), base.join())
        });
        let base = base.map_err(|_| Failure::Other("reading the other version failed unexpectedly".to_owned()))?;
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
        let report = check(CheckInput { base, head, operations, plans, config, today, problems });
        self.reporting.finish(&report)
    }

    fn known_operations(&self, configured: &[OperationsEntry]) -> (Vec<KnownOperation>, Vec<Problem>) {
        let mut files = Files::default();
        let folder = self.graph.parent().unwrap_or(Path::new(""));
        for entry in configured {
            match entry {
                OperationsEntry::Path(path) => files.any(&folder.join(path)),
                OperationsEntry::Manifest { manifest, client } => {
                    files.add(&folder.join(manifest), Format::Manifest, client.clone());
                }
                OperationsEntry::Log { log } => files.add(&folder.join(log), Format::UsageLog, None),
            }
        }
        self.operations.iter().for_each(|path| files.any(path));
        self.usage.iter().for_each(|path| files.add(path, Format::UsageLog, None));
        let (operations, problems) = read(files.found);
        files.problems.extend(problems);
        (operations, files.problems)
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
    // What stands wrong in a commit cannot be mended any more: it is input, not usage.
    let graph = Graph::open(tree, &graph.path).map_err(|unusable| match unusable {
        Unusable::Usage(message) => Unusable::Input(Problem::new("UNREADABLE", format!("{name}: {message}"))),
        input => input,
    })?;
    Ok(graph.compose(Side::Old))
}

#[derive(Default)]
struct Files {
    found: Vec<OperationFile>,
    problems: Vec<Problem>,
}

impl Files {
    /// A file of a known kind, or all such files in a folder.
    fn any(&mut self, path: &Path) {
        if path.is_dir() {
            return self.folder(path, 0);
        }
        match Format::of(&path.display().to_string()) {
            Some(format) => self.add(path, format, None),
            None if path.exists() => {
                let message = "operations stand in .graphql, .gql, .json (manifest) or .jsonl (usage log) files";
                self.problems.push(Problem::in_file("UNREADABLE", message, &path.display().to_string()));
            }
            None => self.add(path, Format::Document, None),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> = match entries {
            Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
            Err(error) => {
                let message = format!("the folder can't be read: {error}");
                self.problems.push(Problem::in_file("UNREADABLE", message, &folder.display().to_string()));
                return;
            }
        };
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if hidden || path.ends_with("node_modules") {
                continue;
            }
            // Links may lead around in circles.
            if path.is_dir() && depth < 64 {
                self.folder(&path, depth + 1);
            } else if let Some(format) = Format::of(&path.display().to_string()).filter(|_| path.is_file()) {
                self.add(&path, format, None);
            }
        }
    }

    fn add(&mut self, path: &Path, format: Format, client: Option<String>) {
        match Tree::Disk.read(path) {
            Ok(text) => self.found.push(OperationFile { file: path.display().to_string(), text, format, client }),
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// How the plans of the known operations differ. What cannot be planned on both sides has nothing to compare.
fn plan_changes(operations: &[KnownOperation], base: Option<&Version>, head: &Version) -> Vec<PlanChange> {
    let supergraphs = (base.and_then(|base| base.supergraph.as_ref()), head.supergraph.as_ref());
    let (Some(old), Some(new)) = supergraphs else { return Vec::new() };
    if operations.is_empty() {
        return Vec::new();
    }
    std::thread::scope(|scope| {
        let before = scope.spawn(|| summaries(operations, old));
        let after = summaries(operations, new);
        let before = before.join().unwrap_or_default();
        let both = operations.iter().zip(before).zip(after);
        both.filter_map(|((operation, before), after)| compare(&operation.id, &before?, &after?)).collect()
    })
}

fn summaries(operations: &[KnownOperation], supergraph: &Arc<Supergraph>) -> Vec<Option<PlanSummary>> {
    let graph = QueryGraph::new(supergraph.clone());
    operations.iter().map(|operation| summary(operation.text.as_deref()?, supergraph, &graph)).collect()
}

fn summary(text: &str, supergraph: &Supergraph, graph: &QueryGraph) -> Option<PlanSummary> {
    let limits = ParseLimits { max_tokens: 1_000_000, max_recursion: 200 };
    let document = parse_operation(&supergraph.api_schema, text, limits).ok()?;
    let operation = choose_operation(&document, None).ok()?;
    let operation = normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).ok()?;
    let plan = plan(&operation, graph, &PlannerConfig::default()).ok()?;
    let mut subgraphs: Vec<String> =
        plan.fetches.iter().map(|fetch| supergraph.subgraph(fetch.subgraph).name.clone()).collect();
    subgraphs.sort();
    subgraphs.dedup();
    Some(PlanSummary {
        fetches: plan.fetches.len(),
        stages: stages(&plan).into_iter().max().unwrap_or_default(),
        subgraphs,
    })
}
