//! What clients get: key order, aliases, fragments, null propagation, leaf kinds, hidden values. Byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;

use braid_executor::ExecuteContext;
use braid_graphql::names::SchemaNames;
use braid_supergraph::Supergraph;
use support::{Behaviour, Canned, check, compile, context, run, supergraph};

fn one() -> Arc<Supergraph> {
    supergraph(
        &["a"],
        r#"
        scalar JSON @type(graph: A)
        enum Color @type(graph: A) { RED @enumValue(graph: A) BLUE @enumValue(graph: A) @inaccessible }
        interface Pet @type(graph: A) { id: ID! name: String }
        type Dog implements Pet @type(graph: A) @implements(graph: A, interface: "Pet") { id: ID! name: String! barks: Boolean }
        type Cat implements Pet @type(graph: A) @implements(graph: A, interface: "Pet") { id: ID! name: String meows: Boolean }
        type Ghost implements Pet @type(graph: A) @implements(graph: A, interface: "Pet") @inaccessible { id: ID! name: String }
        type Thing @type(graph: A) {
          id: ID! int: Int float: Float text: String flag: Boolean color: Color colors: [Color!] json: JSON
          ints: [Int] matrix: [[Int!]!] must: Int! thing: Thing thingMust: Thing! things: [Thing] thingsMust: [Thing!]! f(a: Int, s: String): Int
        }
        type Query @type(graph: A) { thing: Thing must: Thing! things: [Thing!] pet: Pet pets: [Pet] any: Any }
        union Any @type(graph: A) @unionMember(graph: A, member: "Dog") @unionMember(graph: A, member: "Thing") = Dog | Thing
        "#,
    )
}

/// Runs `operation` against one answer, whatever is asked.
fn answers(operation: &str, variables: &str, answer: &str, expected: &str) {
    let supergraph = one();
    let service = Canned::new(&supergraph, &[("a", Behaviour::from(answer))]);
    let response = run(&compile(&supergraph, operation), variables, &service, &context());
    pretty_assertions::assert_eq!(String::from_utf8_lossy(&response.bytes), expected, "{operation}");
}

#[test]
fn values_pass_byte_for_byte() {
    answers(
        "{ thing { id int float text flag json color colors ints matrix } }",
        "{}",
        r#"{"data":{"thing":{"id":"\u00e9\/","int":-1,"float":1.50E+2,"text":"a\"b","flag":true,"json":{"n": 12345678901234567890123},"color":"RED","colors":["RED"],"ints":[1,null],"matrix":[[1],[]]}}}"#,
        r#"{"data":{"thing":{"id":"\u00e9\/","int":-1,"float":1.50E+2,"text":"a\"b","flag":true,"json":{"n": 12345678901234567890123},"color":"RED","colors":["RED"],"ints":[1,null],"matrix":[[1],[]]}}}"#,
    );
}

