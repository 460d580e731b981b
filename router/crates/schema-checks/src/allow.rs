//! Lets deliberate breaks through, each with a reason. Knows nothing of files.

use crate::change::{Allowed, Change, Severity};
use crate::config::AllowEntry;

/// Marks the changes that entries name. Gives what a person should know of the entries: those that have run out, and those
/// that match nothing. `today` is YYYY-MM-DD; without it no entry runs out.
pub fn apply<'a>(
    changes: impl Iterator<Item = &'a mut Change>,
    entries: &[AllowEntry],
    today: Option<&str>,
) -> Vec<String> {
    let mut matched = vec![false; entries.len()];
    for change in changes {
        let Some(at) = entries.iter().position(|entry| entry.id == change.id) else { continue };
        matched[at] = true;
        if change.severity == Severity::Breaking && !has_run_out(&entries[at], today) {
            change.allowed = Some(Allowed { reason: entries[at].reason.clone() });
        }
    }
    let entries = entries.iter().zip(matched);
    entries.filter_map(|(entry, matched)| remark(entry, matched, today)).collect()
}

fn remark(entry: &AllowEntry, matched: bool, today: Option<&str>) -> Option<String> {
    if !matched {
        return Some(format!("The allowance for {} matches no change; it can go.", entry.id));
    }
    let until = entry.until.as_deref().filter(|_| has_run_out(entry, today))?;
    Some(format!("The allowance for {} ran out on {until}; the change counts again.", entry.id))
}

/// Dates of this form compare as texts do.
fn has_run_out(entry: &AllowEntry, today: Option<&str>) -> bool {
    matches!((entry.until.as_deref(), today), (Some(until), Some(today)) if until < today)
}
