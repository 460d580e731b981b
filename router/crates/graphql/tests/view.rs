//! A view of a schema judges, coerces and shows as the schema without what is hidden does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its report")]

use std::sync::Arc;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::names::SchemaNames;
use braid_graphql::parse::{ParseLimits, parse_in_view, parse_operation};
use braid_graphql::schema;
use braid_graphql::syntax::{self, variable_definitions};
use braid_graphql::validate::judge;
use braid_graphql::variables::coerce_variables;
use braid_graphql::view::{ApiView, Elements, Hidden};
use serde_json::value::RawValue;

const SDL: &str = "type Query { a(x: Int, hidden: Int, in: In, e: E): A hidden: Int i: I u: U j: J }
    type Mutation { hidden: Int }
    interface I { id: ID shown: Int hidden: Int }
    interface J { id: ID }
    type A implements I & J { id: ID shown: Int hidden: Int other(e: E = ONE): Int }
    type Hidden implements I & J { id: ID shown: Int hidden: Int }
    union U = A | Hidden
    enum E { ONE HIDDEN TWO }
    input In { shown: Int hidden: Int e: E }
    scalar HiddenScalar";

/// Hides all that is called so.
fn hidden(api: &Schema) -> Hidden {
    let elements = Arc::new(Elements::of(api));
    let mut hidden = Hidden::nothing(elements.clone());
    for (ty, (name, definition)) in api.types.iter().enumerate() {
        if name.starts_with("Hidden") || name == "Mutation" {
            hidden.hide_type(ty);
        }
        let members: Vec<String> = match definition {
            braid_graphql::compiler::schema::ExtendedType::Enum(it) => {
                it.values.keys().map(ToString::to_string).collect()
            }
            braid_graphql::compiler::schema::ExtendedType::InputObject(it) => {
                it.fields.keys().map(ToString::to_string).collect()
            }
            other => schema::fields_of(other).into_iter().flat_map(|all| all.keys().map(ToString::to_string)).collect(),
        };
        for (at, member) in members.iter().enumerate() {
            if member.eq_ignore_ascii_case("hidden") {
                hidden.hide_member(elements.member(ty, at));
            }
        }
        for (at, field) in schema::fields_of(definition).into_iter().flat_map(|all| all.values()).enumerate() {
            for (number, _) in field.arguments.iter().enumerate().filter(|(_, argument)| argument.name == "hidden") {
                hidden.hide_argument(elements.argument(elements.member(ty, at), number));
            }
        }
    }
    hidden
}

fn graph() -> (Valid<Schema>, schema::Schema) {
    let api = Schema::parse_and_validate(SDL, "schema.graphql").unwrap();
    let own = schema::Schema::new(&api).unwrap();
    (api, own)
}

#[test]
fn a_view_as_a_schema_lacks_what_is_hidden_and_nothing_else() {
    let (api, _) = graph();
    let seen = ApiView::new(&api, Some(&hidden(&api))).to_schema();
    let expected = "type Query { a(x: Int, in: In, e: E): A i: I u: U j: J } interface I { id: ID shown: Int } interface J { id: ID }
        type A implements I & J { id: ID shown: Int other(e: E = ONE): Int } union U = A enum E { ONE TWO } input In { shown: Int e: E }";
    let expected = Schema::parse_and_validate(expected, "expected.graphql").unwrap();
    assert_eq!(seen.to_string(), expected.to_string());
    // It is valid, and assumed to be.
    assert!(seen.into_inner().validate().is_ok());
}

#[test]
fn documents_are_judged_as_against_the_schema_of_the_view() {
    let (api, own) = graph();
    let hidden = hidden(&api);
    let view = ApiView::new(&api, Some(&hidden));
    let alone = view.to_schema();
    for text in [
        "{ a { id shown other } i { id } u { __typename ... on A { id } } j { ... on I { shown } } }",
        "{ hidden }",
        "{ a { hidden } }",
        "{ a(hidden: 1) { id } }",
        "{ a(x: 1, in: { shown: 1, e: TWO }, e: ONE) { id } }",
        "{ a(in: { hidden: 1 }) { id } }",
        "{ a(in: { e: HIDDEN }) { id } }",
        "{ a(e: HIDDEN) { id } }",
        "{ a { other(e: HIDDEN) } }",
        "{ i { hidden } }",
        "{ i { ... on Hidden { id } } }",
        "{ u { ...F } } fragment F on Hidden { id }",
        "{ i { ... on J { id } } }",
        "query($e: E = HIDDEN) { a(e: $e) { id } }",
        "query($e: E = TWO) { a(e: $e) { id } }",
        "query($s: HiddenScalar) { a(x: $s) { id } }",
        "mutation { hidden }",
        "{ __schema { types { name } } __type(name: \"Hidden\") { name } __typename }",
        "{ a { __schema { description } } }",
    ] {
        let document = syntax::parse(text, &ParseLimits::default()).unwrap();
        assert_eq!(judge(&document, view, &own), judge(&document, ApiView::all(&alone), &own), "{text}");
        for names in [SchemaNames::Hidden, SchemaNames::Shown] {
            let limits = ParseLimits { names, ..ParseLimits::default() };
            let in_view = parse_in_view(view, || view.to_schema(), &own, text, limits).map(|_| ());
            assert_eq!(in_view, parse_operation(&alone, &own, text, limits).map(|_| ()), "{text}");
        }
    }
}

#[test]
fn values_are_coerced_as_against_the_schema_of_the_view() {
    let (api, own) = graph();
    let hidden = hidden(&api);
    let view = ApiView::new(&api, Some(&hidden));
    let alone = view.to_schema();
    let text = "query($in: In) { a(in: $in) { id } }";
    let document = parse_operation(&api, &own, text, ParseLimits::default()).unwrap();
    let definitions = variable_definitions(&document, &document.operations[0]);
    for values in [
        r#"{"in":{"shown":1,"e":"TWO"}}"#,
        r#"{"in":{"hidden":1}}"#,
        r#"{"in":{"e":"HIDDEN"}}"#,
        r#"{"in":{"nothing":1}}"#,
    ] {
        let raw = RawValue::from_string(values.to_owned()).unwrap();
        for names in [SchemaNames::Hidden, SchemaNames::Shown] {
            let in_view = coerce_variables(view, &definitions, Some(&raw), names);
            assert_eq!(in_view, coerce_variables(ApiView::all(&alone), &definitions, Some(&raw), names), "{values}");
        }
    }
}
