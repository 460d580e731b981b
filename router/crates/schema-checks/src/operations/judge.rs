//! Validates each known operation against both schemas: broken is what was valid and no longer is. Exact, not a guess from
//! what changed.

use ahash::AHashSet;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::error::GraphQLError;
use braid_graphql::incremental::with_incremental_directives;
use braid_graphql::names::SchemaNames;
use braid_graphql::parse::{ParseLimits, parse_typed};
use serde::Serialize;

use super::known::KnownOperation;
use super::uses::SchemaUse;
use crate::change::{Change, Severity};

/// A known operation and what became of it.
#[derive(Debug)]
pub struct Judged {
    /// The operation.
    pub operation: KnownOperation,
    /// What is wrong with it on the old schema; such an operation cannot be broken by the change.
    pub errors_before: Vec<OperationError>,
    /// What is wrong with it on the new schema.
    pub errors_after: Vec<OperationError>,
    /// The coordinates that it uses.
    pub(crate) uses: AHashSet<String>,
}

/// What is wrong with an operation, and where in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationError {
    /// What is wrong.
    pub message: String,
    /// The operation's file.
    pub file: String,
    /// The line there.
    pub line: usize,
    /// The column there.
    pub column: usize,
}

/// The known operations in a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperationsReport {
    /// How many are known.
    pub total: usize,
    /// Those that were valid and no longer are.
    pub broken: Vec<BrokenOperation>,
    /// Those that use something dangerous or breaking, and stay valid.
    pub affected: Vec<String>,
    /// Those that were not valid before either: of another graph, or no longer used.
    pub already_invalid: Vec<BrokenOperation>,
}

/// An operation that does not validate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenOperation {
    /// Names it.
    pub id: String,
    /// The file it was found in.
    pub file: String,
    /// The line there.
    pub line: usize,
    /// Who sends it.
    pub clients: Vec<String>,
    /// How many requests the usage log counts.
    pub count: u64,
    /// When it was last sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// What is wrong with it.
    pub errors: Vec<OperationError>,
    /// The changes that did it.
    pub changes: Vec<String>,
}

/// Far beyond what a router takes from a client: these are files of our own.
pub(crate) const LIMITS: ParseLimits =
    ParseLimits { max_tokens: 1_000_000, max_recursion: 200, names: SchemaNames::Shown };

/// Judges every operation against both schemas, as the router does: `@defer` and `@stream` are its own, and in no schema.
pub fn judge(operations: Vec<KnownOperation>, old: &Valid<Schema>, new: &Valid<Schema>) -> Vec<Judged> {
    let [old, new] = [old, new].map(|schema| with_incremental_directives(schema.clone()));
    let (old, new) = (&old, &new);
    let lookup = SchemaUse::new(old);
    operations
        .into_iter()
        .map(|operation| {
            let Some(text) = &operation.text else {
                let mut uses = uses_of_fields(&operation.fields);
                lookup.add_implementations(&mut uses);
                return Judged { operation, errors_before: Vec::new(), errors_after: Vec::new(), uses };
            };
            let (errors_before, uses) = match parse_typed(old, text, LIMITS) {
                Ok(document) => (Vec::new(), lookup.of(&document)),
                Err(errors) => (located(&operation, &errors), AHashSet::new()),
            };
            let errors_after =
                parse_typed(new, text, LIMITS).err().map(|errors| located(&operation, &errors)).unwrap_or_default();
            Judged { operation, errors_before, errors_after, uses }
        })
        .collect()
}

/// Puts together what a report says.
pub fn report(judged: &[Judged], changes: &[Change]) -> OperationsReport {
    let mut report = OperationsReport { total: judged.len(), ..OperationsReport::default() };
    for one in judged {
        if !one.errors_before.is_empty() {
            report.already_invalid.push(one.describe(&one.errors_before, Vec::new()));
        } else if one.is_broken() {
            let named =
                |change: &&Change| change.usage.as_ref().is_some_and(|usage| usage.broken.contains(&one.operation.id));
            let ids = changes.iter().filter(named).map(|change| change.id.clone()).collect();
            report.broken.push(one.describe(&one.errors_after, ids));
        } else if changes.iter().any(|change| change.severity > Severity::Safe && one.notices(change)) {
            report.affected.push(one.operation.id.clone());
        }
    }
    report
}

impl Judged {
    /// Valid before, but no longer.
    pub fn is_broken(&self) -> bool {
        self.errors_before.is_empty() && !self.errors_after.is_empty()
    }

    /// Whether it uses what a change touches.
    pub(crate) fn notices(&self, change: &Change) -> bool {
        change.touches.iter().any(|coordinate| self.uses.contains(coordinate))
    }

    fn describe(&self, errors: &[OperationError], changes: Vec<String>) -> BrokenOperation {
        let operation = &self.operation;
        BrokenOperation {
            id: operation.id.clone(),
            file: operation.file.clone(),
            line: operation.line,
            clients: operation.clients.clone(),
            count: operation.count,
            last_seen: operation.last_seen.clone(),
            errors: errors.to_vec(),
            changes,
        }
    }
}

fn located(operation: &KnownOperation, errors: &[GraphQLError]) -> Vec<OperationError> {
    let describe = |error: &GraphQLError| {
        let at = error.locations.first();
        let (file, line) = operation.origin(at.map_or(1, |at| at.line));
        OperationError {
            message: error.message.clone(),
            file: file.to_owned(),
            line,
            column: at.map_or(1, |at| at.column),
        }
    };
    errors.iter().map(describe).collect()
}

/// A logged `Type.field(argument:)` also uses `Type.field` and `Type`.
fn uses_of_fields(fields: &[String]) -> AHashSet<String> {
    let mut uses = AHashSet::new();
    for field in fields {
        let mut coordinate = Some(field.as_str());
        while let Some(at) = coordinate {
            uses.insert(at.to_owned());
            coordinate = crate::sources::parent(at);
        }
    }
    uses
}
