//! A client that puts an answer together from its parts, in either format, and holds each message to the specification. Knows no router.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub struct Merged {
    /// `data`, with the parts that have arrived.
    pub data: Value,
    /// All errors so far.
    pub errors: Vec<Value>,
    /// The messages that have arrived.
    pub messages: usize,
    /// The parts that were announced and have not ended, by id.
    pending: BTreeMap<String, Pending>,
    /// The labels of the parts that were delivered.
    pub labels: Vec<String>,
    /// All parts that were announced, each with its path and its label. Only one format announces them.
    pub announced: Vec<(Value, Option<String>)>,
    ids: Vec<String>,
    has_ended: bool,
}

#[derive(Debug)]
struct Pending {
    path: Vec<Value>,
    label: Option<String>,
}

impl Merged {
    /// Takes in a message of the format with `pending` and `completed`.
    pub fn pending(&mut self, message: &str) -> Result<(), String> {
        let mut message = self.open(message)?;
        let announced = list(&mut message, "pending")?;
        for mut entry in announced {
            let id = text(&mut entry, "id")?.ok_or("a part is announced without an id")?;
            if self.ids.contains(&id) {
                return Err(format!("the id {id} is used twice"));
            }
            self.ids.push(id.clone());
            let path = path(&mut entry, "path")?;
            let label = text(&mut entry, "label")?;
            nothing_else(&entry)?;
            self.announced.push((Value::Array(path.clone()), label.clone()));
            self.pending.insert(id, Pending { path, label });
        }
        for mut entry in list(&mut message, "incremental")? {
            let id = text(&mut entry, "id")?.ok_or("a part has no id")?;
            let pending = self.pending.get(&id).ok_or_else(|| format!("the part {id} is not announced"))?;
            let mut at = pending.path.clone();
            at.extend(path(&mut entry, "subPath")?);
            self.errors.extend(list(&mut entry, "errors")?.into_iter().map(Value::Object));
            entry.remove("extensions");
            let target = find(&mut self.data, &at)?;
            match (entry.remove("data"), entry.remove("items")) {
                (Some(Value::Object(data)), None) => add(target, data)?,
                (None, Some(Value::Array(items))) => append(target, items)?,
                (data, items) => return Err(format!("a part has data {data:?} and items {items:?}")),
            }
            nothing_else(&entry)?;
        }
        for mut entry in list(&mut message, "completed")? {
            let id = text(&mut entry, "id")?.ok_or("a part ends without an id")?;
            let ended = self.pending.remove(&id).ok_or_else(|| format!("the part {id} ends and was not announced"))?;
            let errors = list(&mut entry, "errors")?;
            if errors.is_empty() {
                self.labels.extend(ended.label);
            }
            self.errors.extend(errors.into_iter().map(Value::Object));
            nothing_else(&entry)?;
        }
        // What is announced must be where it can be put.
        for pending in self.pending.values() {
            find(&mut self.data, &pending.path)?;
        }
        nothing_else(&message)?;
        if self.has_ended != self.pending.is_empty() {
            return Err(format!("hasNext is {} while {} parts are pending", !self.has_ended, self.pending.len()));
        }
        Ok(())
    }

    /// Takes in a message of the format with paths and labels.
    pub fn path(&mut self, message: &str) -> Result<(), String> {
        let mut message = self.open(message)?;
        for mut entry in list(&mut message, "incremental")? {
            let mut at = path(&mut entry, "path")?;
            let label = text(&mut entry, "label")?;
            let errors = list(&mut entry, "errors")?;
            let has_errors = !errors.is_empty();
            self.errors.extend(errors.into_iter().map(Value::Object));
            entry.remove("extensions");
            match (entry.remove("data"), entry.remove("items")) {
                (Some(Value::Object(data)), None) => add(find(&mut self.data, &at)?, data)?,
                (Some(Value::Null), None) if has_errors => drop(find(&mut self.data, &at)?),
                (None, Some(Value::Null)) if has_errors => drop(find(&mut self.data, &at[..at.len() - 1])?),
                (None, Some(Value::Array(items))) => {
                    let index = at.pop().and_then(|index| index.as_u64()).ok_or("items without an index")?;
                    let target = find(&mut self.data, &at)?;
                    if target.as_array().map(Vec::len) != Some(index as usize) {
                        return Err(format!("items do not go on at {index}"));
                    }
                    append(target, items)?;
                }
                (data, items) => return Err(format!("a part has data {data:?} and items {items:?}")),
            }
            self.labels.extend(label);
            nothing_else(&entry)?;
        }
        nothing_else(&message)
    }

    /// What all messages have in common.
    fn open(&mut self, message: &str) -> Result<Map<String, Value>, String> {
        let parsed = serde_json::from_str(message).map_err(|error| format!("{error}: {message}"))?;
        let Value::Object(mut message) = parsed else { return Err(format!("not an object: {message}")) };
        if self.has_ended {
            return Err("a message follows the last".to_owned());
        }
        let has_next = message.remove("hasNext");
        self.has_ended = has_next != Some(Value::Bool(true));
        if self.messages == 0 {
            self.data = message.remove("data").ok_or("the first message has no data")?;
            self.errors.extend(list(&mut message, "errors")?.into_iter().map(Value::Object));
            message.remove("extensions");
        } else if has_next.is_none() {
            return Err("a later message does not say whether more follow".to_owned());
        }
        self.messages += 1;
        Ok(message)
    }

    /// Whether the last message has arrived.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

fn list(message: &mut Map<String, Value>, name: &str) -> Result<Vec<Map<String, Value>>, String> {
    let entries = match message.remove(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        Some(other) => return Err(format!("{name} is {other}")),
    };
    let object = |entry| match entry {
        Value::Object(entry) => Ok(entry),
        other => Err(format!("{name} has {other}")),
    };
    entries.into_iter().map(object).collect()
}

fn text(entry: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match entry.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{name} is {other}")),
    }
}

fn path(entry: &mut Map<String, Value>, name: &str) -> Result<Vec<Value>, String> {
    match entry.remove(name) {
        None if name == "subPath" => Ok(Vec::new()),
        Some(Value::Array(path)) => Ok(path),
        other => Err(format!("{name} is {other:?}")),
    }
}

fn nothing_else(entry: &Map<String, Value>) -> Result<(), String> {
    match entry.keys().next() {
        None => Ok(()),
        Some(key) => Err(format!("a message has a key {key}")),
    }
}

fn find<'v>(mut value: &'v mut Value, path: &[Value]) -> Result<&'v mut Value, String> {
    for segment in path {
        let below = match segment {
            Value::String(key) => value.get_mut(key),
            Value::Number(index) => value.get_mut(index.as_u64().unwrap_or(u64::MAX) as usize),
            _ => None,
        };
        value = below.ok_or_else(|| format!("nothing is at {path:?}"))?;
    }
    match value {
        Value::Object(_) | Value::Array(_) => Ok(value),
        other => Err(format!("{other} is at {path:?}")),
    }
}

/// Nothing is delivered twice, so there is nothing to merge.
fn add(target: &mut Value, data: Map<String, Value>) -> Result<(), String> {
    let Value::Object(target) = target else { return Err("data for a list".to_owned()) };
    for (key, value) in data {
        if target.insert(key.clone(), value).is_some() {
            return Err(format!("{key} is delivered twice"));
        }
    }
    Ok(())
}

fn append(target: &mut Value, items: Vec<Value>) -> Result<(), String> {
    let Value::Array(target) = target else { return Err("items for an object".to_owned()) };
    target.extend(items);
    Ok(())
}
