//! `braid operations`: extracting, comparing and publishing lists of persisted operations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use braid_persisted_operations::QueryHash;
use serde_json::{Value, json};
use support::{Subgraph, http};

/// Runs `braid operations …` in a folder. Returns the exit code, the output, and the messages.
fn braid(folder: &Path, line: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_braid")).arg("operations").args(line).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(folder: &Path, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

const PAGE: &str = r#"<template><p>don't</p></template>
<script setup lang="ts">
import { gql } from 'urql'
const ME = gql`
  # who is it?
  query Me($first: Int = 3) { me { ...UserFields, orders(first: $first) { id } } }
  ${UserFields}
`
</script>
"#;

#[test]
fn operations_are_extracted_with_their_fragments() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "src/page.vue", PAGE);
    write(
        folder,
        "src/deep/parts.ts",
        "export const UserFields = gql`fragment UserFields on User { ... on User { name } }`",
    );
    write(folder, "src/rename.graphql", "mutation Rename { rename { id __typename } }");
    write(folder, "src/schema.graphql", "type Query { me: User }");
    write(folder, "src/package.json", "{ \"name\": \"shop\" }");
    write(folder, "src/node_modules/a/index.js", "gql`query Theirs { a }`");
    let (code, out, errors) = braid(folder, &["extract", "src", "--typename"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let manifest: Value = serde_json::from_str(&out).unwrap();
    let me = "query Me($first: Int = 3) {\n  me {\n    ...UserFields\n    orders(first: $first) {\n      id\n      __typename\n    }\n    __typename\n  }\n}\n\nfragment UserFields on User {\n  ... on User {\n    name\n    __typename\n  }\n  __typename\n}";
    let rename = "mutation Rename {\n  rename {\n    id\n    __typename\n  }\n}";
    let expected = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            { "id": QueryHash::of(me).hex(), "name": "Me", "type": "query", "body": me },
            { "id": QueryHash::of(rename).hex(), "name": "Rename", "type": "mutation", "body": rename },
        ],
    });
    assert_eq!(manifest, expected);

    let (code, ..) = braid(folder, &["extract", "src", "--format", "map", "--out", "map.json"]);
    assert_eq!(code, 0);
    let map = read(folder, "map.json");
    let texts: Vec<_> = map.as_object().unwrap().values().map(|text| text.as_str().unwrap()).collect();
    assert!(texts.len() == 2 && texts.iter().any(|text| !text.contains("__typename")), "{texts:?}");
}

#[test]
fn what_can_not_be_extracted_is_named() {
    for (code, expected) in [
        ("gql`query A { a { ...Missing } }`", "src/a.ts:1: no file has the fragments \"Missing\""),
        ("\n\ngql`query A { ${fields} }`", "src/a.ts:3"),
        ("gql`{ a }`", "the operation has no name"),
        ("gql`query A { a`", "src/a.ts:1"),
        ("gql`query A { a }`; gql`query A { b }`", "several operations are named \"A\""),
        (
            "gql`query A { ...F }`; gql`fragment F on T { a }`; gql`fragment F on T { b }`",
            "several files have other fragments named \"F\"",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "src/a.ts", code);
        write(folder.path(), "src/fine.graphql", "query Fine { a }");
        let (exit, out, errors) = braid(folder.path(), &["extract", "src", "--out", "list.json"]);
        assert_eq!((exit, out.as_str()), (2, ""), "{code}: {errors}");
        assert!(errors.contains(expected), "{code}: {errors}");
        assert!(!folder.path().join("list.json").exists());
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(braid(folder.path(), &["extract", "none"]).0, 2);
}

#[test]
fn manifests_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "old.json", &json!({ "1": "query A { a b }", "2": "{ b }" }).to_string());
    write(folder, "same.json", &json!({ "2": "{ b }", "1": "query A {\n  a\n  b\n}" }).to_string());
    write(folder, "more.json", &json!({ "1": "query A { a b }", "3": "{ c }" }).to_string());
    write(folder, "changed.json", &json!({ "1": "query A { a }", "2": "{ b }" }).to_string());
    write(folder, "half.json", "{\"1\": ");
    let check = |new: &str, expected: i32, says: &str| {
        let (code, out, errors) = braid(folder, &["diff", "old.json", new]);
        assert_eq!(code, expected, "{new}: {out}{errors}");
        assert!(format!("{out}{errors}").contains(says), "{new}: {out}{errors}");
    };
    check("same.json", 0, "0 added, 0 removed, 0 changed");
    check("more.json", 1, "+ 3\n- 2\n1 added, 1 removed, 0 changed");
    check("changed.json", 2, "! 1\n");
    check("half.json", 4, "half.json: it is not JSON, or only a part of it has been written");
    check("none.json", 4, "none.json can't be read");
}

