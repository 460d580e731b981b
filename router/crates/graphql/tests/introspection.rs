//! Introspection agrees with another implementation, and ends where its bounds are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::time::{Duration, Instant};

use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{self as apollo_compiler, ExecutableDocument};
use braid_graphql::introspection::{Context, IntrospectionError, Introspector};
use braid_graphql::names::SchemaNames;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::{FieldRef, Operation, SelectionSet};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_graphql::schema::Schema;
use braid_graphql::variables::{Variables, coerce_variables};
use braid_graphql::view::ApiView;

const SCHEMA: &str = r#"
    """about "it" """ schema { query: Q mutation: M }
    "does" directive @do(a: Int = 1, b: In = {x: "y"} @deprecated) repeatable on FIELD | QUERY
    scalar Url @specifiedBy(url: "https://x.y")
    interface Node { id: ID! }
    interface Named implements Node { id: ID! name(long: Boolean = false, old: Int @deprecated(reason: "no")): String }
    "an object" type Q implements Named & Node { id: ID! name(long: Boolean = false, old: Int @deprecated(reason: "no")): String gone: [Url!]! @deprecated color: Color u: U }
    type M implements Node { id: ID! }
    union U = Q | M
    enum Color { RED "b" BLUE @deprecated(reason: "ugly") }
    input In { x: String = "q\"" y: [Int!] = [1, 2] z: Int @deprecated }
    input One @oneOf { a: Int b: String }
    type Extra { f(in: In, one: One): Int }
"#;

/// Everything there is, to a depth.
fn everything() -> String {
    let mut ty = "kind name".to_owned();
    for _ in 0..3 {
        ty = format!("kind name ofType {{ {ty} }}");
    }
    let input = format!("name description defaultValue isDeprecated deprecationReason type {{ {ty} }}");
    let fields = format!(
        "name description isDeprecated deprecationReason args(includeDeprecated: $d) {{ {input} }} type {{ {ty} __typename }}"
    );
    let values = "name description isDeprecated deprecationReason";
    format!(
        "query($d: Boolean = true, $n: String! = \"Named\", $off: Boolean! = false) {{
           __schema {{
             description queryType {{ name }} mutationType {{ ...T }} subscriptionType {{ name }}
             types {{ ...T }}
             directives {{ name description isRepeatable locations args(includeDeprecated: $d) {{ {input} }} }}
           }}
           __type(name: $n) {{ name possibleTypes {{ name }} name @include(if: $off) other: name }}
         }}
         fragment T on __Type {{
           kind name description specifiedByURL isOneOf fields(includeDeprecated: $d) {{ {fields} }} shown: fields {{ name }}
           interfaces {{ name }} possibleTypes {{ name }} enumValues(includeDeprecated: $d) {{ {values} }} seen: enumValues {{ name }}
           inputFields(includeDeprecated: $d) {{ {input} }} ofType {{ name }}
         }}"
    )
}

fn normal(schema: &Valid<apollo_compiler::Schema>, own: &Schema, text: &str) -> Operation {
    let document = parse_operation(schema, own, text, ParseLimits::default()).unwrap();
    normalize(&document, choose_operation(&document, None).unwrap(), own, NormalizeLimits::default()).unwrap()
}

/// The parser's library executes introspection too.
#[test]
fn agrees_with_another_implementation() {
    let schema = apollo_compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
    let document = ExecutableDocument::parse_and_validate(&schema, everything(), "op.graphql").unwrap();
    let operation = document.operations.get(None).unwrap();
    let values = apollo_compiler::request::coerce_variable_values(&schema, operation, &Default::default()).unwrap();
    let implementers = schema.implementers_map();
    let theirs = apollo_compiler::introspection::partial_execute(&schema, &implementers, &document, operation, &values);
    let theirs = serde_json::to_value(theirs.unwrap()).unwrap();

    let own = Schema::new(&schema).unwrap();
    let normal = normal(&schema, &own, &everything());
    let variables = coerce_variables(ApiView::all(&schema), &normal.variables, None, SchemaNames::Shown).unwrap();
    let definitions = &normal.variables;
    let context =
        Context { api: ApiView::all(&schema), variables: &variables, definitions, max_bytes: 1 << 20, deadline: None };
    let mut introspector = Introspector::new(context);
    for field in &normal.selection_set.fields {
        let is_type = field.definition == FieldRef::IntrospectType;
        let sets: Vec<_> = field.selection_set.iter().collect();
        let mut ours = Vec::new();
        introspector.write(is_type, &field.arguments, &sets, &mut ours).unwrap();
        let ours: serde_json::Value = serde_json::from_slice(&ours).unwrap();
        let theirs = &theirs["data"][field.response_key.as_str()];
        assert_eq!(serde_json::to_string_pretty(&ours).unwrap(), serde_json::to_string_pretty(theirs).unwrap());
    }
}

/// The answer to `text`, one `__schema`, after 900 bytes of something else.
fn bounded(text: &str, max_bytes: usize, deadline: Option<Instant>) -> Result<usize, IntrospectionError> {
    let schema = apollo_compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
    let own = Schema::new(&schema).unwrap();
    let normal = normal(&schema, &own, text);
    let sets: Vec<&SelectionSet> = normal.selection_set.fields[0].selection_set.iter().collect();
    let variables = Variables::default();
    let context = Context { api: ApiView::all(&schema), variables: &variables, definitions: &[], max_bytes, deadline };
    let mut out = vec![b' '; 900];
    Introspector::new(context).write(false, &[], &sets, &mut out).map(|()| out.len())
}

#[test]
fn size_is_bounded_with_what_was_written_before() {
    let small = "{ __schema { queryType { name } } }";
    assert_eq!(bounded(small, 1000, None), Ok(900 + "{\"queryType\":{\"name\":\"Q\"}}".len()));
    assert_eq!(bounded(small, 800, None), Err(IntrospectionError::TooLarge));
    let large = "{ __schema { types { fields { type { fields { name } } } } } }";
    assert_eq!(bounded(large, 1200, None), Err(IntrospectionError::TooLarge));
}

/// The nesting multiplies to more than could be written in hours.
#[test]
fn time_is_bounded() {
    let deep =
        "possibleTypes { ".to_owned() + &"interfaces { possibleTypes { ".repeat(40) + "__typename" + &" }".repeat(81);
    let text = format!("{{ __schema {{ types {{ {deep} }} }} }}");
    let started = Instant::now();
    let deadline = Some(started + Duration::from_millis(50));
    assert_eq!(bounded(&text, usize::MAX >> 1, deadline), Err(IntrospectionError::TooSlow));
    assert!(started.elapsed() < Duration::from_secs(5));
}
