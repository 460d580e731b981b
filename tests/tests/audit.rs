//! The public federation gateway audit: each operation is planned, the plan is checked and executed with strict subgraphs. Responses
//! are compared with the published ones, and numbers of requests with the best other router's.
//!
//! `SUITE=name` runs one suite and prints the plans. The numbers below may only get better.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::Arc;

use braid_graphql::compiler::ExecutableDocument;
use braid_tests::audit::{Case, Suite};
use braid_tests::gateway::{Answer, Gateway};
use braid_tests::key_order::is_collected;
use braid_tests::merge::merge;
use serde_json::Value;

/// How many of the 199 operations pass.
const BAR: usize = 199;

#[tokio::test]
async fn the_public_audit() {
    let only = std::env::var("SUITE").ok();
    let (mut passed, mut total, mut requests, mut peer_requests) = (0, 0, 0, 0);
    let mut failures = Vec::new();
    for suite in Suite::all().iter().filter(|suite| only.as_ref().is_none_or(|only| *only == suite.name)) {
        let gateway = Gateway::new(&supergraph(suite), suite.serve()).map(Arc::new);
        for (at, case) in suite.cases.iter().enumerate() {
            total += 1;
            let answer = match &gateway {
                Ok(gateway) => run(gateway, case).await,
                Err(message) => Err(message.clone()),
            };
            if let Ok(answer) = &answer {
                requests += answer.requests.len();
                peer_requests += case.peer_requests;
                if only.is_some() {
                    println!("{}#{at}{}\n{}\n{}\n", suite.name, case.query, answer.plan, answer.data);
                }
            }
            let verdict =
                answer.and_then(|answer| judge(suite, gateway.as_ref().map_err(String::clone)?, case, &answer));
            match verdict {
                Ok(()) => passed += 1,
                Err(message) => failures.push(format!("{}#{at}: {message}", suite.name)),
            }
        }
    }
    println!("{}\n", failures.join("\n"));
    println!("{passed} of {total}; {requests} requests, the best peer makes {peer_requests}");
    assert!(only.is_some() || passed >= BAR, "{passed} of {total} is below the bar of {BAR}");
    assert!(only.is_some() || passed == BAR, "raise the bar to {passed}");
}

fn supergraph(suite: &Suite) -> String {
    // One suite has no supergraph.
    let subgraphs = suite.subgraphs.iter().map(|file| (file.name.clone(), file.sdl.clone()));
    suite.supergraph.clone().unwrap_or_else(|| merge(&subgraphs.collect::<Vec<_>>()))
}

async fn run(gateway: &Arc<Gateway>, case: &Case) -> Result<Answer, String> {
    // A panic in one operation must not hide the others.
    let (gateway, query) = (Arc::clone(gateway), case.query.clone());
    let task = tokio::spawn(async move { gateway.run(&query, &serde_json::Map::new()).await });
    task.await.map_err(|error| format!("panics: {error}"))
}

fn judge(suite: &Suite, gateway: &Gateway, case: &Case, answer: &Answer) -> Result<(), String> {
    let data: Value = serde_json::from_str(&answer.data).map_err(|error| error.to_string())?;
    let errors = || {
        answer
            .errors
            .iter()
            .map(|error| error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join("; ")
    };
    if let Some(fault) = answer.plan_faults.first() {
        return Err(format!("the plan is wrong: {fault}"));
    }
    if !same(&data, &case.expected.data) {
        return Err(format!("{data} instead of {} {}", case.expected.data, errors()));
    }
    if case.expected.errors && answer.errors.is_empty() {
        return Err("an error is expected".to_owned());
    }
    let refused = errors();
    if refused.contains(" refuses: ") {
        return Err(refused);
    }
    if !case.expected.errors
        && !case.expected.data.is_null()
        && !answer.errors.is_empty()
        && !ALLOWED_ERRORS.contains(&suite.name.as_str())
    {
        return Err(format!("errors are not expected: {refused}"));
    }
    let schema = &gateway.supergraph().api_schema;
    if let Ok(document) = ExecutableDocument::parse_and_validate(schema, case.query.as_str(), "operation.graphql")
        && !is_collected(schema, &document, &data)
    {
        return Err(format!("keys are not in the order of the operation: {data}"));
    }
    if answer.requests.len() > case.peer_requests {
        return Err(format!("{} requests, the best peer makes {}", answer.requests.len(), case.peer_requests));
    }
    Ok(())
}

/// Suites that expect no errors although an error is the reason for a null: an inaccessible enum value or type.
const ALLOWED_ERRORS: [&str; 3] = ["enum-intersection", "simple-inaccessible", "requires-with-fragments"];

/// Whether two values are equal, with numbers compared by value (`10` and `10.0`).
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}
