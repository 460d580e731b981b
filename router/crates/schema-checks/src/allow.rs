//! Marks the changes that were made on purpose, each with a reason, so that they do not fail the check. Knows no files.

use crate::change::{Allowed, Change, Severity};
use crate::config::AllowEntry;

/// Marks the changes that entries name, and returns remarks about entries that have expired or match no change. `today` is
/// YYYY-MM-DD; without it no entry expires.
///
/// Dangerous changes can be allowed as breaking ones can, since `fail_on: dangerous` lets them fail the check.
pub fn apply<'a>(
    changes: impl Iterator<Item = &'a mut Change>,
    entries: &[AllowEntry],
    today: Option<&str>,
) -> Vec<String> {
    let mut matched = vec![false; entries.len()];
    for change in changes {
        let Some(at) = entries.iter().position(|entry| entry.id == change.id) else { continue };
        matched[at] = true;
        if change.severity > Severity::Safe && !has_expired(&entries[at], today) {
            change.allowed = Some(Allowed { reason: entries[at].reason.clone() });
        }
    }
    let entries = entries.iter().zip(matched);
    entries.filter_map(|(entry, matched)| remark(entry, matched, today)).collect()
}

fn remark(entry: &AllowEntry, matched: bool, today: Option<&str>) -> Option<String> {
    if !matched {
        return Some(format!("The allowance for {} matches no change and can be deleted.", entry.id));
    }
    let until = entry.until.as_deref().filter(|_| has_expired(entry, today))?;
    Some(format!("The allowance for {} expired on {until}, so the change counts again.", entry.id))
}

/// Dates in this form sort as strings do.
fn has_expired(entry: &AllowEntry, today: Option<&str>) -> bool {
    matches!((entry.until.as_deref(), today), (Some(until), Some(today)) if until < today)
}
