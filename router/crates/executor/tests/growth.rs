//! Work grows no faster than what is answered: twenty times the entities, groups or errors take about twenty times as long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_executor::CompiledOperation;
use braid_supergraph::Supergraph;
use bytes::Bytes;
use support::{Behaviour, Canned, compile, context, run, supergraph};

fn shop() -> Arc<Supergraph> {
    supergraph(
        &["a", "b"],
        r#"
        type Query @type(graph: A) @type(graph: B) { items: [Item] @field(graph: A) shops: [Shop!]! @field(graph: A) }
        type Shop @type(graph: A, key: "id") @type(graph: B, key: "id") @context(name: "b__shop") {
          id: ID! currency: String @field(graph: A) @field(graph: B, external: true) items: [Item] @field(graph: A)
        }
        type Item @type(graph: A, key: "id") @type(graph: B, key: "id") {
          id: ID! name: String @field(graph: B)
          price: Int @field(graph: B, contextArguments: [{ context: "b__shop", name: "in", type: "String", selection: "{ currency }" }])
        }
        "#,
    )
}

/// How long it takes to run `operation` over two answers, and the answer.
fn timed(operation: &CompiledOperation, supergraph: &Arc<Supergraph>, answers: [String; 2]) -> (Duration, String) {
    let [a, b] = answers.map(|body| Behaviour::Body(Bytes::from(body)));
    let service = Canned::new(supergraph, &[("a", a), ("b", b)]);
    let started = Instant::now();
    let response = run(operation, "{}", &service, &context());
    (started.elapsed(), String::from_utf8_lossy(&response.bytes).into_owned())
}

/// Twenty times the size may take sixty times as long, since machines are busy; four hundred times would be quadratic.
fn grows_linearly(size: usize, time: impl Fn(usize) -> Duration) {
    let fastest = |size: usize| (0..3).map(|_| time(size)).min().unwrap();
    let (small, large) = (fastest(size), fastest(20 * size));
    assert!(large < small * 60 + Duration::from_millis(200), "{size}: {small:?}, {}: {large:?}", 20 * size);
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// Half of the items are one entity; the other half come before it in the answer, so that each is looked at to find the first
/// place of that entity, about which there are as many errors as are shown.
#[test]
fn errors_of_many_equal_entities() {
    let supergraph = shop();
    let operation = compile(&supergraph, "{ items { name } }");
    grows_linearly(2_000, |size| {
        let item = |id: usize| format!("{{\"__typename\":\"Item\",\"id\":\"{id}\"}}");
        let items = list((0..size).map(item).chain((0..size).map(|_| item(size))));
        let entities = list((0..size).map(|_| "{\"name\":\"x\"}".to_owned()).chain([String::from("null")]));
        let error = format!("{{\"message\":\"no\",\"path\":[\"_entities\",{size}]}}");
        let errors = list((0..100).map(|_| error.clone()));
        let a = format!("{{\"data\":{{\"items\":{items}}}}}");
        let b = format!("{{\"data\":{{\"_entities\":{entities}}},\"errors\":{errors}}}");
        let (took, answer) = timed(&operation, &supergraph, [a, b]);
        assert!(answer.contains(&format!("\"path\":[\"items\",{size}]")), "{}", &answer[answer.len() - 300..]);
        took
    });
}

/// Each shop has its own currency, so each item travels in a list of its own; the subgraph gives them last first, and each with an
/// error.
#[test]
fn many_groups_of_context_values() {
    let supergraph = shop();
    let operation = compile(&supergraph, "{ shops { items { price } } }");
    grows_linearly(500, |size| {
        let shop = |at: usize| format!("{{\"currency\":\"C{at}\",\"items\":[{{\"id\":\"1\"}}]}}");
        let a = format!("{{\"data\":{{\"shops\":{}}}}}", list((0..size).map(shop)));
        let entities: Vec<_> = (0..size).rev().map(|at| format!("\"_e{at}\":[null]")).collect();
        let errors = list((0..size).map(|at| format!("{{\"message\":\"no\",\"path\":[\"_e{at}\",0,\"price\"]}}")));
        let b = format!("{{\"data\":{{{}}},\"errors\":{errors}}}", entities.join(","));
        let (took, answer) = timed(&operation, &supergraph, [a, b]);
        assert!(answer.contains("\"path\":[\"shops\",99,\"items\",0,\"price\"]"));
        took
    });
}

/// As above, with nothing in the answer where lists are due.
#[test]
fn many_groups_without_an_answer() {
    let supergraph = shop();
    let operation = compile(&supergraph, "{ shops { items { price } } }");
    grows_linearly(500, |size| {
        let shop = |at: usize| format!("{{\"currency\":\"C{at}\",\"items\":[{{\"id\":\"1\"}}]}}");
        let a = format!("{{\"data\":{{\"shops\":{}}}}}", list((0..size).map(shop)));
        let (took, answer) = timed(&operation, &supergraph, [a, "{\"data\":{}}".to_owned()]);
        assert!(answer.contains("SUBREQUEST_MALFORMED_RESPONSE"));
        took
    });
}
