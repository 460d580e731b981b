//! Manifests: files that list operations by id, in the formats of the field. Knows no file system and no schema.
//!
//! | format | |
//! | --- | --- |
//! | Apollo | `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}]}` |
//! | map, as Relay writes it | `{"id": "text"}` |

use std::fmt;

use ahash::AHashMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::list::bare;
use crate::normalize::normalize;

/// The operations of a manifest, each id once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// In the order of the manifest.
    pub operations: Vec<ManifestEntry>,
}

/// An operation of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Its id: most often the SHA-256 of its text.
    pub id: String,
    /// The name that the manifest gives it.
    pub name: Option<String>,
    /// The document.
    pub text: String,
}

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFormat {
    /// That of Apollo.
    Apollo,
    /// A JSON object of ids and texts, as Relay writes it.
    Map,
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not JSON.
    #[error("it is not JSON, or only a part of it has been written: {0}")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON, but not a manifest.
    #[error(
        "it is not a manifest; expected {{\"format\": \"apollo-persisted-query-manifest\", \"version\": 1, \"operations\": [{{\"id\", \"name\", \"type\", \"body\"}}]}} or {{\"id\": \"text\"}}: {0}"
    )]
    NotAManifest(String),
    /// Its format is not known.
    #[error("its format is {0}; \"apollo-persisted-query-manifest\" version 1 is supported")]
    Format(String),
    /// An entry can't be used.
    #[error("the operation {at}: {problem}")]
    Entry {
        /// Its id, or its place in the list.
        at: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Two texts have one id.
    #[error("the id \"{0}\" is given to two different texts")]
    Duplicate(String),
}

const APOLLO: &str = "apollo-persisted-query-manifest";
/// Ids are compared with what clients send, which is short.
const MAX_ID: usize = 512;

impl Manifest {
    /// Reads a manifest of any format.
    pub fn parse(json: &str) -> Result<Self, ManifestError> {
        let members: Members<'_> = serde_json::from_str(json).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => ManifestError::NotAManifest("it is not a JSON object".to_owned()),
            _ => ManifestError::NotJson(error),
        })?;
        let member = |name: &str| members.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
        let entries = match (member("operations"), member("format")) {
            (Some(operations), format) if operations.starts_with(['[', '{']) => {
                check_format(format, member("version"))?;
                match operations.starts_with('[') {
                    true => listed(operations)?,
                    false => mapped(serde_json::from_str(operations).map_err(ManifestError::NotJson)?)?,
                }
            }
            (None, Some(format)) if format.contains(APOLLO) => {
                return Err(ManifestError::NotAManifest("\"operations\" is missing".to_owned()));
            }
            _ => mapped(members)?,
        };
        Self::of(entries)
    }

    /// A manifest of these entries. Entries that are equal count once.
    pub fn of(entries: impl IntoIterator<Item = ManifestEntry>) -> Result<Self, ManifestError> {
        let mut operations: Vec<ManifestEntry> = Vec::new();
        let mut known: AHashMap<String, usize> = AHashMap::new();
        for entry in entries {
            check(&entry)?;
            match known.get(bare(&entry.id)) {
                Some(at) if operations[*at].text == entry.text => {}
                Some(_) => return Err(ManifestError::Duplicate(entry.id)),
                None => {
                    known.insert(bare(&entry.id).to_owned(), operations.len());
                    operations.push(entry);
                }
            }
        }
        Ok(Self { operations })
    }

    /// The manifest as text.
    pub fn write(&self, format: ManifestFormat) -> String {
        let value = match format {
            ManifestFormat::Map => {
                let entry = |entry: &ManifestEntry| (entry.id.clone(), Value::from(entry.text.clone()));
                Value::Object(self.operations.iter().map(entry).collect())
            }
            ManifestFormat::Apollo => {
                let operations: Vec<_> = self.operations.iter().map(Written::of).collect();
                serde_json::json!({ "format": APOLLO, "version": 1, "operations": operations })
            }
        };
        format!("{value:#}\n")
    }
}

fn check(entry: &ManifestEntry) -> Result<(), ManifestError> {
    let problem = match entry {
        ManifestEntry { id, .. } if id.is_empty() => "its id is empty",
        ManifestEntry { id, .. } if id.len() > MAX_ID => "its id is longer than 512 bytes",
        ManifestEntry { text, .. } if text.trim().is_empty() => "its text is empty",
        _ => return Ok(()),
    };
    let at = format!("\"{}\"", entry.id.chars().take(80).collect::<String>());
    Err(ManifestError::Entry { at, problem })
}

fn check_format(format: Option<&str>, version: Option<&str>) -> Result<(), ManifestError> {
    let Some(format) = format else { return Ok(()) };
    match (format.trim_matches('"'), version) {
        (APOLLO, None | Some("1")) => Ok(()),
        (_, None) => Err(ManifestError::Format(format.to_owned())),
        (_, Some(version)) => Err(ManifestError::Format(format!("{format}, version {version}"))),
    }
}

