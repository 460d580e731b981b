//! `braid diff`: what changed between two schemas of any kind.

use std::path::{Path, PathBuf};

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::Document;
use braid_schema_checks::allow;
use braid_schema_checks::check::{Version, compare_plain, compare_supergraphs};
use braid_schema_checks::location::Side;
use braid_schema_checks::problem::Problem;
use braid_schema_checks::report::Report;
use braid_schema_checks::sources::{SourceFile, Sources};
use braid_schema_checks::verdict::DOES_NOT_COMPOSE;
use clap::Args;

use super::reporting::{Reporting, Strictness};
use super::terminal::{Failure, read_file};
use super::versions::{Graph, Tree, Unusable, is_supergraph, read_supergraph};
use crate::source::paths;

/// Compare two schemas.
///
/// Each is an API schema, a supergraph, a subgraph's schema, or a supergraph.yaml: a file, `git:REF:FILE`, or `-`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The old schema
    #[arg(value_name = "OLD")]
    old: String,
    /// The new schema
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    strictness: Strictness,
    #[command(flatten)]
    reporting: Reporting,
}

impl Diff {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut problems = Vec::new();
        let old = Schemas::read(&self.old, Side::Old, &mut problems)?;
        let new = Schemas::read(&self.new, Side::New, &mut problems)?;
        let mut report = Report::new(&self.new);
        report.base = Some(self.old.clone());
        report.problems = problems;
        report.fail_on = self.strictness.fail_on().unwrap_or_default();
        let mut report = compare(report, &old, &new);
        let allowances = self.strictness.allowances(&[])?;
        let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
        report.notes.extend(allow::apply(report.changes.iter_mut(), &allowances, Some(&today)));
        report.conclude();
        self.reporting.finish(&report)
    }
}

fn compare(mut report: Report, old: &Schemas, new: &Schemas) -> Report {
    match (&old.version.supergraph, &new.version.supergraph) {
        (Some(before), Some(after)) => compare_supergraphs(report, (before, &old.sources), (after, &new.sources)),
        _ => match (old.plain(), new.plain()) {
            (Some(before), Some(after)) => compare_plain(report, (before, &old.sources), (after, &new.sources)),
            _ => {
                report.conclude();
                report
            }
        },
    }
}

/// A schema that was read.
struct Schemas {
    version: Version,
    plain: Option<Schema>,
    sources: Sources,
}

impl Schemas {
    fn read(name: &str, side: Side, problems: &mut Vec<Problem>) -> Result<Self, Failure> {
        let (tree, path) = location(name).map_err(Unusable::Input)?;
        if matches!(path.extension().and_then(|extension| extension.to_str()), Some("yaml" | "yml")) {
            let (version, more) = Graph::open(tree, &path)?.compose(side);
            problems.extend(more);
            return Ok(Self::of(version, None, side, problems));
        }
        let text = match name {
            "-" => read_file(Path::new("-"))?,
            _ => tree.read(&path).map_err(Unusable::Input)?,
        };
        if is_supergraph(&text) {
            let version = read_supergraph(&tree, &path).map_err(Unusable::Input)?;
            return Ok(Self::of(version, None, side, problems));
        }
        let file = paths::name(&path);
        let schema = plain(&text, &file, problems);
        let files = vec![SourceFile { subgraph: None, file: file.clone(), text }];
        Ok(Self::of(Version { label: file, files, ..Version::default() }, Some(schema), side, problems))
    }

    fn of(mut version: Version, plain: Option<Schema>, side: Side, problems: &mut Vec<Problem>) -> Self {
        let (sources, syntax) = Sources::read(side, std::mem::take(&mut version.files));
        if plain.is_some() {
            problems.extend(syntax);
        }
        if let Some(composition) = version.composition.as_ref().filter(|composition| !composition.ok) {
            for error in &composition.errors {
                let at = error.locations.first();
                let mut problem = Problem::new(DOES_NOT_COMPOSE, format!("{} ({})", error.message, error.code));
                problem.file = at.map(|at| at.file.clone());
                (problem.line, problem.column) = (at.map(|at| at.line), at.map(|at| at.column));
                problems.push(problem);
            }
        }
        Self { version, plain, sources }
    }

    /// The schema that clients see, for a comparison with a schema without subgraphs.
    fn plain(&self) -> Option<&Schema> {
        match &self.version.supergraph {
            Some(supergraph) => Some(&supergraph.api_schema),
            None => self.plain.as_ref(),
        }
    }
}

/// `git:REF:FILE`, or a file.
fn location(name: &str) -> Result<(Tree, PathBuf), Problem> {
    let Some(rest) = name.strip_prefix("git:") else { return Ok((Tree::Disk, PathBuf::from(name))) };
    let Some((reference, file)) = rest.split_once(':') else {
        let message = format!("\"{name}\" has no file; write git:REF:FILE");
        return Err(Problem::new("GIT_REF", message));
    };
    let path = PathBuf::from(file);
    Ok((Tree::commit(Path::new(""), reference)?, path))
}

/// A schema without subgraphs, or a subgraph's schema. The latter uses directives that it does not define, so only what prevents a
/// comparison is a problem.
fn plain(text: &str, file: &str, problems: &mut Vec<Problem>) -> Schema {
    let builder = Schema::builder().adopt_orphan_extensions().ignore_builtin_redefinitions();
    match builder.parse(text, file).build() {
        Ok(schema) => schema,
        Err(failure) => {
            // The sources report syntax errors, and further errors may only follow from those.
            if Document::parse(text, file).is_ok() {
                problems.extend(failure.errors.iter().take(20).map(|error| {
                    let json = error.unstable_to_json_compat();
                    let at = json.locations.first().map_or((1, 1), |at| (at.line, at.column));
                    Problem::at("INVALID_SCHEMA", json.message, file, at)
                }));
            }
            failure.partial
        }
    }
}
