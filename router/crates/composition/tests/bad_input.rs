//! Input that is no subgraph, or nearly none: one clear, coded error each, whatever it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{SubgraphSdl, compose};

const LINK: &str =
    "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \"@shareable\"])";

fn check(sdl: &str, code: &str, says: &str) {
    let subgraph = SubgraphSdl { name: "a".to_owned(), url: "http://a".to_owned(), sdl: sdl.to_owned(), file: None };
    let errors = compose(&[subgraph]).result.unwrap_err();
    let error = &errors[0];
    assert_eq!(error.code.to_string(), code, "{error}");
    assert!(error.message.contains(says), "{error}");
    assert!(error.help.is_some(), "{error}");
}

#[test]
fn each_has_its_error() {
    check("hello, { no SDL }", "INVALID_GRAPHQL", "Syntax error");
    check(" \n", "INVALID_GRAPHQL", "is empty");
    check("<!doctype html><html></html>", "INVALID_GRAPHQL", "HTML");
    check(&"#".repeat(10 << 20), "SUBGRAPH_TOO_LARGE", "limit");
    check(
        &format!("type Query {{ a: {}Int{} }}", "[".repeat(5000), "]".repeat(5000)),
        "NESTING_TOO_DEEP",
        "nest deeper",
    );
    check(
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\") type Query { a: Int }",
        "UNKNOWN_FEDERATION_LINK_VERSION",
        "v2.99",
    );
    check(
        "type Query { a: I } interface I implements J { x: Int } interface J implements I { x: Int }",
        "INVALID_GRAPHQL",
        "implement each other",
    );
    let long = "x".repeat(100_000);
    check(
        &format!("{LINK} type Query {{ t: T }} type T @key(fields: \"{long}\") {{ id: ID }}"),
        "KEY_INVALID_FIELDS",
        "…",
    );
}

#[test]
fn a_huge_key_is_not_quoted_in_full() {
    let sdl = format!("{LINK} type Query {{ t: T }} type T @key(fields: \"{}\") {{ t: T }}", "t { ".repeat(5_000));
    let subgraph = SubgraphSdl { name: "a".to_owned(), sdl, ..SubgraphSdl::default() };
    let errors = compose(&[subgraph]).result.unwrap_err();
    assert!(errors[0].message.len() < 1_000, "{} bytes", errors[0].message.len());
}

#[test]
fn names_are_escaped_for_the_graph_enum_and_kept_apart() {
    let sdl = format!("{LINK} type Query {{ a: Int @shareable }}");
    let names = ["my-service", "my_service", "1st", "Ünïcode", "a b", "x\"y"];
    let subgraphs = names.map(|name| SubgraphSdl {
        name: name.to_owned(),
        url: "http://a".to_owned(),
        sdl: sdl.clone(),
        file: None,
    });
    let supergraph = compose(&subgraphs).result.unwrap().supergraph_sdl;
    for line in ["MY_SERVICE_1 @", "MY_SERVICE_2 @", "_1ST @", "A_B @", "name: \"x\\\"y\"", "name: \"Ünïcode\""] {
        assert!(supergraph.contains(line), "{line} is not in\n{supergraph}");
    }
    braid_supergraph::Supergraph::read(&supergraph).unwrap();
}