/// The entries of a list.
fn listed(json: &str) -> Result<Vec<ManifestEntry>, ManifestError> {
    let list: Vec<Value> = serde_json::from_str(json).map_err(ManifestError::NotJson)?;
    let entry = |(index, value): (usize, Value)| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let problem = |at: String, problem| ManifestError::Entry { at, problem };
        let id = text("id").ok_or_else(|| problem(format!("{} of the list", index + 1), "it has no \"id\""))?;
        match text("body") {
            Some(body) => Ok(ManifestEntry { id, name: text("name"), text: body }),
            None => Err(problem(format!("\"{id}\""), "it has no \"body\"")),
        }
    };
    list.into_iter().enumerate().map(entry).collect()
}

/// The entries of an object whose keys are ids.
fn mapped(members: Members<'_>) -> Result<Vec<ManifestEntry>, ManifestError> {
    let entry = |(id, value): (String, &RawValue)| match serde_json::from_str(value.get()) {
        Ok(text) => Ok(ManifestEntry { id, name: None, text }),
        Err(_) => Err(ManifestError::NotAManifest(format!("the value of \"{id}\" is not a text"))),
    };
    members.0.into_iter().map(entry).collect()
}

/// The members of a JSON object, with those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

/// An entry as Apollo writes it.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    body: &'a str,
}

impl<'a> Written<'a> {
    fn of(entry: &'a ManifestEntry) -> Self {
        let kind = normalize(&entry.text).and_then(|normalized| normalized.kind).unwrap_or("query");
        Self { id: &entry.id, name: entry.name.as_deref().unwrap_or_default(), kind, body: &entry.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[(&str, Option<&str>, &str)]) {
        let manifest = Manifest::parse(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let found: Vec<_> = manifest
            .operations
            .iter()
            .map(|entry| (entry.id.as_str(), entry.name.as_deref(), entry.text.as_str()))
            .collect();
        assert_eq!(found, expected, "{json}");
    }

    fn refused(json: &str, expected: &str) {
        let error = Manifest::parse(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }

    #[test]
    fn formats_of_the_field_are_read() {
        check(
            r#"{"format":"apollo-persisted-query-manifest","version":1,"operations":[
                {"id":"1","name":"A","type":"query","body":"query A { a }"},
                {"id":"2","body":"{ b }","clientName":"ios"}]}"#,
            &[("1", Some("A"), "query A { a }"), ("2", None, "{ b }")],
        );
        check(
            r#"{"0a1b": "query A {\n  a\n}", "x": "{ b }"}"#,
            &[("0a1b", None, "query A {\n  a\n}"), ("x", None, "{ b }")],
        );
        check(r#"{"operations":{"1":"{ a }"}}"#, &[("1", None, "{ a }")]);
        check(r#"{"operations":"{ a }"}"#, &[("operations", None, "{ a }")]);
        check("{}", &[]);
        check(r#"{"operations":[]}"#, &[]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        refused(r#"{"a": "{ a }", "b": "{ "#, "only a part of it has been written");
        refused("", "only a part of it has been written");
        refused("[]", "not a JSON object");
        refused(r#"{"a": 1}"#, "the value of \"a\" is not a text");
        refused(r#"{"operations":[{"body":"{ a }"}]}"#, "1 of the list: it has no \"id\"");
        refused(r#"{"operations":[{"id":"1"}]}"#, "\"1\": it has no \"body\"");
        refused(r#"{"operations":[{"id":"","body":"{ a }"}]}"#, "its id is empty");
        refused(r#"{"a":" "}"#, "its text is empty");
        refused(r#"{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}"#, "version 2");
        refused(r#"{"format":"other","operations":[]}"#, "\"other\"");
        refused(r#"{"format":"apollo-persisted-query-manifest","version":1}"#, "\"operations\" is missing");
        refused(&format!("{{\"{}\":\"{{ a }}\"}}", "a".repeat(513)), "longer than 512");
    }

    #[test]
    fn an_id_has_one_text() {
        check(r#"{"a":"{ a }","a":"{ a }"}"#, &[("a", None, "{ a }")]);
        refused(r#"{"a":"{ a }","a":"{ b }"}"#, "\"a\" is given to two different texts");
        refused(r#"{"aa":"{ a }","sha256:aa":"{ b }"}"#, "\"sha256:aa\"");
        refused(r#"{"operations":[{"id":"1","body":"{ a }"},{"id":"1","body":"{ b }"}]}"#, "\"1\"");
    }

    #[test]
    fn a_written_manifest_can_be_read() {
        let entry = |id: &str, name: &str, text: &str| ManifestEntry {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            text: text.to_owned(),
        };
        let entries = [entry("1", "A", "query A { a(x: \"é\\n\") }"), entry("2", "B", "mutation B { b }")];
        let manifest = Manifest::of(entries).unwrap();
        let apollo = manifest.write(ManifestFormat::Apollo);
        assert_eq!(Manifest::parse(&apollo).unwrap(), manifest);
        let value: Value = serde_json::from_str(&apollo).unwrap();
        assert_eq!(value["operations"][1]["type"], "mutation");
        let map = Manifest::parse(&manifest.write(ManifestFormat::Map)).unwrap();
        assert_eq!(map.operations[0].text, manifest.operations[0].text);
    }
}
