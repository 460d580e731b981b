//! Interface objects, contexts, parents that are entered again: the parts of federation that reach into the data tree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_executor::SubgraphErrorKind;
use support::{Behaviour, Canned, check, compile, context, run, supergraph};

#[test]
fn an_interface_object_gets_its_type_from_who_knows_it() {
    let supergraph = supergraph(
        &["a", "b"],
        r#"
        interface Media @type(graph: A, key: "id") @type(graph: B, key: "id", isInterfaceObject: true) { id: ID! title: String @field(graph: A) score: Int @field(graph: B) }
        type Book implements Media @type(graph: A, key: "id") @implements(graph: A, interface: "Media") { id: ID! title: String @field(graph: A) pages: Int @field(graph: A) score: Int @field }
        type Film implements Media @type(graph: A, key: "id") @implements(graph: A, interface: "Media") { id: ID! title: String @field(graph: A) score: Int @field }
        type Query @type(graph: A) @type(graph: B) { best: [Media] @field(graph: B) all: [Media] @field(graph: A) }
        "#
        .replace(" @field }", " @join__field }")
        .as_str(),
    );
    // Only what the interface object has: its runtime type is not needed.
    check(
        &supergraph,
        "{ best { id score } }",
        "{}",
        &[(
            "b",
            r#"{"query":"{best{id score}}"}"#,
            r#"{"data":{"best":[{"id":"1","score":5},{"__typename":"Media","id":"2","score":null}]}}"#,
        )],
        r#"{"data":{"best":[{"id":"1","score":5},{"id":"2","score":null}]}}"#,
    );
    // Nor is it where what depends on it is left out.
    check(
        &supergraph,
        "query($b: Boolean! = false) { best { id ... on Book { __typename @include(if: $b) pages @include(if: $b) } } }",
        "{}",
        &[("b", r#"{"query":"{best{id}}"}"#, r#"{"data":{"best":[{"id":"1"}]}}"#)],
        r#"{"data":{"best":[{"id":"1"}]}}"#,
    );
    check(
        &supergraph,
        "{ best { __typename score ... on Book { pages } title } }",
        "{}",
        &[
            (
                "b",
                r#"{"query":"{best{score id}}"}"#,
                r#"{"data":{"best":[{"score":5,"id":"1"},{"score":6,"id":"2"},{"score":7,"id":"3"}]}}"#,
            ),
            (
                "a",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on Media{__typename title ...on Book{pages}}}}","variables":{"representations":[{"__typename":"Media","id":"1"},{"__typename":"Media","id":"2"},{"__typename":"Media","id":"3"}]}}"#,
                r#"{"data":{"_entities":[{"__typename":"Book","title":"T","pages":9},{"__typename":"Film","title":"U"},null]}}"#,
            ),
        ],
        r#"{"data":{"best":[{"__typename":"Book","score":5,"pages":9,"title":"T"},{"__typename":"Film","score":6,"title":"U"},null]},"errors":[{"message":"No subgraph gave this object a type that the schema has here.","path":["best",2],"extensions":{"code":"SUBREQUEST_UNKNOWN_TYPE"}}]}"#,
    );
}

#[test]
fn entities_are_grouped_by_the_values_of_their_context() {
    let supergraph = supergraph(
        &["a", "b"],
        r#"
        type Query @type(graph: A) @type(graph: B) { shops: [Shop!]! @field(graph: A) }
        type Shop @type(graph: A, key: "id") @type(graph: B, key: "id") @context(name: "b__shop") { id: ID! currency: String @field(graph: A) @field(graph: B, external: true) items: [Item] @field(graph: A) }
        type Item @type(graph: A, key: "id") @type(graph: B, key: "id") { id: ID! price: Int @field(graph: B, contextArguments: [{ context: "b__shop", name: "in", type: "String", selection: "{ currency }" }]) }
        "#,
    );
    check(
        &supergraph,
        "{ shops { items { price } } }",
        "{}",
        &[
            (
                "a",
                r#"{"query":"{shops{items{id}currency}}"}"#,
                r#"{"data":{"shops":[{"items":[{"id":"1"},{"id":"2"}],"currency":"EUR"},{"items":[{"id":"1"},null],"currency":"USD"},{"items":[{"id":"3"}],"currency":"EUR"}]}}"#,
            ),
            (
                "b",
                r#"{"query":"query($representations_0:[_Any!]!,$contextualArgument_0_in_0:String,$representations_1:[_Any!]!,$contextualArgument_0_in_1:String){_e0:_entities(representations:$representations_0){...on Item{price(in:$contextualArgument_0_in_0)}}_e1:_entities(representations:$representations_1){...on Item{price(in:$contextualArgument_0_in_1)}}}","variables":{"representations_0":[{"__typename":"Item","id":"1"},{"__typename":"Item","id":"2"},{"__typename":"Item","id":"3"}],"contextualArgument_0_in_0":"EUR","representations_1":[{"__typename":"Item","id":"1"}],"contextualArgument_0_in_1":"USD"}}"#,
                r#"{"data":{"_e0":[{"price":1},{"price":2},{"price":3}],"_e1":[{"price":4}]}}"#,
            ),
        ],
        r#"{"data":{"shops":[{"items":[{"price":1},{"price":2}]},{"items":[{"price":4},null]},{"items":[{"price":3}]}]}}"#,
    );
}

