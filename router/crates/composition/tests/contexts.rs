//! Contextual arguments: each way to their field must lead through an object that sets the context.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{Code, Diagnostic, SubgraphSdl, compose};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@override\", \"@interfaceObject\", \"@context\", \"@fromContext\"])\n";

fn errors<S: AsRef<str>>(sdls: impl IntoIterator<Item = S>) -> Vec<Diagnostic> {
    let subgraphs: Vec<SubgraphSdl> = sdls
        .into_iter()
        .zip('a'..)
        .map(|(sdl, name)| SubgraphSdl {
            name: name.to_string(),
            sdl: format!("{LINK}{}", sdl.as_ref()),
            ..SubgraphSdl::default()
        })
        .collect();
    compose(&subgraphs).result.err().unwrap_or_default()
}

#[track_caller]
fn fine<const N: usize>(sdls: [&str; N]) {
    let errors = errors(sdls);
    assert!(errors.is_empty(), "{}", errors[0]);
}

#[track_caller]
fn refused<const N: usize>(sdls: [&str; N], says: &str) {
    let errors = errors(sdls);
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::SATISFIABILITY_ERROR], "{errors:?}");
    assert!(errors[0].message.contains(says), "{}", errors[0]);
}

/// Sets the context `user` on `User`, whose `posts` take the name from it.
const POST: &str =
    "type Post @key(fields: \"id\") { id: ID! by(name: String @fromContext(field: \"$user { name }\")): String }";
const USER: &str = "type User @key(fields: \"id\") @context(name: \"user\") { id: ID! name: String posts: [Post] }";

#[test]
fn a_field_below_the_context_is_fine() {
    fine([&format!("type Query {{ me: User }} {USER} {POST}")]);
    // Further down, and in another subgraph on the way.
    fine([
        &format!("type Query {{ me: User }} {USER} {POST}"),
        "type Query { you: User } type User @key(fields: \"id\") { id: ID! best: Shelf } type Shelf { top: Post } type Post @key(fields: \"id\") { id: ID! }",
    ]);
}

#[test]
fn a_way_without_the_context_is_refused() {
    let says = "\"Post.by\" takes its argument \"name\" from the context \"user\" (@fromContext), but no object above it in this query sets that context.";
    refused([&format!("type Query {{ me: User post: Post }} {USER} {POST}")], says);
    // The other way is in another subgraph.
    refused(
        [
            &format!("type Query {{ me: User }} {USER} {POST}"),
            "type Query { post: Post } type Post @key(fields: \"id\") { id: ID! }",
        ],
        says,
    );
    // The object itself is not above its own fields.
    refused(
        [
            "type Query { post: Post } type Post @key(fields: \"id\") @context(name: \"post\") { id: ID! title: String by(title: String @fromContext(field: \"$post { title }\")): String }",
        ],
        "no object above it",
    );
    // Of a union only one member sets it.
    refused(
        [&format!("type Query {{ all: Any }} union Any = User | Team type Team {{ posts: [Post] }} {USER} {POST}")],
        "no object above it",
    );
    let help = errors([format!("type Query {{ me: User post: Post }} {USER} {POST}")]).remove(0).help.unwrap();
    assert!(
        help.starts_with("in subgraph \"a\", put @context(name: \"user\") on a type that every way to \"Post\""),
        "{help}"
    );
}

#[test]
fn another_subgraph_may_resolve_the_field_without_a_context() {
    fine([
        &format!(
            "type Query {{ me: User post: Post }} {USER} {}",
            POST.replace("): String }", "): String @shareable }")
        ),
        "type Post @key(fields: \"id\") { id: ID! by: String @shareable }",
    ]);
}

#[test]
fn interfaces_unions_and_roots_set_contexts_too() {
    fine([&format!(
        "type Query {{ me: Person }} interface Person @context(name: \"user\") {{ name: String posts: [Post] }} \
         type A implements Person {{ name: String posts: [Post] }} type B implements Person {{ name: String posts: [Post] }} {POST}"
    )]);
    fine([&format!(
        "type Query {{ me: Person }} union Person @context(name: \"user\") = A | B type A {{ name: String posts: [Post] }} type B {{ name: String posts: [Post] }} {}",
        POST.replace("$user { name }", "$user ... on A { name } ... on B { name }")
    )]);
    fine([&format!("type Query @context(name: \"user\") {{ name: String post: Post }} {POST}")]);
}

#[test]
fn the_value_must_be_within_reach_of_the_nearest_object_that_sets_the_context() {
    // `name` is resolved by another subgraph, which can be asked for the user.
    let user = USER.replace("name: String", "name: String @external");
    let here = format!("type Query {{ me: User }} {user} {POST}");
    fine([&here, "type User @key(fields: \"id\") { id: ID! name: String }"]);
    // Here it can't be asked, neither for the client nor for the context.
    let errors = errors([&here, "type User @key(fields: \"id\", resolvable: false) { id: ID! name: String }"]);
    let by = errors.iter().find(|error| error.coordinate.as_deref() == Some("Post.by")).unwrap();
    let says = "from the context \"user\" (@fromContext), which \"User\" sets, but the router can't fetch \"{ name }\" for it here.";
    assert!(by.code == Code::SATISFIABILITY_ERROR && by.message.contains(says), "{by}");
}

#[test]
fn nested_contexts_and_labels_keep_what_is_valid() {
    // A user within a user: the nearest one counts.
    fine([&format!("type Query {{ me: User }} {} {POST}", USER.replace("posts:", "friend: User posts:"))]);
    // The label decides which subgraph the user comes from; both know the name.
    fine([
        &format!(
            "type Query {{ me: User @shareable }} {} {POST}",
            USER.replace("name: String", "name: String @shareable")
        ),
        "type Query { me: User @override(from: \"a\", label: \"l\") } type User @key(fields: \"id\") { id: ID! name: String @shareable }",
    ]);
}
