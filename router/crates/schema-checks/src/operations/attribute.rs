//! Matches changes and operations: finds the operations that each change affects, and corrects the severity by what the
//! operations prove.

use super::judge::{Judged, OperationError};
use crate::change::{Change, ChangeKind, Severity, Usage};

/// How the known operations count.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    /// Some broken operation has no breaking change to blame, so the attribution cannot clear anything.
    complete: bool,
}

/// Fills in the usage of every change. With `unused_is_safe`, what would be breaking but is used by no known operation is
/// safe. A change that by itself looks harmless becomes breaking when an operation breaks that no other change explains.
pub fn attribute(changes: &mut [Change], judged: &mut [Judged], unused_is_safe: bool) {
    if judged.is_empty() {
        return;
    }
    break_by_fields(changes, judged);
    raise_unexplained(changes, judged);
    let evidence = Evidence { complete: judged.iter().all(|one| !one.is_broken() || is_explained(changes, one)) };
    for change in changes.iter_mut().filter(|change| change.severity > Severity::Safe) {
        let usage = usage_of(change, judged);
        change.usage = Some(usage);
        if unused_is_safe && evidence.complete {
            clear_unused(change);
        }
    }
}

fn usage_of(change: &Change, judged: &[Judged]) -> Usage {
    let mut usage = Usage::default();
    for one in judged.iter().filter(|one| one.notices(change)) {
        let broken = one.is_broken() && change.severity == Severity::Breaking;
        if broken { &mut usage.broken } else { &mut usage.affected }.push(one.operation.id.clone());
        usage.count = usage.count.saturating_add(one.operation.count);
        for client in &one.operation.clients {
            if !usage.clients.contains(client) {
                usage.clients.push(client.clone());
            }
        }
    }
    usage
}

fn clear_unused(change: &mut Change) {
    let Some(usage) = &mut change.usage else { return };
    if change.severity != Severity::Breaking || !operations_decide(change.kind) {
        return;
    }
    if usage.broken.is_empty() && usage.affected.is_empty() {
        usage.unused = true;
        change.severity = Severity::Safe;
        change.reason = format!("No known operation uses it. Otherwise breaking: {}", change.reason);
    }
}

/// Whether an operation that can break shows it in what it selects. One that lacks an authorization does not.
fn operations_decide(kind: ChangeKind) -> bool {
    !matches!(kind, ChangeKind::AuthorizationAdded | ChangeKind::AuthorizationChanged)
}

/// Of an operation whose text is not known, only the removal of something that it uses is sure to break it.
fn break_by_fields(changes: &[Change], judged: &mut [Judged]) {
    for one in judged.iter_mut().filter(|one| one.operation.text.is_none()) {
        let certain = |change: &&Change| {
            use ChangeKind::{EnumValueRemoved, FieldArgumentRemoved, FieldRemoved, InputFieldRemoved, TypeRemoved};
            matches!(
                change.kind,
                EnumValueRemoved | FieldArgumentRemoved | FieldRemoved | InputFieldRemoved | TypeRemoved
            )
        };
        let hurting = changes.iter().filter(certain).filter(|change| one.uses.contains(&change.coordinate));
        let (file, line) = (&one.operation.file, one.operation.line);
        let errors = hurting.map(|change| OperationError {
            message: format!("It uses \"{}\". {}", change.coordinate, change.message),
            file: file.clone(),
            line,
            column: 1,
        });
        one.errors_after = errors.collect();
    }
}

fn is_explained(changes: &[Change], one: &Judged) -> bool {
    changes.iter().any(|change| change.severity == Severity::Breaking && one.notices(change))
}

/// Two fields of one response name must agree on null (*SameResponseShape*), so that even a stricter type can break an
/// operation. Only the operation shows it.
fn raise_unexplained(changes: &mut [Change], judged: &[Judged]) {
    for one in judged.iter().filter(|one| one.is_broken()) {
        if is_explained(changes, one) {
            continue;
        }
        for change in changes.iter_mut().filter(|change| can_conflict(change.kind) && one.notices(change)) {
            change.severity = Severity::Breaking;
            change.reason = format!(
                "\"{}\" selects it and a field of another type under one response name, and no longer validates.",
                one.operation.id
            );
        }
    }
}

fn can_conflict(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::FieldTypeChanged)
}
