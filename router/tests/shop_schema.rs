//! The check of the shop's schema as CI runs it: no change that clients can notice passes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use braid_graphql::Node;
use braid_graphql::compiler::ast::{Definition, Document, FieldDefinition};
use braid_graphql::compiler::parser::Parser;

const SUBGRAPHS: [&str; 3] = ["users.graphql", "orders.graphql", "inventory.graphql"];

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema")
}

fn parse(text: &str) -> Document {
    Parser::new().parse_ast(text, "schema.graphql").unwrap()
}

/// The fields of a root type in one definition of it.
fn root_fields(definition: &mut Definition) -> Option<(String, &mut Vec<Node<FieldDefinition>>)> {
    let (name, fields) = match definition {
        Definition::ObjectTypeDefinition(ty) => {
            let ty = ty.make_mut();
            (&ty.name, &mut ty.fields)
        }
        Definition::ObjectTypeExtension(ty) => {
            let ty = ty.make_mut();
            (&ty.name, &mut ty.fields)
        }
        _ => return None,
    };
    matches!(name.as_str(), "Query" | "Mutation" | "Subscription").then(|| (name.to_string(), fields))
}

/// The coordinates of a subgraph's root fields that clients see. Services call `@inaccessible` ones directly.
fn coordinates(text: &str) -> Vec<String> {
    let mut document = parse(text);
    let roots = document.definitions.iter_mut().filter_map(root_fields);
    let names = roots.flat_map(|(ty, fields)| {
        let seen = fields.iter().filter(|field| !field.directives.has("inaccessible"));
        seen.map(|field| format!("{ty}.{}", field.name)).collect::<Vec<_>>()
    });
    names.collect()
}

/// The subgraph without a root field, and without the root type if it has no other field.
fn without(text: &str, coordinate: &str) -> String {
    let mut document = parse(text);
    document.definitions.retain_mut(|definition| {
        let Some((ty, fields)) = root_fields(definition) else { return true };
        fields.retain(|field| format!("{ty}.{}", field.name) != coordinate);
        !fields.is_empty()
    });
    document.to_string()
}

/// A copy of the shop's schema.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in SUBGRAPHS.into_iter().chain(["supergraph.yaml"]) {
        std::fs::copy(schema().join(file), folder.path().join(file)).unwrap();
    }
    std::fs::create_dir(folder.path().join("operations")).unwrap();
    for entry in std::fs::read_dir(schema().join("operations")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join("operations").join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Checks the copy as CI checks the original, but against the original.
fn check(folder: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_braid"))
        .arg("check")
        .arg(folder.join("supergraph.yaml"))
        .arg("--against")
        .arg(schema())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn deleting_a_root_field_fails_the_check() {
    let folder = copy();
    let (code, text) = check(folder.path());
    assert_eq!(code, 0, "{text}");
    let mut deleted = 0;
    for file in SUBGRAPHS {
        let text = std::fs::read_to_string(schema().join(file)).unwrap();
        for coordinate in coordinates(&text) {
            std::fs::write(folder.path().join(file), without(&text, &coordinate)).unwrap();
            let (code, said) = check(folder.path());
            assert!(code == 1 && said.contains(&format!("FIELD_REMOVED:{coordinate}")), "{coordinate}: {code}\n{said}");
            deleted += 1;
        }
        std::fs::write(folder.path().join(file), &text).unwrap();
    }
    assert!(deleted >= 15, "{deleted} root fields were deleted");
}

#[test]
fn ci_runs_this_check() {
    let run = std::fs::read_to_string(schema().join("../.ci/run")).unwrap();
    let line = run.lines().find(|line| line.contains("braid check schema/supergraph.yaml")).unwrap();
    assert!(line.ends_with("--against HEAD~1"), "{line}: flags are in supergraph.yaml, where each user of it has them");
}
