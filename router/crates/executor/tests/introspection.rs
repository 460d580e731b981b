//! Introspection ends at the bounds of the answer and at the deadline, however often it is asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid_executor::{ExecuteContext, ExecuteLimits, Response};
use support::{Canned, compile, context, run, supergraph};

/// `__type` under so many aliases, with fields of types of fields nested so deep.
fn aliased(aliases: usize, depth: usize, context: &ExecuteContext<()>) -> Response<()> {
    let fields: String = (0..40).map(|at| format!("f{at}: T ")).collect();
    let types = format!("type Query @type(graph: A) {{ t: T }} type T @type(graph: A) {{ {fields} }}");
    let supergraph = supergraph(&["a"], &types);
    let deep = format!("{}name{}", "fields { type { ".repeat(depth), " } }".repeat(depth));
    let aliases: String = (0..aliases).map(|at| format!("a{at}: __type(name: \"T\") {{ {deep} }} ")).collect();
    let service = Canned::new(&supergraph, &[]);
    run(&compile(&supergraph, &format!("{{ {aliases} }}")), "{}", &service, context)
}

#[test]
fn all_of_it_shares_the_size() {
    let mut context = context();
    let whole = aliased(200, 2, &context);
    assert_eq!(whole.errors, 0);
    context.limits = ExecuteLimits { max_response: whole.bytes.len(), ..ExecuteLimits::default() };
    assert_eq!(aliased(200, 2, &context).bytes, whole.bytes);
    // Each alias by itself has room.
    context.limits = ExecuteLimits { max_response: whole.bytes.len() / 2, ..ExecuteLimits::default() };
    let answer = aliased(200, 2, &context);
    assert_eq!(answer.error_codes, ["RESPONSE_TOO_LARGE"]);
    assert!(answer.bytes.starts_with(b"{\"data\":null,"));
}

/// 40^10 types of fields: hours, were it not for the deadline.
#[test]
fn it_ends_at_the_deadline() {
    let mut context = context();
    context.limits.max_response = usize::MAX >> 1;
    let started = Instant::now();
    context.deadline = Some(started + Duration::from_millis(200));
    let answer = aliased(20, 10, &context);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(answer.timed_out);
    assert_eq!(answer.error_codes, ["GATEWAY_TIMEOUT"]);
    assert!(answer.bytes.starts_with(b"{\"data\":null,"));
}
