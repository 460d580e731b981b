//! What was sent and what came is kept with reports where that is wanted, and nowhere else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_executor::{ExecuteContext, SubgraphErrorKind};
use support::{Behaviour, Canned, compile, context, run, supergraph};

const TYPES: &str = r#"type Query @type(graph: A) { things: [Thing!] }
    type Thing @type(graph: A, key: "id") @type(graph: B, key: "id") { id: ID! @field(graph: A) @field(graph: B) size: Int @field(graph: B) }"#;
const THINGS: &str = r#"{"data":{"things":[{"__typename":"Thing","id":"1"},{"__typename":"Thing","id":"2"},{"__typename":"Thing","id":"1"}]}}"#;

#[test]
fn a_record_has_the_request_the_response_and_how_many_entities_there_are() {
    let supergraph = supergraph(&["a", "b"], TYPES);
    let operation = compile(&supergraph, "{ things { size } }");
    const SIZES: &str =
        r#"{"data":{"_entities":[{"size":1},null]},"errors":[{"message":"gone","path":["_entities",1]}]}"#;
    for record in [true, false] {
        let service = Canned::new(&supergraph, &[("a", THINGS.into()), ("b", SIZES.into())]);
        let response = run(&operation, "{}", &service, &ExecuteContext { record, ..context() });
        let records: Vec<_> = response.fetches.iter().map(|report| report.record.as_deref()).collect();
        if !record {
            assert_eq!(records, [None, None]);
            continue;
        }
        let sent = service.requests.lock().unwrap();
        for (record, (_, request)) in records.iter().zip(sent.iter()) {
            assert_eq!(record.unwrap().request, request.as_bytes());
        }
        let last = records[1].unwrap();
        assert_eq!((last.response.as_deref(), last.entities), (Some(SIZES.as_bytes()), 2), "equal entities are one");
        assert_eq!(records[0].unwrap().entities, 0);
        assert_eq!((&last.errors, &records[0].unwrap().errors), (&vec![0], &vec![]));
    }
}

#[test]
fn a_record_says_why_nothing_came() {
    let supergraph = supergraph(&["a", "b"], TYPES);
    let operation = compile(&supergraph, "{ things { size } }");
    let service =
        Canned::new(&supergraph, &[("a", THINGS.into()), ("b", Behaviour::Fails(SubgraphErrorKind::Timeout))]);
    let response = run(&operation, "{}", &service, &ExecuteContext { record: true, ..context() });
    let record = response.fetches[1].record.as_deref().unwrap();
    assert_eq!((record.response.clone(), record.failure.as_deref()), (None, Some("broken")));
    assert_eq!((response.errors, &record.errors), (1, &vec![0]));
}
