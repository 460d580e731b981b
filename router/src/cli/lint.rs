//! `braid lint`: checks schemas against the conventions that a team chose.

use std::path::{Path, PathBuf};

use braid_schema_checks::lint::{LintConfig, RULES, lint, only_new};
use braid_schema_checks::location::Side;
use braid_schema_checks::report::Report;
use braid_schema_checks::sources::{SourceFile, Sources};
use clap::Args;

use super::reporting::Reporting;
use super::terminal::{Failure, print, read_file};
use super::versions::{Graph, Tree, Unusable};
use crate::source::paths;

/// Check schemas against conventions.
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// A supergraph.yaml, or schema files
    #[arg(value_name = "FILE", required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// A YAML file with `extends` and `rules`, instead of the section `lint` of supergraph.yaml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Report only findings that are new since this git commit
    #[arg(long, value_name = "GIT REF")]
    against: Option<String>,
    /// List all rules
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    reporting: Reporting,
}

impl Lint {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.list {
            return print(&list());
        }
        let mut report = Report::new(shown(&self.files));
        let (files, section) = self.read(&Tree::Disk, &mut report)?;
        let config = match &self.config {
            Some(path) => braid_settings::from_yaml(&read_file(path)?)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
            None => section,
        };
        let (sources, problems) = Sources::read(Side::New, files);
        report.problems.extend(problems);
        let linted = lint(&sources, &config);
        report.problems.extend(linted.problems);
        report.lint = linted.findings;
        if linted.suppressed > 0 {
            report.notes.push(format!("{} findings are suppressed in the schemas, with reasons.", linted.suppressed));
        }
        if let Some(name) = &self.against {
            let folder = self.files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
            let tree = Tree::commit(folder, name).map_err(Unusable::Input)?;
            let mut ignored = Report::new(name);
            let (files, _) = self.read(&tree, &mut ignored)?;
            let before = lint(&Sources::read(Side::Old, files).0, &config).findings;
            report.base = Some(name.clone());
            report.lint = only_new(std::mem::take(&mut report.lint), &before);
        }
        report.conclude();
        self.reporting.finish(&report)
    }

    fn read(&self, tree: &Tree, report: &mut Report) -> Result<(Vec<SourceFile>, LintConfig), Failure> {
        let (mut files, mut config) = (Vec::new(), LintConfig::default());
        for path in &self.files {
            if matches!(path.extension().and_then(|extension| extension.to_str()), Some("yaml" | "yml")) {
                let graph = Graph::open(tree.clone(), path)?;
                let (subgraphs, problems) = graph.subgraphs();
                report.problems.extend(problems);
                config = graph.yaml.lint;
                files.extend(subgraphs.into_iter().map(|subgraph| SourceFile {
                    file: subgraph.file.unwrap_or_else(|| subgraph.name.clone()),
                    subgraph: Some(subgraph.name),
                    text: subgraph.sdl,
                }));
                continue;
            }
            match tree.read(path) {
                Ok(text) => files.push(SourceFile { subgraph: None, file: paths::name(path), text }),
                Err(problem) => report.problems.push(problem),
            }
        }
        Ok((files, config))
    }
}

fn shown(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
}

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let line = |rule: &braid_schema_checks::lint::Rule| {
        format!("{:<width$}  {:<8} {}\n", rule.name, rule.recommended.name(), rule.summary)
    };
    RULES.iter().map(line).collect()
}
