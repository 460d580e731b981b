//! The whole check: two versions of a graph and what is known of its clients in, a report out.

use std::sync::Arc;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_supergraph::Supergraph;

use crate::change::Change;
use crate::config::ChecksConfig;
use crate::diff::{diff, locate};
use crate::federation::{annotate, diff_supergraphs};
use crate::lint::{lint, only_new};
use crate::location::Side;
use crate::operations::{Judged, KnownOperation, OperationError, attribute, judge, report as report_operations};
use crate::plans::PlanChange;
use crate::problem::Problem;
use crate::report::{Composition, ContractReport, Report};
use crate::sources::{SourceFile, Sources};
use crate::verdict::DOES_NOT_COMPOSE;
use braid_contracts::{ContractError, ContractFilter, contract};

/// Everything that a check looks at.
#[derive(Debug, Default)]
pub struct CheckInput {
    /// The version that is being changed.
    pub base: Option<Version>,
    /// The version under check.
    pub head: Version,
    /// The operations that clients are known to send.
    pub operations: Vec<KnownOperation>,
    /// How the plans of these operations differ.
    pub plans: Vec<PlanChange>,
    /// What makes the check fail.
    pub config: ChecksConfig,
    /// The date, as YYYY-MM-DD, for allow-list entries that expire.
    pub today: Option<String>,
    /// Input that can't be used.
    pub problems: Vec<Problem>,
    /// Where clients seem to have operations that can't be read. As long as there are any, no change counts as unused.
    pub unread_operations: Vec<Problem>,
}

/// One version of a graph.
#[derive(Debug, Default)]
pub struct Version {
    /// Its name in reports.
    pub label: String,
    /// The SDL files of its subgraphs, or the one of its supergraph.
    pub files: Vec<SourceFile>,
    /// What its subgraphs compose to, when they do.
    pub supergraph: Option<Arc<Supergraph>>,
    /// The result of composing them; absent for a supergraph that was read as such.
    pub composition: Option<Composition>,
}

/// Checks a version of a graph, against another if there is one.
pub fn check(input: CheckInput) -> Report {
    let CheckInput { base, head, operations, plans, mut config, today, problems, unread_operations } = input;
    config.check.ignore_unused &= unread_operations.is_empty();
    let mut report = Report::new(&head.label);
    report.fail_on = config.check.fail_on;
    report.problems = problems;
    report.warnings = unread_operations;
    report.plans = plans;
    let (new_sources, syntax) = Sources::read(Side::New, head.files);
    // Composition reports what does not parse, in its own words.
    if head.composition.is_none() {
        report.problems.extend(syntax);
    }
    report.composition = head.composition;
    let old_sources = base.as_ref().map(|base| Sources::read(Side::Old, base.files.clone()).0);
    if let Some(base) = &base {
        report.base = Some(base.label.clone());
        report.warnings.extend(base_warning(base));
    }
    let old = base.as_ref().and_then(|base| base.supergraph.as_deref()).zip(old_sources.as_ref());
    match (old, &head.supergraph) {
        (Some((old, old_sources)), Some(new)) => {
            let sides = Sides { old, new, old_sources, new_sources: &new_sources };
            compare(&mut report, &sides, operations, &config, today.as_deref());
        }
        (None, Some(new)) => report.warnings.extend(invalid_operations(operations, new)),
        (_, None) => {}
    }
    lint_into(&mut report, old_sources.as_ref(), &new_sources, &config);
    report.conclude();
    report
}

struct Sides<'a> {
    old: &'a Supergraph,
    new: &'a Supergraph,
    old_sources: &'a Sources,
    new_sources: &'a Sources,
}

/// A base that does not compose does not fail the check: otherwise the change that fixes it could never pass.
fn base_warning(base: &Version) -> Option<Problem> {
    let composition = base.composition.as_ref().filter(|composition| !composition.ok)?;
    let errors = composition.errors.iter().take(3).map(|error| format!(" {} ({})", error.message, error.code));
    let message = format!(
        "{} does not compose, so nothing was compared and the new version was checked by itself.{}",
        base.label,
        errors.collect::<String>()
    );
    Some(Problem::new(DOES_NOT_COMPOSE, message))
}

/// Without a version to compare with, it is unknown whether an operation was valid before; so these are warnings.
fn invalid_operations(operations: Vec<KnownOperation>, graph: &Supergraph) -> Vec<Problem> {
    let judged = judge(operations, &graph.api_schema, &graph.api_schema);
    let invalid = judged.iter().filter_map(|one| Some((one, one.errors_after.first()?)));
    let warning = |(one, error): (&Judged, &OperationError)| {
        let message = format!("\"{}\" is not valid on this graph: {}", one.operation.id, error.message);
        Problem::at("INVALID_OPERATION", message, &error.file, (error.line, error.column))
    };
    invalid.map(warning).collect()
}

