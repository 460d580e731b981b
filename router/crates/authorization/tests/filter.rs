//! What is left of an operation, where several selections merge and where names and alternatives differ.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_authorization::{Requirement, Requirements, filter, relevant};
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::{FieldRef, Operation, SelectionSet};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_supergraph::Supergraph;
use pretty_assertions::assert_eq;

fn supergraph(body: &str) -> Supergraph {
    let sdl = format!(
        r#"
        schema
            @link(url: "https://specs.apollo.dev/link/v1.0")
            @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
            @link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "auth", for: SECURITY)
            @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", import: [{{ name: "@requiresScopes", as: "@scopes" }}], for: SECURITY)
        {{ query: Query }}
        directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
        directive @join__graph(name: String!, url: String!) on ENUM_VALUE
        directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
        directive @join__field(graph: join__Graph, requires: join__FieldSet) repeatable on FIELD_DEFINITION
        directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
        directive @auth on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
        directive @scopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
        scalar join__FieldSet scalar link__Import enum link__Purpose {{ SECURITY EXECUTION }}
        enum join__Graph {{ A @join__graph(name: "a", url: "") }}
        {body}"#
    );
    Supergraph::read(&sdl).unwrap_or_else(|error| panic!("{error}"))
}

fn operation(supergraph: &Supergraph, text: &str) -> Operation {
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).unwrap();
    let chosen = choose_operation(&document, None).unwrap();
    normalize(&document, chosen, &supergraph.schema, NormalizeLimits::default()).unwrap()
}

/// Each field with its runtime types and variables, `!` before one that is refused.
fn shown(set: &SelectionSet, supergraph: &Supergraph, out: &mut Vec<String>, path: &str) {
    for field in &set.fields {
        let types: Vec<_> = field.guard.iter().map(|ty| supergraph.schema.ty(ty).name.as_str()).collect();
        let mark = if matches!(field.definition, FieldRef::Refused(_)) { "!" } else { "" };
        let literal = |literal: &braid_graphql::operation::Literal| {
            format!(" {}{}", if literal.value { "" } else { "not " }, literal.variable)
        };
        let condition: String = field.condition.literals().iter().map(literal).collect();
        let path = format!("{path}{}", field.response_key);
        out.push(format!("{mark}{path} on {}{condition}", types.join("|")));
        if let Some(below) = &field.selection_set {
            shown(below, supergraph, out, &format!("{path}."));
        }
    }
}

/// What is left for a client that is granted nothing.
fn check(body: &str, text: &str, expected: &[&str]) {
    let supergraph = supergraph(body);
    let requirements = Requirements::read(&supergraph).unwrap();
    let operation = operation(&supergraph, text);
    let filtered = filter(&operation, &supergraph.schema, &requirements, &|_| false);
    let mut found = Vec::new();
    shown(&filtered.operation.selection_set, &supergraph, &mut found, "");
    assert_eq!(found, expected, "{text}");
    // With everything granted, nothing is changed.
    let all = filter(&operation, &supergraph.schema, &requirements, &|_| true);
    assert_eq!(all.operation, operation);
    assert!(all.refused.is_empty());
    let is_relevant = !relevant(&operation, &supergraph.schema, &requirements).is_empty();
    assert_eq!(is_relevant, !filtered.refused.is_empty() || !filtered.operation.refused_types.is_empty(), "{text}");
}

/// An interface whose field is protected where it is selected on the interface, and not on one of its objects.
const NODES: &str = r#"
    type Query @join__type(graph: A) { node: Node }
    interface Node @join__type(graph: A) { name: String @auth }
    type Open implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A) { name: String }
    type Closed implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A) { name: String @auth }
"#;

#[test]
fn a_field_counts_where_it_is_selected_and_where_it_is_resolved() {
    check(NODES, "{ node { name } }", &["node on Query", "!node.name on Open|Closed"]);
    check(
        NODES,
        "{ node { ... on Open { name } ... on Closed { name } } }",
        &["node on Query", "node.name on Open", "!node.name on Closed"],
    );
}

#[test]
fn what_may_be_seen_is_not_refused_by_a_selection_beside_it() {
    // The key goes where it was first selected.
    let left = &["node on Query", "node.name on Open", "!node.name on Closed"];
    check(NODES, "{ node { name ... on Open { name } } }", left);
    check(
        NODES,
        "query ($a: Boolean!) { node { name ... on Open @include(if: $a) { name } } }",
        &["node on Query", "node.name on Open a", "!node.name on Closed", "!node.name on Open not a"],
    );
}

#[test]
fn types_and_requirements_protect_fields() {
    let body = r#"
        type Query @join__type(graph: A) { user: User  kind: Kind  sum: Int @join__field(graph: A, requires: "secret")  secret: Int @scopes(scopes: ["a", "b"]) }
        type User @auth @join__type(graph: A) { name: String }
        enum Kind @scopes(scopes: "a") @join__type(graph: A) { X }
    "#;
    let left = &["!user on Query", "!kind on Query", "!sum on Query", "!secret on Query"];
    check(body, "{ user { name } kind sum secret }", left);
    let supergraph = supergraph(body);
    let requirements = Requirements::read(&supergraph).unwrap();
    let scopes = |scopes: &[&[&str]]| {
        let lists = scopes.iter().map(|list| list.iter().map(|scope| (*scope).to_owned()).collect());
        Requirement::Scopes(braid_authorization::Alternatives(lists.collect()))
    };
    let found: Vec<_> = requirements.iter().map(|(_, requirement)| requirement.clone()).collect();
    assert_eq!(found.len(), 3);
    for expected in [Requirement::Authenticated, scopes(&[&["a"], &["b"]]), scopes(&[&["a"]])] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
}

#[test]
fn a_requirement_that_cannot_be_read_is_refused() {
    for scopes in ["@scopes(scopes: [[1]])", "@scopes(scopes: null)", "@scopes(scopes: [{ a: 1 }])"] {
        let supergraph = supergraph(&format!("type Query @join__type(graph: A) {{ a: Int {scopes} }}"));
        let error = Requirements::read(&supergraph).unwrap_err();
        assert_eq!((error.coordinate.as_str(), error.directive.as_str()), ("Query.a", "scopes"));
    }
    let nobody = supergraph("type Query @join__type(graph: A) { a: Int @scopes(scopes: []) }");
    let requirements = Requirements::read(&nobody).unwrap();
    let (_, only) = requirements.iter().next().unwrap();
    let Requirement::Scopes(alternatives) = only else { panic!("{only:?}") };
    assert!(!alternatives.are_met(|_| true));
}