#[test]
fn a_slip_is_explained_by_the_text_around_it() {
    for (sdl, says, helps) in [
        (
            "type Query { price Money }",
            "at \"Money\": a colon is missing between \"price\" and its type.",
            "price: Money",
        ),
        ("type Query { a(b Int): Int }", "a colon is missing between \"b\" and its type.", "b: Int"),
        ("type Query { a b: Int }", "at \"b\": \"a\" before it has no type.", "a: String"),
        ("type Query { a: }", "a type is missing after the colon.", "add the type"),
        ("type Query {}", "there is nothing between the braces.", "remove the braces"),
        ("type Query { a: Int", "Syntax error at the end: the \"{\" before it is never closed.", "second location"),
        ("type Query { a: Int } }", "at \"}\": it has no opening bracket.", "remove it"),
        ("typ Query { a: Int }", "no definition starts like this. Did you mean \"type\"?", "type, interface"),
        ("type Query : I { a: Int }", "interfaces follow the word `implements`.", "instead of the colon"),
        ("type Query { a: Int = 3 }", "a field of an object has no default.", "remove the default"),
        ("type Query { a: Int | String }", "a field has one type.", "union"),
        ("type Query { a: Int; b: Int }", "GraphQL has no semicolons.", "remove it"),
        ("type Query { a: Int // note\n }", "comments start with #.", "# instead of //"),
        ("type Query { a: Int? }", "GraphQL has no mark for nullable types.", "without a !"),
        ("type Query { a: Int @deprecated(reason: \"not \"so\"\") }", "a string seems to end", "\\\""),
        ("type Query { a: [Int }", "at \"}\": the \"[\" before it is never closed.", "close the \"[\""),
        ("union U =", "at the end: something must follow \"=\".", "complete the last definition"),
        ("type Query { \"{ # \" a: Int b Int \"\"\"{\"\"\" c: Int }", "between \"b\" and its type", "b: Int"),
    ] {
        let subgraph = SubgraphSdl { name: "a".to_owned(), sdl: sdl.to_owned(), ..SubgraphSdl::default() };
        let errors = compose(&[subgraph]).result.unwrap_err();
        assert_eq!(errors.len(), 1, "{sdl}: {errors:?}");
        let error = &errors[0];
        assert!(error.message.starts_with("[a] Syntax error at "), "{sdl}: {error}");
        assert!(error.message.contains(says), "{sdl}: {error}");
        assert!(error.help.as_ref().is_some_and(|help| help.contains(helps)), "{sdl}: {error}");
        assert!(!error.message.to_lowercase().contains("syntax error: syntax error"), "{error}");
    }
}

#[test]
fn a_missing_colon_can_be_filled_in() {
    let sdl = "scalar Money type Query {\n  price Money\n}";
    let subgraph = SubgraphSdl { name: "a".to_owned(), sdl: sdl.to_owned(), ..SubgraphSdl::default() };
    let errors = compose(std::slice::from_ref(&subgraph)).result.unwrap_err();
    let at = &errors[0].locations[0];
    assert_eq!((at.line, at.column, at.end_column), (2, 9, 14));
    assert_eq!(&sdl[at.offset..at.end_offset], "Money");
    let sdl = errors[0].fix.as_ref().unwrap().apply("a", sdl);
    assert!(compose(&[SubgraphSdl { sdl, ..subgraph }]).result.is_ok());
}

#[test]
fn equal_messages_become_one_with_all_places() {
    let sdl = "type Query { a: Missing b: Int c: [Missing] }";
    let subgraph = SubgraphSdl { name: "a".to_owned(), sdl: sdl.to_owned(), ..SubgraphSdl::default() };
    let errors = compose(&[subgraph]).result.unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let places: Vec<&str> = errors[0].locations.iter().map(|at| &sdl[at.offset..at.end_offset]).collect();
    assert_eq!(places, ["Missing", "Missing"]);
    assert_eq!(errors[0].fix.as_ref().unwrap().edits.len(), 1);
}

#[test]
fn many_errors_and_long_names_cost_no_more_than_reading() {
    // Two names of two megabytes, 20,000 wrong names among 20,000 right ones, and 100,000 letters that GraphQL does not know.
    let long = |c: &str| c.repeat(2_000_000);
    let names = |prefix: &str| (0..20_000).map(|i| format!("{prefix}{i}x: T{prefix}{i} ")).collect::<String>();
    let types: String = (0..20_000).map(|i| format!("scalar Ta{i} ")).collect();
    for sdl in [
        format!("type Query {{ a: {}y }} scalar {}z", long("x"), long("x")),
        format!("type Query {{ {} }} {types}", names("b")),
        format!("type Query {{ {} }}", "  ünique: Int".repeat(100_000)),
    ] {
        let started = std::time::Instant::now();
        let subgraph = SubgraphSdl { name: "a".to_owned(), sdl, ..SubgraphSdl::default() };
        assert!(!compose(&[subgraph]).result.unwrap_err().is_empty());
        println!("{:?}", started.elapsed());
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}

#[test]
fn columns_count_characters() {
    for (sdl, text, column) in [
        ("type Query {\n  \"für größere\" a: Missing }", "Missing", 20),
        ("type Query {\n  \"für größere\" a Int }", "Int", 19),
    ] {
        let subgraph = SubgraphSdl { name: "a".to_owned(), sdl: sdl.to_owned(), ..SubgraphSdl::default() };
        let at = compose(&[subgraph]).result.unwrap_err().remove(0).locations.remove(0);
        assert_eq!(&sdl[at.offset..at.end_offset], text);
        assert_eq!((at.line, at.column, at.end_column), (2, column, column + text.len()), "{sdl}");
    }
}