fn compare(
    report: &mut Report,
    sides: &Sides<'_>,
    operations: Vec<KnownOperation>,
    config: &ChecksConfig,
    today: Option<&str>,
) {
    report.changes = api_changes(&sides.old.api_schema, &sides.new.api_schema);
    report.changes.extend(diff_supergraphs(sides.old, sides.new));
    locate(&mut report.changes, sides.old_sources, sides.new_sources);
    for (name, filter) in &config.contracts {
        let contract = compare_contract(sides, filter, &operations, config, &mut report.notes, name);
        report.contracts.insert(name.clone(), contract);
    }
    if !operations.is_empty() {
        let mut judged = judge(operations, &sides.old.api_schema, &sides.new.api_schema);
        attribute(&mut report.changes, &mut judged, config.check.ignore_unused);
        report.operations = Some(report_operations(&judged, &report.changes));
    }
    let contracts = report.contracts.values_mut().flat_map(|contract| &mut contract.changes);
    let remarks = crate::allow::apply(report.changes.iter_mut().chain(contracts), &config.check.allow, today);
    report.notes.extend(remarks);
}

fn api_changes(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut changes = diff(old, new);
    annotate(&mut changes);
    changes
}

fn compare_contract(
    sides: &Sides<'_>,
    filter: &ContractFilter,
    operations: &[KnownOperation],
    config: &ChecksConfig,
    notes: &mut Vec<String>,
    name: &str,
) -> ContractReport {
    let new = match contract(&sides.new.source, filter) {
        Ok(contract) => contract,
        Err(error) => {
            return ContractReport { error: Some(contract_problem(name, &error)), ..ContractReport::default() };
        }
    };
    for tag in &new.unknown_tags {
        notes.push(format!("The contract {name} names the tag \"{tag}\", which no element has."));
    }
    // A contract that was not possible before has no clients yet.
    let Ok(old) = contract(&sides.old.source, filter) else { return ContractReport::default() };
    compare_schemas(sides, &old.api_schema, &new.api_schema, operations, config)
}

fn compare_schemas(
    sides: &Sides<'_>,
    old: &Valid<Schema>,
    new: &Valid<Schema>,
    operations: &[KnownOperation],
    config: &ChecksConfig,
) -> ContractReport {
    let mut changes = api_changes(old, new);
    locate(&mut changes, sides.old_sources, sides.new_sources);
    let mut report = ContractReport::default();
    if !changes.is_empty() && !operations.is_empty() {
        let mut judged = judge(operations.to_vec(), old, new);
        // What another contract's clients send says nothing of this one.
        judged.retain(|one| one.errors_before.is_empty());
        attribute(&mut changes, &mut judged, config.check.ignore_unused);
        report.operations = Some(report_operations(&judged, &changes));
    }
    report.changes = changes;
    report
}

fn contract_problem(name: &str, error: &ContractError) -> Problem {
    Problem::new(error.code(), format!("the contract {name}: {error}"))
}

fn lint_into(report: &mut Report, old: Option<&Sources>, new: &Sources, config: &ChecksConfig) {
    let linted = lint(new, &config.lint);
    report.problems.extend(linted.problems);
    report.lint = linted.findings;
    if let Some(old) = old.filter(|_| config.check.new_lint_only) {
        let before = lint(old, &config.lint).findings;
        report.lint = only_new(std::mem::take(&mut report.lint), &before);
    }
}

/// Compares two schemas that need not be supergraphs: `braid diff`.
pub fn compare_plain(
    mut report: Report,
    (old, old_sources): (&Schema, &Sources),
    (new, new_sources): (&Schema, &Sources),
) -> Report {
    report.changes = diff(old, new);
    locate(&mut report.changes, old_sources, new_sources);
    report.conclude();
    report
}

/// Compares two supergraphs: `braid diff`.
pub fn compare_supergraphs(
    mut report: Report,
    (old, old_sources): (&Supergraph, &Sources),
    (new, new_sources): (&Supergraph, &Sources),
) -> Report {
    report.changes = api_changes(&old.api_schema, &new.api_schema);
    report.changes.extend(diff_supergraphs(old, new));
    locate(&mut report.changes, old_sources, new_sources);
    report.conclude();
    report
}
