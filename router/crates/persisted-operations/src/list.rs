//! The operations that are in use: by id, and by what their texts mean. Never changed; another manifest is another list.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet, RandomState};
use quick_cache::sync::Cache;

use crate::hash::QueryHash;
use crate::manifest::ManifestEntry;
use crate::normalize::normalize;

/// A list of operations.
#[derive(Debug)]
pub struct OperationList {
    number: u64,
    by_id: AHashMap<Box<str>, Arc<ListedOperation>>,
    /// In the order of the manifest.
    operations: Vec<Arc<ListedOperation>>,
    /// The hashes of the normalized texts.
    texts: AHashSet<QueryHash>,
    /// Fingerprints of texts that were looked for and are not there, so that a client that goes on sending one costs no parsing.
    unlisted: Cache<u128, ()>,
    hashers: [RandomState; 2],
}

/// An operation of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedOperation {
    /// Its id.
    pub id: Box<str>,
    /// The document, as a JSON string with its quotes: as the operation cache has it.
    pub json: Box<str>,
    /// The name of its operation as a JSON string, if it has one operation and that has a name.
    pub only_operation: Option<Box<str>>,
    /// The names of its operations.
    pub operations: Box<[Option<String>]>,
}

/// How many texts that are not listed are remembered.
const MAX_UNLISTED: usize = 10_000;

impl Default for OperationList {
    fn default() -> Self {
        Self::new([])
    }
}

impl OperationList {
    /// A list of the operations of a manifest. One that does not parse is there too, for its id to lead to the parser's error.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a ManifestEntry>) -> Self {
        let (mut by_id, mut texts, mut all) = (AHashMap::new(), AHashSet::new(), Vec::new());
        for ManifestEntry { id, text, .. } in entries {
            let normalized = normalize(text);
            let operations = normalized.as_ref().map(|normalized| normalized.operations.clone()).unwrap_or_default();
            let only_operation = match &operations[..] {
                [Some(name)] => Some(format!("\"{name}\"").into()),
                _ => None,
            };
            texts.extend(normalized.map(|normalized| QueryHash::of(&normalized.text)));
            let json = serde_json::Value::String(text.clone()).to_string().into();
            let operation =
                ListedOperation { id: id.as_str().into(), json, only_operation, operations: operations.into() };
            let operation = Arc::new(operation);
            by_id.insert(bare(id).into(), operation.clone());
            all.push(operation);
        }
        let hashers = [RandomState::new(), RandomState::new()];
        Self { number: 0, by_id, operations: all, texts, unlisted: Cache::new(MAX_UNLISTED), hashers }
    }

    /// The same list with a number, which no other list of its store has.
    pub(crate) fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// A number by which lists that are in use one after the other are told apart; never 0 for these.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The operation with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ListedOperation>> {
        self.by_id.get(bare(id))
    }

    /// Whether a document is listed, however its white space, comments and definitions are arranged. It is given as a JSON string with
    /// its quotes.
    pub fn contains(&self, json: &str) -> bool {
        let [first, second] = &self.hashers;
        let fingerprint = u128::from(first.hash_one(json)) << 64 | u128::from(second.hash_one(json));
        if self.unlisted.get(&fingerprint).is_some() {
            return false;
        }
        let text: Option<String> = serde_json::from_str(json).ok();
        let normalized = text.and_then(|text| normalize(&text));
        let listed = normalized.is_some_and(|normalized| self.texts.contains(&QueryHash::of(&normalized.text)));
        if !listed {
            self.unlisted.insert(fingerprint, ());
        }
        listed
    }

    /// The operations, in the order of the manifest.
    pub fn operations(&self) -> impl Iterator<Item = &Arc<ListedOperation>> {
        self.operations.iter()
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// `sha256:…` is how GraphQL over HTTP writes a hash that others write without a prefix.
pub(crate) fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, text: &str) -> ManifestEntry {
        ManifestEntry { id: id.to_owned(), name: None, text: text.to_owned() }
    }

    fn json(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    #[test]
    fn operations_are_found_by_id() {
        let text = "query A {\n  a(x: \"é\")\n}";
        let hash = QueryHash::of(text).hex();
        let entries = [entry(&format!("sha256:{hash}"), text), entry("x-app:2", "{ a }"), entry("broken", "query {")];
        let list = OperationList::new(&entries);
        for id in [hash.clone(), format!("sha256:{hash}")] {
            let found = list.get(&id).unwrap();
            assert_eq!(serde_json::from_str::<String>(&found.json).unwrap(), text);
            assert_eq!(found.only_operation.as_deref(), Some("\"A\""));
        }
        assert_eq!(list.get("x-app:2").unwrap().only_operation, None);
        assert_eq!(&*list.get("broken").unwrap().json, "\"query {\"");
        assert_eq!((list.get("2"), list.get(""), list.len()), (None, None, 3));
    }

    #[test]
    fn texts_are_found_by_meaning() {
        let list = OperationList::new(&[entry("1", "query A { a } query B { b }"), entry("2", "query {")]);
        for _ in 0..2 {
            assert!(list.contains(&json("query B { b }\n# x\nquery A { a, }")));
            for other in ["query A { a }", "query A { a } query B { x: b }", "query {", "", "query A { a b }"] {
                assert!(!list.contains(&json(other)), "{other}");
            }
            assert!(!list.contains("\"\\ud800\""), "it is no text");
        }
        assert!(!OperationList::default().contains(&json("{ a }")));
    }

    #[test]
    fn memory_for_unlisted_texts_is_bounded() {
        let list = OperationList::new(&[entry("1", "{ a }")]);
        for number in 0..3 * MAX_UNLISTED {
            assert!(!list.contains(&format!("\"{{ b{number} }}\"")));
        }
        assert!(list.unlisted.len() <= MAX_UNLISTED + MAX_UNLISTED / 10, "{}", list.unlisted.len());
        assert!(list.contains("\"{a}\""));
    }
}
