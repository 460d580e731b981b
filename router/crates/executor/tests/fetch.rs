//! What happens between subgraphs: representations, merging, order, errors and where the client sees them.

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

use braid_executor::{ExecuteLimits, SubgraphErrorKind, SubgraphErrors, execute};
use braid_graphql::names::SchemaNames;
use braid_supergraph::Supergraph;
use bytes::Bytes;
use support::{Behaviour, Canned, check, compile, context, run, supergraph};

fn shop() -> Arc<Supergraph> {
    supergraph(
        &["users", "shop", "stock"],
        r#"
        type Query @type(graph: USERS) @type(graph: SHOP) @type(graph: STOCK) {
          me: User @field(graph: USERS) users: [User] @field(graph: USERS) top: [Product] @field(graph: SHOP)
          info: Info @field(graph: USERS) @field(graph: SHOP) infos: [Info] @field(graph: USERS) @field(graph: SHOP)
        }
        type Info @type(graph: USERS) @type(graph: SHOP) { a: String @field(graph: USERS) b: String @field(graph: SHOP) both: Int }
        type User @type(graph: USERS, key: "id") @type(graph: SHOP, key: "id") {
          id: ID! name: String @field(graph: USERS) bought: [Product] @field(graph: SHOP) must: Int! @field(graph: SHOP)
        }
        type Product @type(graph: SHOP, key: "upc") @type(graph: STOCK, key: "upc") {
          upc: ID! price: Int @field(graph: SHOP) @field(graph: STOCK, external: true) name: String @field(graph: SHOP)
          left: Int @field(graph: STOCK) cost: Int @field(graph: STOCK, requires: "price") maker: Maker @field(graph: STOCK)
        }
        type Maker @type(graph: STOCK) { name: String! }
        type Mutation @type(graph: USERS) @type(graph: SHOP) { u: Int @field(graph: USERS) s: Int @field(graph: SHOP) v: Int @field(graph: USERS) }
        "#,
    )
}

#[test]
fn equal_representations_are_sent_once() {
    check(
        &shop(),
        "{ users { name bought { name left } } }",
        "{}",
        &[
            (
                "users",
                r#"{"query":"{users{name id}}"}"#,
                r#"{"data":{"users":[{"__typename":"User","id":"1","name":"A"},null,{"__typename":"User","id":"2","name":"B"},{"__typename":"User","id":"1","name":"A"}]}}"#,
            ),
            (
                "shop",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on User{bought{name upc}}}}","variables":{"representations":[{"__typename":"User","id":"1"},{"__typename":"User","id":"2"}]}}"#,
                r#"{"data":{"_entities":[{"bought":[{"__typename":"Product","upc":"x","name":"X"},{"__typename":"Product","upc":"y","name":"Y"}]},{"bought":[{"__typename":"Product","upc":"y","name":"Y2"},null]}]}}"#,
            ),
            (
                "stock",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on Product{left}}}","variables":{"representations":[{"__typename":"Product","upc":"x"},{"__typename":"Product","upc":"y"}]}}"#,
                r#"{"data":{"_entities":[{"left":1},{"left":2}]}}"#,
            ),
        ],
        r#"{"data":{"users":[{"name":"A","bought":[{"name":"X","left":1},{"name":"Y","left":2}]},null,{"name":"B","bought":[{"name":"Y2","left":2},null]},{"name":"A","bought":[{"name":"X","left":1},{"name":"Y","left":2}]}]}}"#,
    );
}

