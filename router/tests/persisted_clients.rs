//! Clients of the field that persist their operations (`npm ci` in `tests/persisted-clients`), against routers: Apollo Client's link with
//! hashes and with a manifest, urql's exchange, and Relay with what its compiler persists. The manifest is made of the client's sources by
//! `braid operations extract`.
//!
//! With `PERSISTED_CLIENTS=required`, the test fails when they are not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::path::PathBuf;
use std::process::Command;

use braid_persisted_operations::config::{Mode, SourceConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{ORDERS, Subgraph, TestRouter, supergraph};

#[derive(Deserialize)]
struct Compiled {
    folder: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Ran {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    data: Option<Value>,
    error: Option<String>,
    sent: Vec<Sent>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    method: String,
    has_text: bool,
}

/// What a client sent for an operation: `post`, `GET+text`.
fn sent(step: &Step) -> String {
    let one = |sent: &Sent| format!("{}{}", sent.method, if sent.has_text { "+text" } else { "" });
    step.sent.iter().map(one).collect::<Vec<_>>().join(" ")
}

async fn users() -> Subgraph {
    Subgraph::json(|seen| {
        let name = if seen.body.contains("rename") { "rename" } else { "me" };
        format!(r#"{{"data":{{"{name}":{{"__typename":"User","id":"1","name":"Ada"}}}}}}"#)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_field_are_answered() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/persisted-clients");
    let Some(compiled) = node::ask::<Compiled>(&folder, "PERSISTED_CLIENTS", "relay.mjs", &json!(null)) else { return };
    let list = compiled.folder.join("operations.json");
    let extract = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["operations", "extract", "--typename", "--out"])
        .args([&list, &folder.join("src")])
        .output()
        .unwrap();
    assert!(extract.status.success(), "{}", String::from_utf8_lossy(&extract.stderr));
    let manifest: Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();

    let (users, orders) = (users().await, Subgraph::json(|_| ORDERS.to_owned()).await);
    let sdl = supergraph(&users.url(), &orders.url());
    let automatic = TestRouter::start(sdl.clone(), |_| {}).await;
    let by_get = TestRouter::start(sdl.clone(), |_| {}).await;
    let off = TestRouter::start(sdl.clone(), |config| config.persisted_operations.automatic.enabled = false).await;
    let ids_only = TestRouter::start(sdl, |config| {
        config.persisted_operations.mode = Mode::IdsOnly;
        let persisted = compiled.folder.join("persisted.json");
        config.persisted_operations.sources = vec![SourceConfig::File(list), SourceConfig::File(persisted)];
    })
    .await;
    let url = |router: &TestRouter| format!("http://{}/graphql", router.address);
    let question = json!({
        "automatic": url(&automatic), "byGet": url(&by_get), "off": url(&off), "idsOnly": url(&ids_only),
        "manifest": manifest, "relayFolder": compiled.folder,
    });
    let ran = tokio::task::spawn_blocking(move || {
        node::ask::<Vec<Ran>>(&folder, "PERSISTED_CLIENTS", "clients.mjs", &question).unwrap()
    });
    let ran = ran.await.unwrap();
    std::fs::remove_dir_all(&compiled.folder).unwrap();

    let expected = [
        ("Apollo Client, hashes by POST", &["POST POST+text", "POST", "POST POST+text", "POST POST+text"][..], 0),
        ("Apollo Client, hashes by GET", &["GET POST+text", "GET", "POST POST+text", "GET POST+text"], 0),
        ("Apollo Client, hashes that are not supported", &["POST POST+text", "POST+text", "POST+text", "POST+text"], 0),
        ("Apollo Client, ids of a manifest", &["POST", "POST"], 0),
        // The text of the mutation, which has no fragments, is in the manifest byte for byte: so is its hash.
        ("Apollo Client, hashes where ids are required", &["POST"; 4], 3),
        ("urql, hashes by POST", &["POST POST+text", "POST", "POST POST+text", "POST POST+text"], 0),
        ("urql, hashes by GET", &["GET GET+text", "GET", "POST POST+text", "GET GET+text"], 0),
        ("urql, hashes that are not supported", &["GET GET+text", "POST+text", "POST+text", "POST+text"], 0),
        ("urql, ids of a manifest", &["GET", "GET", "POST", "POST+text"], 1),
        ("Relay, doc_id", &["POST", "POST"], 0),
        ("Relay, documentId", &["POST", "POST"], 0),
    ];
    assert_eq!(ran.len(), expected.len());
    for (ran, (name, requests, refused)) in ran.iter().zip(expected) {
        assert_eq!(ran.name, name);
        assert_eq!(ran.steps.iter().map(sent).collect::<Vec<_>>(), requests, "{name}: {ran:?}");
        for Step { data, error, .. } in &ran.steps {
            let data = data.clone().unwrap_or_default();
            let user = if data["rename"].is_null() { &data["me"] } else { &data["rename"] };
            assert!(error.is_some() || user["id"] == "1", "{name}: {ran:?}");
        }
        let errors: Vec<_> = ran.steps.iter().filter_map(|step| step.error.as_deref()).collect();
        assert_eq!(errors.len(), refused, "{name}: {ran:?}");
        let not_listed = ["PERSISTED_QUERY_NOT_IN_LIST", "PERSISTED_QUERY_ID_REQUIRED"];
        assert!(errors.iter().all(|error| not_listed.contains(error)), "{name}: {errors:?}");
    }
}