/// The two managers have one desk, which is one object until its price, which depends on the shop, is looked up. The answer
/// that is under way then is for both.
#[test]
fn what_is_under_way_reaches_objects_that_contexts_part() {
    let supergraph = supergraph(
        &["a", "b", "c", "d", "e"],
        r#"
        type Query @type(graph: A) @type(graph: B) @type(graph: C) @type(graph: D) @type(graph: E) { shops: [Shop!]! @field(graph: A) }
        type Shop @type(graph: A, key: "id") @type(graph: D, key: "id") @context(name: "d__shop") { id: ID! currency: String @field(graph: A) @field(graph: D, external: true) manager: Person @field(graph: A) }
        type Person @type(graph: A, key: "id") @type(graph: B, key: "id") { id: ID! desk: Desk @field(graph: B) }
        type Desk @type(graph: B, key: "id") @type(graph: C, key: "id") @type(graph: D, key: "code") @type(graph: E, key: "id") { id: ID! @field(graph: B) @field(graph: C) @field(graph: E) code: Int @field(graph: D) @field(graph: E) label: String @field(graph: C) price: Int @field(graph: D, contextArguments: [{ context: "d__shop", name: "in", type: "String", selection: "{ currency }" }]) }
        "#,
    );
    let answers: [(&str, Behaviour); 5] = [
        (
            "a",
            r#"{"data":{"shops":[{"manager":{"id":"1"},"currency":"EUR"},{"manager":{"id":"1"},"currency":"USD"}]}}"#
                .into(),
        ),
        ("b", r#"{"data":{"_entities":[{"desk":{"id":"7"}}]}}"#.into()),
        ("c", Behaviour::Late(r#"{"data":{"_entities":[{"label":"L"}]}}"#.into())),
        ("e", r#"{"data":{"_entities":[{"code":7}]}}"#.into()),
        ("d", r#"{"data":{"_e0":[{"price":1}],"_e1":[{"price":2}]}}"#.into()),
    ];
    let service = Canned::new(&supergraph, &answers);
    let operation = compile(&supergraph, "{ shops { manager { desk { label price } } } }");
    let response = run(&operation, "{}", &service, &context());
    pretty_assertions::assert_eq!(
        String::from_utf8_lossy(&response.bytes),
        r#"{"data":{"shops":[{"manager":{"desk":{"label":"L","price":1}}},{"manager":{"desk":{"label":"L","price":2}}}]}}"#
    );
}

/// A price in an unknown currency is no price: an item is not looked up when the value of its shop's context did not come. Null is a value.
#[test]
fn objects_whose_context_did_not_come_are_not_looked_up() {
    let supergraph = supergraph(
        &["a", "b", "c"],
        r#"
        type Query @type(graph: A) @type(graph: B) @type(graph: C) { shops: [Shop!]! @field(graph: A) }
        type Shop @type(graph: A, key: "id") @type(graph: B, key: "id") @type(graph: C, key: "id") @context(name: "b__shop") { id: ID! currency: String @field(graph: C) @field(graph: B, external: true) items: [Item] @field(graph: A) }
        type Item @type(graph: A, key: "id") @type(graph: B, key: "id") { id: ID! price: Int @field(graph: B, contextArguments: [{ context: "b__shop", name: "in", type: "String", selection: "{ currency }" }]) }
        "#,
    );
    let shops = r#"{"data":{"shops":[{"id":"1","items":[{"id":"1"}]},{"id":"2","items":[{"id":"2"}]},{"id":"3","items":[{"id":"3"}]}]}}"#;
    let run_with = |answers: &[(&str, Behaviour)]| {
        let service = Canned::new(&supergraph, answers);
        let response = run(&compile(&supergraph, "{ shops { items { price } } }"), "{}", &service, &context());
        let requests = service.requests.into_inner().unwrap();
        (String::from_utf8_lossy(&response.bytes).into_owned(), requests)
    };
    let (answer, requests) = run_with(&[
        ("a", shops.into()),
        ("c", r#"{"data":{"_entities":[{"currency":"EUR"},{},{"currency":null}]}}"#.into()),
        ("b", r#"{"data":{"_e0":[{"price":1}],"_e1":[{"price":3}]}}"#.into()),
    ]);
    assert_eq!(
        answer,
        r#"{"data":{"shops":[{"items":[{"price":1}]},{"items":[{"price":null}]},{"items":[{"price":3}]}]}}"#
    );
    let asked = &requests[2].1;
    assert!(asked.ends_with(r#""variables":{"representations_0":[{"__typename":"Item","id":"1"}],"contextualArgument_0_in_0":"EUR","representations_1":[{"__typename":"Item","id":"3"}],"contextualArgument_0_in_1":null}}"#), "{asked}");
    let (answer, requests) = run_with(&[("a", shops.into()), ("c", Behaviour::Fails(SubgraphErrorKind::Transport))]);
    assert_eq!(requests.len(), 2);
    assert_eq!(
        answer,
        r#"{"data":{"shops":[{"items":[{"price":null}]},{"items":[{"price":null}]},{"items":[{"price":null}]}]},"errors":[{"message":"A request to a subgraph failed.","path":["shops"],"extensions":{"code":"SUBREQUEST_HTTP_ERROR"}}]}"#
    );
}