#[test]
fn what_several_objects_point_to_is_whole_at_each_of_them() {
    let supergraph = supergraph(
        &["orders", "boxes"],
        r#"
        type Query @type(graph: ORDERS) @type(graph: BOXES) { orders: [Order] @field(graph: ORDERS) }
        type Order @type(graph: ORDERS) { item: Item }
        type Item @type(graph: ORDERS, key: "id") @type(graph: BOXES, key: "id") {
          id: ID! price: Int! @field(graph: ORDERS) box: Box @field(graph: BOXES)
        }
        type Box @type(graph: BOXES) { label: String sides: [Side] }
        type Side @type(graph: BOXES) { name: String width: Int }
        "#,
    );
    // The first is cut off again after its box was written; the sides of the second box have an error, at each place its own.
    check(
        &supergraph,
        "{ orders { item { box { label sides { name width } } price } } }",
        "{}",
        &[
            (
                "orders",
                r#"{"query":"{orders{item{price id}}}"}"#,
                r#"{"data":{"orders":[{"item":{"id":"1","price":null}},{"item":{"id":"1","price":2}},{"item":{"id":"2","price":3}},{"item":{"id":"1","price":4}},{"item":{"id":"2","price":5}}]}}"#,
            ),
            (
                "boxes",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on Item{box{label sides{name width}}}}}","variables":{"representations":[{"__typename":"Item","id":"1"},{"__typename":"Item","id":"2"}]}}"#,
                r#"{"data":{"_entities":[{"box":{"label":"a box with many sides","sides":[{"name":"front","width":1},{"name":"back","width":2},{"name":"left","width":3}]}},{"box":{"label":"a box whose sides can't be measured","sides":[{"name":"front","width":"wide"}]}}]}}"#,
            ),
        ],
        r#"{"data":{"orders":[{"item":null},{"item":{"box":{"label":"a box with many sides","sides":[{"name":"front","width":1},{"name":"back","width":2},{"name":"left","width":3}]},"price":2}},{"item":{"box":{"label":"a box whose sides can't be measured","sides":[{"name":"front","width":null}]},"price":3}},{"item":{"box":{"label":"a box with many sides","sides":[{"name":"front","width":1},{"name":"back","width":2},{"name":"left","width":3}]},"price":4}},{"item":{"box":{"label":"a box whose sides can't be measured","sides":[{"name":"front","width":null}]},"price":5}}]},"errors":[{"message":"Cannot return null for non-nullable field Item.price.","path":["orders",0,"item","price"],"extensions":{"code":"NON_NULLABLE_FIELD_IS_NULL"}},{"message":"A subgraph gave a value for Side.width that is not of type Int.","path":["orders",2,"item","box","sides",0,"width"],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}},{"message":"A subgraph gave a value for Side.width that is not of type Int.","path":["orders",4,"item","box","sides",0,"width"],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}}]}"#,
    );
}

#[test]
fn roots_that_are_shared_merge_by_position() {
    check(
        &shop(),
        "{ infos { a b } info { b a } }",
        "{}",
        &[
            (
                "shop",
                r#"{"query":"{infos{b}info{b}}"}"#,
                r#"{"data":{"infos":[{"b":"1"},{"b":"2"},{"b":"3"}],"info":{"b":"4"}}}"#,
            ),
            (
                "users",
                r#"{"query":"{infos{a}info{a}}"}"#,
                r#"{"data":{"infos":[{"a":"1"},null,{"a":"3"}],"info":{"a":"4"}}}"#,
            ),
        ],
        r#"{"data":{"infos":[{"a":"1","b":"1"},{"a":null,"b":"2"},{"a":"3","b":"3"}],"info":{"b":"4","a":"4"}}}"#,
    );
}