/// Whole numbers above 2^53 are no exact doubles; whoever reads them decides what they are.
#[test]
fn whole_numbers_for_floats_pass_byte_for_byte() {
    let supergraph = supergraph(
        &["a"],
        "type Query @type(graph: A) { f(x: Float, in: In): Float } input In @type(graph: A) { x: Float @field(graph: A) }",
    );
    let number = "9007199254740993";
    check(
        &supergraph,
        &format!(
            "query($x: Float, $y: Float = {number}, $in: In) {{ a: f(x: $x) b: f(x: {number}, in: $in) c: f(x: $y) }}"
        ),
        &format!(r#"{{"x":{number},"in":{{"x":-{number}}}}}"#),
        &[(
            "a",
            &format!(
                r#"{{"query":"query($x:Float,$y:Float={number},$in:In){{a:f(x:$x) b:f(in:$in,x:{number}) c:f(x:$y)}}","variables":{{"x":{number},"in":{{"x":-{number}}}}}}}"#
            ),
            &format!(r#"{{"data":{{"a":{number},"b":-{number}000000,"c":123456789012345678901234567890}}}}"#),
        )],
        &format!(r#"{{"data":{{"a":{number},"b":-{number}000000,"c":123456789012345678901234567890}}}}"#),
    );
}

#[test]
fn keys_stand_in_the_order_of_the_operation() {
    let answer = " { \"errors\" : [ ] , \"data\" : { \"more\" : {\"x\":[{}]} , \"thing\" : { \"int\" : 1 , \"text\" : \"t\" , \"id\" : \"old\", \"\\u0069d\" : \"1\" } } , \"extensions\":{} } ";
    answers("{ thing { id text int } }", "{}", answer, r#"{"data":{"thing":{"id":"1","text":"t","int":1}}}"#);
    answers(
        "{ thing { id ...F i2: int } thing { text id } } fragment F on Thing { text int }",
        "{}",
        r#"{"data":{"thing":{"id":"1","text":"t","int":1,"i2":1}}}"#,
        r#"{"data":{"thing":{"id":"1","text":"t","int":1,"i2":1}}}"#,
    );
}

#[test]
fn conditions_decide_order_and_merging() {
    let operation = "query($a: Boolean!) { thing @include(if: $a) { id } must { id } thing { int } }";
    let answer = r#"{"data":{"thing":{"id":"1","int":2},"must":{"id":"3"}}}"#;
    answers(operation, r#"{"a":true}"#, answer, r#"{"data":{"thing":{"id":"1","int":2},"must":{"id":"3"}}}"#);
    answers(operation, r#"{"a":false}"#, answer, r#"{"data":{"must":{"id":"3"},"thing":{"int":2}}}"#);
}

#[test]
fn runtime_types_choose_fields() {
    let operation =
        "{ pets { ... on Dog { barks } id __typename ...P } } fragment P on Pet { name ... on Cat { meows } }";
    answers(
        operation,
        "{}",
        r#"{"data":{"pets":[{"__typename":"Dog","barks":true,"id":"1","name":"a"},{"__typename":"Cat","id":"2","name":null,"meows":false},null]}}"#,
        r#"{"data":{"pets":[{"barks":true,"id":"1","__typename":"Dog","name":"a"},{"id":"2","__typename":"Cat","name":null,"meows":false},null]}}"#,
    );
    answers(
        "{ __typename pet { __typename } }",
        "{}",
        r#"{"data":{"pet":{"__typename":"Cat"}}}"#,
        r#"{"data":{"__typename":"Query","pet":{"__typename":"Cat"}}}"#,
    );
}

#[test]
fn types_and_values_that_are_hidden_are_null() {
    answers(
        "{ pets { __typename id } }",
        "{}",
        r#"{"data":{"pets":[{"__typename":"Ghost","id":"1"},{"__typename":"Nope","id":"1"},{"id":"1"}]}}"#,
        r#"{"data":{"pets":[null,null,null]},"errors":[{"message":"No subgraph gave this object a type that the schema has here.","path":["pets",0],"extensions":{"code":"SUBREQUEST_UNKNOWN_TYPE"}},{"message":"No subgraph gave this object a type that the schema has here.","path":["pets",1],"extensions":{"code":"SUBREQUEST_UNKNOWN_TYPE"}},{"message":"No subgraph gave this object a type that the schema has here.","path":["pets",2],"extensions":{"code":"SUBREQUEST_UNKNOWN_TYPE"}}]}"#,
    );
    answers(
        "{ thing { color colors } }",
        "{}",
        r#"{"data":{"thing":{"color":"BLUE","colors":["RED","BLUE"]}}}"#,
        r#"{"data":{"thing":{"color":null,"colors":null}},"errors":[{"message":"A subgraph gave a value for Thing.color that is not a value of Color that the schema has.","path":["thing","color"],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}},{"message":"A subgraph gave a value for Thing.colors that is not a value of Color that the schema has.","path":["thing","colors",1],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}}]}"#,
    );
}

#[test]
fn values_of_another_kind_are_null_with_an_error() {
    let invalid = |operation: &str, answer: &str, data: &str, field: &str, ty: &str, path: &str| {
        let expected = format!(
            r#"{{"data":{data},"errors":[{{"message":"A subgraph gave a value for {field} that is not of type {ty}.","path":{path},"extensions":{{"code":"SUBREQUEST_INVALID_VALUE"}}}}]}}"#
        );
        answers(operation, "{}", answer, &expected);
    };
    invalid(
        "{ thing { int } }",
        r#"{"data":{"thing":{"int":"1"}}}"#,
        r#"{"thing":{"int":null}}"#,
        "Thing.int",
        "Int",
        r#"["thing","int"]"#,
    );
    invalid(
        "{ thing { text } }",
        r#"{"data":{"thing":{"text":{"a":1}}}}"#,
        r#"{"thing":{"text":null}}"#,
        "Thing.text",
        "String",
        r#"["thing","text"]"#,
    );
    invalid(
        "{ thing { id } }",
        r#"{"data":{"thing":[{"id":"1"}]}}"#,
        r#"{"thing":null}"#,
        "Query.thing",
        "Thing",
        r#"["thing"]"#,
    );
    invalid(
        "{ things { id } }",
        r#"{"data":{"things":{"id":"1"}}}"#,
        r#"{"things":null}"#,
        "Query.things",
        "[Thing!]",
        r#"["things"]"#,
    );
    invalid(
        "{ things { id } }",
        r#"{"data":{"things":[{"id":"1"},7]}}"#,
        r#"{"things":null}"#,
        "Query.things",
        "[Thing!]",
        r#"["things",1]"#,
    );
    invalid(
        "{ thing { ints } }",
        r#"{"data":{"thing":{"ints":[1,2.5,3]}}}"#,
        r#"{"thing":{"ints":[1,null,3]}}"#,
        "Thing.ints",
        "[Int]",
        r#"["thing","ints",1]"#,
    );
    invalid(
        "{ thing { ints } }",
        r#"{"data":{"thing":{"ints":1}}}"#,
        r#"{"thing":{"ints":null}}"#,
        "Thing.ints",
        "[Int]",
        r#"["thing","ints"]"#,
    );
    answers(
        "{ thing { id int } }",
        "{}",
        r#"{"data":{"thing":{"id":7,"int":1.0}}}"#,
        r#"{"data":{"thing":{"id":"7","int":1}}}"#,
    );
}

#[test]
fn nulls_go_up_to_where_they_may_stand() {
    let null = |operation: &str, answer: &str, data: &str, field: &str, path: &str| {
        let expected = format!(
            r#"{{"data":{data},"errors":[{{"message":"Cannot return null for non-nullable field {field}.","path":{path},"extensions":{{"code":"NON_NULLABLE_FIELD_IS_NULL"}}}}]}}"#
        );
        answers(operation, "{}", answer, &expected);
    };
    null(
        "{ thing { id must } }",
        r#"{"data":{"thing":{"id":"1","must":null}}}"#,
        r#"{"thing":null}"#,
        "Thing.must",
        r#"["thing","must"]"#,
    );
    null("{ must { id must } }", r#"{"data":{"must":{"id":"1"}}}"#, "null", "Thing.must", r#"["must","must"]"#);
    null(
        "{ thing { things { id must } } }",
        r#"{"data":{"thing":{"things":[{"id":"1","must":1},{"id":"2","must":null},null]}}}"#,
        r#"{"thing":{"things":[{"id":"1","must":1},null,null]}}"#,
        "Thing.must",
        r#"["thing","things",1,"must"]"#,
    );
    null(
        "{ thing { id thingsMust { id } } }",
        r#"{"data":{"thing":{"id":"1","thingsMust":[{"id":"1"},null]}}}"#,
        r#"{"thing":null}"#,
        "Thing.thingsMust",
        r#"["thing","thingsMust",1]"#,
    );
    null(
        "{ thing { matrix } }",
        r#"{"data":{"thing":{"matrix":[[1],[null]]}}}"#,
        r#"{"thing":{"matrix":null}}"#,
        "Thing.matrix",
        r#"["thing","matrix",1,0]"#,
    );
    // The concrete type's own field is non-null.
    null(
        "{ pets { __typename name } }",
        r#"{"data":{"pets":[{"__typename":"Cat","name":null},{"__typename":"Dog","name":null}]}}"#,
        r#"{"pets":[{"__typename":"Cat","name":null},null]}"#,
        "Dog.name",
        r#"["pets",1,"name"]"#,
    );
    answers(
        "{ thing { id int } }",
        "{}",
        r#"{"data":{"thing":{"id":"1"}}}"#,
        r#"{"data":{"thing":{"id":"1","int":null}}}"#,
    );
}

#[test]
fn one_response_key_means_what_the_type_says() {
    answers(
        "{ any { ... on Dog { x: barks } ... on Thing { x: flag } } }",
        "{}",
        r#"{"data":{"any":{"__typename":"Dog","x":true}}}"#,
        r#"{"data":{"any":{"x":true}}}"#,
    );
}

#[test]
fn requests_carry_what_is_used() {
    check(
        &one(),
        "query($a: Int, $b: Boolean!, $s: String = \"d\") { thing { f(a: $a, s: \"q\\\"\\n\") int @include(if: $b) text @skip(if: $b) @include(if: true) g: f(s: $s) } __typename }",
        r#"{"a":1,"b":true,"unused":2}"#,
        &[(
            "a",
            r#"{"query":"query($a:Int,$b:Boolean!,$s:String=\"d\"){thing{f(a:$a,s:\"q\\\"\\n\") int@include(if:$b) text@skip(if:$b) g:f(s:$s)}}","variables":{"a":1,"b":true}}"#,
            r#"{"data":{"thing":{"f":1,"int":2,"g":3}}}"#,
        )],
        r#"{"data":{"thing":{"f":1,"int":2,"g":3},"__typename":"Query"}}"#,
    );
}

#[test]
fn introspection_is_answered_here() {
    let supergraph = one();
    let service = Canned::new(&supergraph, &[]);
    let operation = "query($n: String!, $d: Boolean = true) { a: __type(name: $n) { ...T } __type(name: \"Nope\") { name } __schema { queryType { name } directives { name isRepeatable } } } fragment T on __Type { __typename kind name fields(includeDeprecated: $d) { name type { kind ofType { name } } } interfaces { name } possibleTypes { name } }";
    let response = run(&compile(&supergraph, operation), r#"{"n":"Pet"}"#, &service, &context());
    pretty_assertions::assert_eq!(
        String::from_utf8_lossy(&response.bytes),
        r#"{"data":{"a":{"__typename":"__Type","kind":"INTERFACE","name":"Pet","fields":[{"name":"id","type":{"kind":"NON_NULL","ofType":{"name":"ID"}}},{"name":"name","type":{"kind":"SCALAR","ofType":null}}],"interfaces":[],"possibleTypes":[{"name":"Dog"},{"name":"Cat"}]},"__type":null,"__schema":{"queryType":{"name":"Query"},"directives":[{"name":"skip","isRepeatable":false},{"name":"include","isRepeatable":false},{"name":"deprecated","isRepeatable":false},{"name":"oneOf","isRepeatable":false},{"name":"specifiedBy","isRepeatable":false}]}}}"#
    );
}

/// Tests run on threads with 2 MiB of stack, as workers of a server do.
#[test]
fn deep_operations_fit_on_the_stack() {
    let depth = 90;
    let operation = format!("{}id{}", "{ thing ".repeat(depth), "}".repeat(depth)).replacen("id", "{ id }", 1);
    let answer = format!("{{\"data\":{}{{\"id\":\"1\"}}{}}}", "{\"thing\":".repeat(depth), "}".repeat(depth));
    answers(&operation, "{}", &answer, &answer);
}

/// Errors are at a path; what the schema calls things there is not told to those who may not read it.
#[test]
fn errors_name_nothing_of_the_schema_where_that_is_hidden() {
    let supergraph = one();
    let hidden = |operation: &str, answer: &str, expected: &str| {
        let service = Canned::new(&supergraph, &[("a", Behaviour::from(answer))]);
        let context = ExecuteContext { names: SchemaNames::Hidden, ..context() };
        let response = run(&compile(&supergraph, operation), "{}", &service, &context);
        pretty_assertions::assert_eq!(String::from_utf8_lossy(&response.bytes), expected, "{operation}");
    };
    hidden(
        "{ thing { m: must } }",
        r#"{"data":{"thing":{"m":null}}}"#,
        r#"{"data":{"thing":null},"errors":[{"message":"Cannot return null for non-nullable field \"m\".","path":["thing","m"],"extensions":{"code":"NON_NULLABLE_FIELD_IS_NULL"}}]}"#,
    );
    hidden(
        "{ thing { int color } }",
        r#"{"data":{"thing":{"int":"x","color":"GREEN"}}}"#,
        r#"{"data":{"thing":{"int":null,"color":null}},"errors":[{"message":"A subgraph gave a value for \"int\" that is not of its type.","path":["thing","int"],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}},{"message":"A subgraph gave a value for \"color\" that is not of its type.","path":["thing","color"],"extensions":{"code":"SUBREQUEST_INVALID_VALUE"}}]}"#,
    );
}
