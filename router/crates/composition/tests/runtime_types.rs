//! The hint at shared fields that return different types does not depend on the order of fields.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{Code, SubgraphSdl, compose};

fn hints(query: &str) -> usize {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@shareable\"])\n";
    let subgraph = |name: &str, sdl: &str| SubgraphSdl {
        name: name.to_owned(),
        sdl: format!("{link}type C @shareable {{ c: Int }} type Box @shareable {{ u: U }} {sdl}"),
        ..SubgraphSdl::default()
    };
    let composition = compose(&[
        subgraph("a", "type Query { shared: Box @shareable } union U = C | A type A { a: Int }"),
        subgraph("b", &format!("type Query {{ {query} }} union U = C | B type B {{ b: Int }}")),
    ]);
    composition.result.unwrap();
    let code = Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN;
    composition.hints.iter().filter(|hint| hint.code == code).count()
}

#[test]
fn the_order_of_fields_does_not_matter() {
    assert_eq!(hints("shared: Box @shareable"), 1);
    // One way leads to "b" only, and what holds there covers the other way.
    assert_eq!(hints("shared: Box @shareable own: Box"), 0);
    assert_eq!(hints("own: Box shared: Box @shareable"), 0);
    assert_eq!(hints("aWrapped: W shared: Box @shareable } type W { own: Box"), 0);
    assert_eq!(hints("shared: Box @shareable wrapped: W } type W { deeper: V } type V { own: Box"), 0);
}