#[test]
fn objects_that_lack_a_key_or_what_is_required_are_not_looked_up_and_nulls_are_sent() {
    check(
        &shop(),
        "{ top { cost left } }",
        "{}",
        &[
            (
                "shop",
                r#"{"query":"{top{upc price}}"}"#,
                r#"{"data":{"top":[{"__typename":"Product","upc":null,"price":1},{"__typename":"Product","price":1},{"__typename":"Product","upc":"a","price":null},{"__typename":"Product","upc":"b","price":2},{"__typename":"Product","upc":"c"}]}}"#,
            ),
            (
                "stock",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on Product{cost left}}}","variables":{"representations":[{"__typename":"Product","upc":"a","price":null},{"__typename":"Product","upc":"b","price":2}]}}"#,
                r#"{"data":{"_entities":[null,{"cost":3,"left":4}]}}"#,
            ),
        ],
        r#"{"data":{"top":[{"cost":null,"left":null},{"cost":null,"left":null},{"cost":null,"left":null},{"cost":3,"left":4},{"cost":null,"left":null}]}}"#,
    );
    // Nothing to look up: no request.
    check(
        &shop(),
        "{ top { left } }",
        "{}",
        &[("shop", r#"{"query":"{top{upc}}"}"#, r#"{"data":{"top":[]}}"#)],
        r#"{"data":{"top":[]}}"#,
    );
}

/// `sum` needs `x` and, below `v`, what another subgraph knows of `y`.
#[test]
fn what_is_required_is_sent_whole_or_not_at_all() {
    let supergraph = supergraph(
        &["a", "b", "c"],
        r#"
        type Query @type(graph: A) @type(graph: B) @type(graph: C) { all: [T] @field(graph: A) }
        type T @type(graph: A, key: "id") @type(graph: B, key: "id") @type(graph: C, key: "id") {
          id: ID! x: X @field(graph: B) @field(graph: C, external: true) v: [V] @field(graph: A) @field(graph: C, external: true)
          sum: Int @field(graph: C, requires: "x { isX } v { y { isY } }")
        }
        type X @type(graph: B) @type(graph: C) { isX: Int @field(graph: B) @field(graph: C, external: true) }
        type V @type(graph: A) @type(graph: C) { y: Y @field(graph: A) @field(graph: C, external: true) }
        type Y @type(graph: A) @type(graph: C) { isY: Int @field(graph: A) @field(graph: C, external: true) }
        "#,
    );
    let a = r#"{"data":{"all":[{"id":"1","v":[{"y":{"isY":1}}]},{"id":"2","v":[{"y":{"isY":2}},null,{"y":null}]},{"id":"3","v":[{"y":{"isY":3}},{"y":{}}]},{"id":"4","v":[{"y":{"isY":4}}]},{"id":"5","v":null}]}}"#;
    let b = r#"{"data":{"_entities":[{"x":{}},{"x":null},{"x":{"isX":3}},null,{"x":{"isX":null}}]}}"#;
    check(
        &supergraph,
        "{ all { sum } }",
        "{}",
        &[
            ("a", r#"{"query":"{all{id v{y{isY}}}}"}"#, a),
            (
                "b",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on T{x{isX}}}}","variables":{"representations":[{"__typename":"T","id":"1"},{"__typename":"T","id":"2"},{"__typename":"T","id":"3"},{"__typename":"T","id":"4"},{"__typename":"T","id":"5"}]}}"#,
                b,
            ),
            (
                "c",
                r#"{"query":"query($representations:[_Any!]!){_entities(representations:$representations){...on T{sum}}}","variables":{"representations":[{"__typename":"T","id":"2","v":[{"y":{"isY":2}},null,{"y":null}],"x":null},{"__typename":"T","id":"5","v":null,"x":{"isX":null}}]}}"#,
                r#"{"data":{"_entities":[{"sum":2},{"sum":5}]}}"#,
            ),
        ],
        r#"{"data":{"all":[{"sum":null},{"sum":2},{"sum":null},{"sum":null},{"sum":5}]}}"#,
    );
    // An error beside a null changes nothing about the null.
    let explained = r#"{"data":{"_entities":[{"x":null}]},"errors":[{"message":"no","path":["_entities",0,"x"]}]}"#;
    let service = Canned::new(
        &supergraph,
        &[
            ("a", Behaviour::from(r#"{"data":{"all":[{"id":"1","v":null}]}}"#)),
            ("b", explained.into()),
            ("c", r#"{"data":{"_entities":[{"sum":1}]}}"#.into()),
        ],
    );
    let response = run(&compile(&supergraph, "{ all { sum } }"), "{}", &service, &context());
    assert_eq!(response.errors, 1);
    assert!(service.requests.lock().unwrap()[2].1.contains(r#"[{"__typename":"T","id":"1","v":null,"x":null}]"#));
    // Its subgraph fails: nothing is sent, and the error is told once.
    let answers = [("a", Behaviour::from(a)), ("b", Behaviour::Fails(SubgraphErrorKind::Transport))];
    let service = Canned::new(&supergraph, &answers);
    let response = run(&compile(&supergraph, "{ all { sum } }"), "{}", &service, &context());
    assert_eq!(
        String::from_utf8_lossy(&response.bytes),
        r#"{"data":{"all":[{"sum":null},{"sum":null},{"sum":null},{"sum":null},{"sum":null}]},"errors":[{"message":"A request to a subgraph failed.","path":["all"],"extensions":{"code":"SUBREQUEST_HTTP_ERROR"}}]}"#
    );
}

#[test]
fn conditions_leave_out_requests() {
    let text = "query($yes: Boolean!) { top { name left @include(if: $yes) } }";
    check(
        &shop(),
        text,
        r#"{"yes":false}"#,
        &[(
            "shop",
            r#"{"query":"query($yes:Boolean!){top{name upc@include(if:$yes)}}","variables":{"yes":false}}"#,
            r#"{"data":{"top":[{"name":"X"}]}}"#,
        )],
        r#"{"data":{"top":[{"name":"X"}]}}"#,
    );
}

#[test]
fn mutations_run_one_after_another() {
    check(
        &shop(),
        "mutation { s u v again: s }",
        "{}",
        &[
            ("shop", r#"{"query":"mutation{s}"}"#, r#"{"data":{"s":1}}"#),
            ("users", r#"{"query":"mutation{u v}"}"#, r#"{"data":{"u":2,"v":3}}"#),
            ("shop", r#"{"query":"mutation{again:s}"}"#, r#"{"data":{"again":4}}"#),
        ],
        r#"{"data":{"s":1,"u":2,"v":3,"again":4}}"#,
    );
}

#[test]
fn a_request_is_sent_after_what_can_be_computed() {
    let shop = shop();
    let operation = compile(&shop, "{ top { name } }");
    let variables = operation.coerce_variables(None, SchemaNames::Shown).unwrap();
    let service = Canned::new(&shop, &[("shop", Behaviour::from(r#"{"data":{"top":null}}"#))]);
    let (context, sent) = (context(), || service.requests.lock().unwrap().len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let others = async { assert_eq!(sent(), 0) };
        tokio::join!(biased; execute(&operation, &variables, &service, &context), others);
    });
    assert_eq!(sent(), 1);
}

const USERS: &str =
    r#"{"data":{"users":[{"__typename":"User","id":"1","name":"A"},{"__typename":"User","id":"2","name":"B"}]}}"#;
const BOUGHT: &str = r#"{"data":{"_entities":[{"bought":[{"__typename":"Product","upc":"x"}]},{"bought":[{"__typename":"Product","upc":"x"},{"__typename":"Product","upc":"y"}]}]}}"#;

/// Runs `operation` over what the subgraphs do, in the order of requests, and compares the answer.
fn faults(operation: &str, answers: &[(&str, Behaviour)], shown: bool, expected: &str) {
    let supergraph = shop();
    let service = Canned::new(&supergraph, answers);
    let mut context = context();
    context.deadline = Some(Instant::now() + Duration::from_millis(100));
    if shown {
        context.subgraph_errors = SubgraphErrors::Shown;
    }
    let response = run(&compile(&supergraph, operation), "{}", &service, &context);
    pretty_assertions::assert_eq!(String::from_utf8_lossy(&response.bytes), expected, "{operation}");
}

#[test]
fn a_failed_fetch_is_one_error_and_nulls() {
    let redacted = |code: &str, path: &str| {
        format!(r#"[{{"message":"A request to a subgraph failed.",{path}"extensions":{{"code":"{code}"}}}}]"#)
    };
    let root = |answer: Behaviour, code: &str| {
        let errors = redacted(code, r#""path":["users"],"#);
        faults(
            "{ users { name } }",
            &[("users", answer)],
            false,
            &format!(r#"{{"data":{{"users":null}},"errors":{errors}}}"#),
        );
    };
    let entity = |answer: Behaviour, code: &str| {
        let errors = redacted(code, r#""path":["users"],"#);
        let answers = [("users", Behaviour::from(USERS)), ("shop", answer)];
        let expected = format!(r#"{{"data":{{"users":[null,null]}},"errors":{errors}}}"#);
        faults("{ users { name must } }", &answers, false, &expected);
    };
    let deep = [b"{\"data\":{\"x\":".as_slice(), &b"[".repeat(100_000), &b"]".repeat(100_000), b"}}"].concat();
    let cases = [
        (Behaviour::Fails(SubgraphErrorKind::Transport), "SUBREQUEST_HTTP_ERROR"),
        (Behaviour::Fails(SubgraphErrorKind::Timeout), "SUBREQUEST_TIMEOUT"),
        (Behaviour::Fails(SubgraphErrorKind::TooLarge), "SUBREQUEST_RESPONSE_TOO_LARGE"),
        (Behaviour::Status(500, Bytes::from_static(b"<html>")), "SUBREQUEST_HTTP_ERROR"),
        (Behaviour::Status(500, Bytes::from_static(b"{\"message\":\"no\"}")), "SUBREQUEST_HTTP_ERROR"),
        (Behaviour::from(""), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("<html>"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("[]"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("{}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("{\"data\":null}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("{\"data\":[]}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("{\"data\":{\"users\":[{\"name\":\"A\"}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::from("{\"data\":{}} x"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::Body(Bytes::from_static(b"{\"data\":{\"users\":\"\xff\"}}")), "SUBREQUEST_MALFORMED_RESPONSE"),
        (Behaviour::Body(deep.into()), "SUBREQUEST_RESPONSE_TOO_DEEP"),
    ];
    for (behaviour, code) in cases {
        root(behaviour.clone(), code);
        entity(behaviour, code);
    }
}

/// Users 1 and 2 are looked up in `shop`, which answers with `entities` under `data`.
fn entities_answered(answer: &str, expected_data: &str, told: &str) {
    let errors = format!(
        r#"[{{"message":"{told}","path":["users"],"extensions":{{"code":"SUBREQUEST_MALFORMED_RESPONSE","service":"shop"}}}}]"#
    );
    let answers = [("users", Behaviour::from(USERS)), ("shop", Behaviour::from(answer))];
    faults(
        "{ users { must } }",
        &answers,
        true,
        &format!(r#"{{"data":{{"users":{expected_data}}},"errors":{errors}}}"#),
    );
}

#[test]
fn what_is_no_list_of_entities_is_one_error() {
    let malformed = |answer: &str, told: &str| entities_answered(answer, "[null,null]", told);
    malformed(r#"{"data":{"_entities":{"must":1}}}"#, "\\\"_entities\\\" is not a list of entities");
    malformed(r#"{"data":{}}"#, "it gave no list of entities under \\\"_entities\\\"");
    malformed(r#"{"data":{"_entities":[]}}"#, "it gave 0 entities where 2 were asked for; the last ones are missing");
}

#[test]
fn errors_that_are_no_list_are_an_error_and_the_data_is_used() {
    let told = "\\\"errors\\\" is not a list";
    for errors in ["\"boom\"", "{\"message\":\"boom\"}", "7", "true"] {
        let with_data = format!(r#"{{"data":{{"_entities":[{{"must":1}},{{"must":2}}]}},"errors":{errors}}}"#);
        entities_answered(&with_data, r#"[{"must":1},{"must":2}]"#, told);
        entities_answered(&format!(r#"{{"errors":{errors},"data":null}}"#), "[null,null]", told);
    }
    // Null is as good as none.
    let answers = [
        ("users", Behaviour::from(USERS)),
        ("shop", Behaviour::from(r#"{"errors":null,"data":{"_entities":[{"must":1},{"must":2}]}}"#)),
    ];
    faults("{ users { must } }", &answers, true, r#"{"data":{"users":[{"must":1},{"must":2}]}}"#);
}

#[test]
fn entities_of_a_list_of_the_wrong_length_are_taken_by_position() {
    entities_answered(
        r#"{"data":{"_entities":[{"must":1}]}}"#,
        r#"[{"must":1},null]"#,
        "it gave 1 entity where 2 were asked for; the last ones are missing",
    );
    entities_answered(
        r#"{"data":{"_entities":[{"must":1},{"must":2},{"must":3}]}}"#,
        r#"[{"must":1},{"must":2}]"#,
        "it gave 3 entities where 2 were asked for; the last ones are ignored",
    );
    entities_answered(
        r#"{"data":{"_entities":[7,{"must":2}]}}"#,
        r#"[null,{"must":2}]"#,
        "item 0 of \\\"_entities\\\" is neither an object nor null",
    );
}

#[test]
fn a_subgraph_that_never_answers_is_given_up_at_the_deadline() {
    faults(
        "{ users { name must } }",
        &[("users", Behaviour::from(USERS)), ("shop", Behaviour::Hangs)],
        false,
        r#"{"data":{"users":[null,null]},"errors":[{"message":"The time for this request is over.","extensions":{"code":"GATEWAY_TIMEOUT"}}]}"#,
    );
    faults(
        "{ top { name } users { name must } }",
        &[("users", Behaviour::Hangs), ("shop", Behaviour::from(r#"{"data":{"top":[{"name":"X"}]}}"#))],
        false,
        r#"{"data":{"top":[{"name":"X"}],"users":null},"errors":[{"message":"The time for this request is over.","extensions":{"code":"GATEWAY_TIMEOUT"}}]}"#,
    );
}

#[test]
fn errors_of_subgraphs_have_the_clients_path() {
    let hidden = r#""message":"A subgraph answered with an error.""#;
    let one = |answer: &str, data: &str, path: &str, code: &str| {
        let errors = format!(r#"[{{{hidden},{path}"extensions":{{"code":"{code}"}}}}]"#);
        let people = USERS.replace("users", "people");
        let answers = [("users", Behaviour::from(people.as_str())), ("shop", Behaviour::from(answer))];
        faults(
            "{ people: users { m: must bought { upc } } }",
            &answers,
            false,
            &format!(r#"{{"data":{data},"errors":{errors}}}"#),
        );
    };
    let both = "{\"people\":[null,null]}";
    one(
        r#"{"data":{"_entities":[{"m":1,"bought":[]},{"m":null,"bought":[]}]},"errors":[{"message":"secret","path":["_entities",1,"m"],"extensions":{"code":"X","trace":1}}]}"#,
        r#"{"people":[{"m":1,"bought":[]},null]}"#,
        r#""path":["people",1,"m"],"#,
        "X",
    );
    one(
        r#"{"data":{"_entities":[{"m":1,"bought":[]},null]},"errors":[{"message":"secret","path":["_entities",1]}]}"#,
        r#"{"people":[{"m":1,"bought":[]},null]}"#,
        r#""path":["people",1],"#,
        "DOWNSTREAM_SERVICE_ERROR",
    );
    one(
        r#"{"data":{"_entities":[{"m":1,"bought":[]},null]},"errors":[{"message":"secret","path":["_entities"]}]}"#,
        r#"{"people":[{"m":1,"bought":[]},null]}"#,
        r#""path":["people"],"#,
        "DOWNSTREAM_SERVICE_ERROR",
    );
    one(
        r#"{"data":{"_entities":[{"m":1,"bought":[{"upc":null},null]},{"m":2,"bought":null}]},"errors":[{"message":"secret","path":["_entities",0,"bought",0,"upc"]}]}"#,
        r#"{"people":[{"m":1,"bought":[null,null]},{"m":2,"bought":null}]}"#,
        r#""path":["people",0,"bought",0,"upc"],"#,
        "DOWNSTREAM_SERVICE_ERROR",
    );
    one(r#"{"data":null,"errors":[{"message":"secret"}]}"#, both, r#""path":["people"],"#, "DOWNSTREAM_SERVICE_ERROR");
    one(
        r#"{"data":{"_entities":null},"errors":[{"message":7,"path":"x","extensions":[]}]}"#,
        both,
        r#""path":["people"],"#,
        "DOWNSTREAM_SERVICE_ERROR",
    );
    one(r#"{"errors":[{}]}"#, both, r#""path":["people"],"#, "DOWNSTREAM_SERVICE_ERROR");
    one(r#"{"errors":[{"extensions":{"code":404}}]}"#, both, r#""path":["people"],"#, "404");
}

#[test]
fn messages_and_extensions_are_shown_when_they_may_be() {
    faults(
        "{ me { name } }",
        &[(
            "users",
            Behaviour::from(
                r#"{"data":{"me":{"__typename":"User","name":null}},"errors":[{"message":"no \"name\"","path":["me","name"],"extensions":{"code":"NOPE","n":1.50}}]}"#,
            ),
        )],
        true,
        r#"{"data":{"me":{"name":null}},"errors":[{"message":"no \"name\"","path":["me","name"],"extensions":{"code":"NOPE","n":1.50,"service":"users"}}]}"#,
    );
    faults(
        "{ me { name } }",
        &[("users", Behaviour::Fails(SubgraphErrorKind::Transport))],
        true,
        r#"{"data":{"me":null},"errors":[{"message":"The request to the subgraph \"users\" failed: broken","path":["me"],"extensions":{"code":"SUBREQUEST_HTTP_ERROR","service":"users"}}]}"#,
    );
}

#[test]
fn a_null_that_an_error_explains_is_not_told_again() {
    let answers = [
        ("users", Behaviour::from(USERS)),
        ("shop", Behaviour::from(BOUGHT)),
        (
            "stock",
            Behaviour::from(
                r#"{"data":{"_entities":[{"maker":null},{"maker":{"name":null}}]},"errors":[{"message":"a","path":["_entities",0,"maker","name"]},{"message":"b","path":["_entities",1,"maker","name"]}]}"#,
            ),
        ),
    ];
    faults(
        "{ users { bought { maker { name } } } }",
        &answers,
        true,
        r#"{"data":{"users":[{"bought":[{"maker":null}]},{"bought":[{"maker":null},{"maker":null}]}]},"errors":[{"message":"a","path":["users",0,"bought",0,"maker","name"],"extensions":{"code":"DOWNSTREAM_SERVICE_ERROR","service":"stock"}},{"message":"b","path":["users",1,"bought",1,"maker","name"],"extensions":{"code":"DOWNSTREAM_SERVICE_ERROR","service":"stock"}}]}"#,
    );
}

#[test]
fn a_million_errors_are_counted() {
    let errors = vec!["{\"message\":\"x\"}"; 1_000_000].join(",");
    let body = format!("{{\"data\":{{\"me\":null}},\"errors\":[{errors}]}}");
    let supergraph = shop();
    let service = Canned::new(&supergraph, &[("users", Behaviour::Body(body.into()))]);
    let response = run(&compile(&supergraph, "{ me { name } }"), "{}", &service, &context());
    assert_eq!(response.errors, 101);
    assert!(response.bytes.len() < 20_000);
    assert!(String::from_utf8_lossy(&response.bytes).contains("999900 more errors are left out."));
}

#[test]
fn memory_is_bounded() {
    let supergraph = shop();
    let many = vec![r#"{"__typename":"User","id":"1","name":"A"}"#; 100_000].join(",");
    let body = format!("{{\"data\":{{\"users\":[{many}]}}}}");
    let limited = |limits: ExecuteLimits| {
        let service = Canned::new(&supergraph, &[("users", Behaviour::Body(body.clone().into()))]);
        let mut context = context();
        context.limits = limits;
        let response = run(&compile(&supergraph, "{ users { name } }"), "{}", &service, &context);
        String::from_utf8_lossy(&response.bytes).into_owned()
    };
    let code = |code: &str| format!("\"code\":\"{code}\"");
    let tree = limited(ExecuteLimits { max_memory: 5 << 20, ..ExecuteLimits::default() });
    assert!(
        tree.starts_with("{\"data\":{\"users\":null}") && tree.contains(&code("REQUEST_MEMORY_LIMIT_EXCEEDED")),
        "{tree}"
    );
    let body_alone = limited(ExecuteLimits { max_memory: 1 << 20, ..ExecuteLimits::default() });
    assert!(body_alone.contains(&code("REQUEST_MEMORY_LIMIT_EXCEEDED")), "{body_alone}");
    let out = limited(ExecuteLimits { max_response: 1 << 20, ..ExecuteLimits::default() });
    assert!(out.starts_with("{\"data\":null,") && out.contains(&code("RESPONSE_TOO_LARGE")), "{out}");
}