#[test]
fn publishing_to_files_and_folders_keeps_what_clients_know() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "one.json", &json!({ "1": "query A { a }" }).to_string());
    write(folder, "two.json", &json!({ "2": "query B { b }" }).to_string());
    write(folder, "bad.json", &json!({ "1": "query A { b }" }).to_string());
    for target in ["list.json", "operations/"] {
        assert_eq!(braid(folder, &["publish", "one.json", target]).1, "1 added, 0 removed, 1 in all\n");
        assert_eq!(braid(folder, &["publish", "two.json", target]).1, "1 added, 0 removed, 2 in all\n");
        assert_eq!(braid(folder, &["publish", "two.json", target]).1, "0 added, 0 removed, 2 in all\n");
        let (code, _, errors) = braid(folder, &["publish", "bad.json", target]);
        assert!(code == 2 && errors.contains("1\nthe target has other texts under these ids"), "{errors}");
    }
    assert_eq!(read(folder, "list.json")["operations"].as_array().unwrap().len(), 2);
    assert_eq!(std::fs::read_to_string(folder.join("operations/1.graphql")).unwrap(), "query A { a }");
    for target in ["list.json", "operations"] {
        assert_eq!(braid(folder, &["publish", "two.json", target, "--replace"]).1, "0 added, 1 removed, 1 in all\n");
    }
    assert_eq!(std::fs::read_dir(folder.join("operations")).unwrap().count(), 1);
    // An id that would lead out of the folder.
    write(folder, "out.json", &json!({ "../3": "query A { a }" }).to_string());
    let (code, _, errors) = braid(folder, &["publish", "out.json", "operations"]);
    assert!(code == 3 && errors.contains("can't be the name of a file"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_to_an_address_does_not_overwrite_what_came_between() {
    let stored: Arc<Mutex<Option<String>>> = Arc::default();
    let content = stored.clone();
    let server = Subgraph::raw(move |seen| {
        let head = seen.head.to_lowercase();
        let mut content = content.lock().unwrap();
        let tag = content.as_ref().map(|text| format!("\"{}\"", &QueryHash::of(text).hex()[..8]));
        let answer = match (&tag, head.starts_with("get")) {
            _ if !head.contains("authorization: bearer abc") => http("401 Unauthorized", "text/plain", b"", ""),
            (None, true) => http("404 Not Found", "text/plain", b"", ""),
            (Some(tag), true) => {
                let body = content.clone().unwrap();
                // Somebody else publishes before this client does.
                if body.contains("between") {
                    *content = Some("{}".to_owned());
                }
                http("200 OK", "application/json", body.as_bytes(), &format!("etag: {tag}\r\n"))
            }
            (None, false) if !head.contains("if-none-match: *") => {
                http("412 Precondition Failed", "text/plain", b"", "")
            }
            (Some(tag), false) if !head.contains(&format!("if-match: {tag}")) => {
                http("412 Precondition Failed", "text/plain", b"", "")
            }
            (_, false) => {
                *content = Some(seen.body);
                http("204 No Content", "text/plain", b"", "")
            }
        };
        async move { answer }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "one.json", &json!({ "1": "query A { a }" }).to_string());
    write(folder.path(), "two.json", &json!({ "2": "query Between { between }" }).to_string());
    write(folder.path(), "bad.json", &json!({ "1": "query A { b }" }).to_string());
    let url = format!("http://{}/list.json", server.address);
    let publish = |file: &str, header: &str| braid(folder.path(), &["publish", file, &url, "--header", header]);
    let header = "authorization: Bearer abc";
    assert_eq!(publish("one.json", header).1, "1 added, 0 removed, 1 in all\n");
    let (code, _, errors) = publish("bad.json", header);
    assert!(code == 2 && errors.contains("the target has other texts"), "{errors}");
    assert_eq!(publish("two.json", header).0, 0);
    let (code, _, errors) = publish("two.json", header);
    assert!(code == 1 && errors.contains("has changed meanwhile; publish again"), "{errors}");
    let (code, _, errors) = publish("one.json", "authorization: Bearer x");
    assert!(code == 1 && errors.contains("401"), "{errors}");
    assert_eq!(publish("one.json", "nonsense").0, 3);
}
