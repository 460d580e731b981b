//! Reads the lines of usage logs. Knows no schema.

use ahash::AHashMap;
use braid_usage::record::UsageRecord;

use crate::problem::Problem;

/// An operation of a usage log, which has it once for each interval and client.
pub(crate) struct LoggedOperation {
    /// The first line that has it.
    pub(crate) line: usize,
    /// The text, or what stands for it.
    pub(crate) operation: String,
    pub(crate) has_text: bool,
    pub(crate) name: Option<String>,
    pub(crate) clients: Vec<String>,
    pub(crate) count: u64,
    pub(crate) last_seen: Option<String>,
    pub(crate) fields: Vec<String>,
}

/// The records of a log, each with its line, and the lines that are none.
pub fn read_records(file: &str, text: &str) -> (Vec<(usize, UsageRecord)>, Vec<Problem>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = index + 1;
        match serde_json::from_str(text) {
            Ok(record) => records.push((line, record)),
            Err(error) => {
                let message = format!("not a usage record: {error}");
                problems.push(Problem::at("USAGE_LOG", message, file, (line, error.column().max(1))));
            }
        }
    }
    (records, problems)
}

/// The operations of records, each once, and what says that there are others.
pub(crate) fn logged_operations(
    file: &str,
    records: Vec<(usize, UsageRecord)>,
) -> (Vec<LoggedOperation>, Vec<Problem>) {
    let mut known: AHashMap<(String, Option<String>), usize> = AHashMap::new();
    let (mut operations, mut unread): (Vec<LoggedOperation>, Vec<Problem>) = (Vec::new(), Vec::new());
    for (line, record) in records {
        if record.unrecorded > 0 {
            let message = format!(
                "the router had no room to record {} requests, so not all operations are known; raise usage.max_memory",
                record.unrecorded
            );
            unread.push(Problem::at("USAGE_LOG_INCOMPLETE", message, file, (line, 1)));
            continue;
        }
        let (has_text, client) = (record.has_text(), record.client_name());
        let at = *known.entry((record.operation.clone(), record.name.clone())).or_insert(operations.len());
        if at == operations.len() {
            let UsageRecord { operation, name, .. } = record;
            let (clients, fields) = (Vec::new(), Vec::new());
            operations.push(LoggedOperation {
                line,
                operation,
                has_text,
                name,
                clients,
                count: 0,
                last_seen: None,
                fields,
            });
        }
        let logged = &mut operations[at];
        logged.count = logged.count.saturating_add(record.count);
        // Both are RFC 3339 in UTC, where the order of the texts is the order of the times.
        logged.last_seen = logged.last_seen.take().max(record.last_seen);
        add_new(&mut logged.clients, client);
        add_new(&mut logged.fields, record.fields);
    }
    (operations, unread)
}

fn add_new(list: &mut Vec<String>, new: impl IntoIterator<Item = String>) {
    for one in new {
        if !list.contains(&one) {
            list.push(one);
        }
    }
}
