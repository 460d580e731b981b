//! The cases of the public federation gateway audit, read from `fixtures/audit`. Knows no gateway.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::subgraph::{RuleFile, Subgraph, read_all};

/// A folder of `fixtures/audit`: a graph and operations on it.
#[derive(Debug)]
pub struct Suite {
    /// The folder's name.
    pub name: String,
    /// Each subgraph's name, SDL and URL.
    pub subgraphs: Vec<SubgraphFile>,
    /// The composed schema; one suite has none.
    pub supergraph: Option<String>,
    /// The operations.
    pub cases: Vec<Case>,
    rules: RuleFile,
}

/// An entry of `subgraphs.json`.
#[derive(Debug, Deserialize)]
pub struct SubgraphFile {
    /// The name.
    pub name: String,
    /// The schema.
    pub sdl: String,
    /// Where the public suite serves it.
    pub url: String,
}

/// An entry of `tests.json`.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// The operation.
    pub query: String,
    /// The expected response.
    pub expected: Expected,
    /// How many subgraph requests the best other router makes.
    #[serde(skip)]
    pub peer_requests: usize,
}

/// The expected response of a [`Case`].
#[derive(Debug, Deserialize)]
pub struct Expected {
    /// The data; `None` means null.
    #[serde(default)]
    pub data: Value,
    /// Whether there must be an error. If not, errors are not compared.
    #[serde(default)]
    pub errors: bool,
}

impl Suite {
    /// All suites, by name.
    pub fn all() -> Vec<Self> {
        let counts = std::fs::read_to_string(folder().join("fetch-counts.tsv")).unwrap();
        let folders = std::fs::read_dir(folder()).unwrap().flatten().map(|entry| entry.path());
        let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.iter().map(|path| Self::read(path, &counts)).collect()
    }

    fn read(path: &Path, counts: &str) -> Self {
        let text =
            |file: &str| std::fs::read_to_string(path.join(file)).unwrap_or_else(|e| panic!("{path:?}/{file}: {e}"));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut cases: Vec<Case> = serde_json::from_str(&text("tests.json")).unwrap();
        for (at, case) in cases.iter_mut().enumerate() {
            let mut rows = counts.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let row =
                rows.find(|row| row[0] == format!("{name}#{at}")).expect("each case has a row in fetch-counts.tsv");
            case.peer_requests = row[1].parse().unwrap();
        }
        Self {
            subgraphs: serde_json::from_str(&text("subgraphs.json")).unwrap(),
            supergraph: std::fs::read_to_string(path.join("supergraph.graphql")).ok(),
            rules: RuleFile::read(&text("rules.yaml")),
            name,
            cases,
        }
    }

    /// The suite's subgraphs, in their initial state.
    pub fn serve(&self) -> Vec<Arc<Subgraph>> {
        let sdls: Vec<_> = self.subgraphs.iter().map(|file| (file.name.clone(), file.sdl.clone())).collect();
        let names: Vec<_> = self.subgraphs.iter().map(|file| file.name.as_str()).collect();
        let ownership = read_all(&sdls, &BTreeSet::new());
        let parts = self.subgraphs.iter().zip(ownership).zip(self.rules.rules(&names));
        parts
            .map(|((file, ownership), rules)| {
                Arc::new(Subgraph::new(&file.name, &file.sdl, ownership, Box::new(rules)))
            })
            .collect()
    }

    /// The names of all rules, as (subgraph, `Type` or `Type.field`). Every rule must compile.
    pub fn rule_names(&self) -> Vec<(String, String)> {
        self.rules.compile()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subgraph::Request;
    use serde_json::{Map, json};

    #[test]
    fn all_suites_are_there_and_rules_are_for_what_exists() {
        let suites = Suite::all();
        assert_eq!(suites.len(), 46);
        assert_eq!(suites.iter().map(|suite| suite.cases.len()).sum::<usize>(), 199);
        for suite in &suites {
            let subgraphs = suite.serve();
            for (name, rule) in suite.rule_names() {
                let schema = subgraphs.iter().find(|subgraph| subgraph.name() == name).unwrap().schema();
                let known = match rule.split_once('.') {
                    Some((ty, field)) => schema.type_field(ty, field).is_ok(),
                    None => schema.types.contains_key(rule.as_str()),
                };
                assert!(known, "{}: {name} has no {rule}", suite.name);
            }
        }
    }

    fn check(suite: &str, subgraph: &str, query: &str, expected: Value) {
        let suite = Suite::all().into_iter().find(|found| found.name == suite).unwrap();
        let subgraph = suite.serve().into_iter().find(|found| found.name() == subgraph).unwrap();
        let response = subgraph.execute(Request { query: query.to_owned(), variables: Map::new() });
        match response.get("errors") {
            None => assert_eq!(response["data"], expected),
            Some(errors) => {
                let message = errors[0]["message"].as_str().unwrap();
                assert!(message.contains(expected.as_str().unwrap_or("no error")), "{message}");
            }
        }
    }

    #[test]
    fn subgraphs_answer_what_they_own() {
        check(
            "simple-entity-call",
            "email",
            "{ user { id email } }",
            json!({"user": {"id": "1", "email": "user1@gmail.com"}}),
        );
        check(
            "simple-entity-call",
            "nickname",
            r#"{ _entities(representations: [{__typename: "User", email: "user2@gmail.com"}]) { ... on User { nickname } } }"#,
            json!({"_entities": [{"nickname": "user2"}]}),
        );
        check(
            "fed1-external-extends",
            "a",
            "{ providedRandomUser { name } }",
            json!({"providedRandomUser": {"name": "u1-name"}}),
        );
        check(
            "requires-requires",
            "c",
            r#"{ _entities(representations: [{__typename: "Product", id: "p1", price: 600}]) { ... on Product { isExpensive } } }"#,
            json!({"_entities": [{"isExpensive": true}]}),
        );
    }

    #[test]
    fn subgraphs_refuse_what_they_do_not_own() {
        check("fed1-external-extends", "a", "{ randomUser { name } }", json!("User.name is not resolved here"));
        check("simple-override", "a", "{ aFeed { createdAt } }", json!("Post.createdAt is not resolved here"));
        check(
            "corrupted-supergraph-node-id",
            "a",
            r#"{ node(id: "a1") { id } }"#,
            json!("Chat.id is not resolved here"),
        );
        let entities = |representation: &str, selection: &str| {
            format!("{{ _entities(representations: [{representation}]) {{ {selection} }} }}")
        };
        check(
            "requires-requires",
            "c",
            &entities(r#"{__typename: "Product", id: "p1"}"#, "... on Product { isExpensive }"),
            json!("Product.price is missing"),
        );
        check(
            "null-keys",
            "c",
            &entities(r#"{__typename: "Book", id: null}"#, "... on Book { author { id } }"),
            json!("Book.id: is null"),
        );
        check(
            "keys-mashup",
            "b",
            &entities(r#"{__typename: "A", id: "1"}"#, "... on A { pId }"),
            json!("A.compositeId is missing"),
        );
    }
}
