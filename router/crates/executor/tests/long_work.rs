//! A large answer holds up nobody else, where its work is done apart.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use braid_executor::{ExecuteContext, LongWork, execute};
use braid_graphql::names::SchemaNames;
use support::{Behaviour, Canned, compile, context, supergraph};

const TYPES: &str = "type Query @type(graph: A) { things: [Thing!] } type Thing @type(graph: A) { size: Int }";

/// How often another task of the same thread had its turn while an answer of two megabytes was read and written.
async fn turns_of_others(long_work: LongWork) -> u32 {
    let things = vec![r#"{"size":1234567}"#; 120_000].join(",");
    let body = format!(r#"{{"data":{{"things":[{things}]}}}}"#);
    let supergraph = supergraph(&["a"], TYPES);
    let operation = compile(&supergraph, "{ things { size } }");
    let service = Canned::new(&supergraph, &[("a", Behaviour::Body(body.clone().into()))]);
    let turns = Arc::new(AtomicU32::new(0));
    let counter = turns.clone();
    let other = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let variables = operation.coerce_variables(None, SchemaNames::Shown).unwrap();
    let execution = async move {
        let context = ExecuteContext { long_work, ..context() };
        tokio::task::yield_now().await;
        let before = turns.load(Ordering::Relaxed);
        let response = execute(&operation, &variables, &service, &context).await;
        (turns.load(Ordering::Relaxed) - before, response)
    };
    let (turns, response) = tokio::spawn(execution).await.unwrap();
    other.abort();
    assert_eq!(response.bytes, body);
    turns
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_have_their_turn_while_a_large_answer_is_read_and_written() {
    assert_eq!(LongWork::of_this_runtime(), LongWork::Apart);
    let (in_place, apart) =
        (turns_of_others(LongWork::InPlace).await, turns_of_others(LongWork::of_this_runtime()).await);
    assert!(in_place < 10, "{in_place}");
    assert!(apart > 100, "{apart}");
}

#[tokio::test]
async fn with_one_thread_there_is_nobody_to_hand_tasks_to() {
    assert_eq!(LongWork::of_this_runtime(), LongWork::InPlace);
    turns_of_others(LongWork::of_this_runtime()).await;
}
