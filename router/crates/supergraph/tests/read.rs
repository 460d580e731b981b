//! Supergraphs of the field are read, and what they leave unsaid is expanded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::Path;

use braid_supergraph::Supergraph;

fn audit(suite: &str) -> Supergraph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/audit").join(suite);
    Supergraph::read(&std::fs::read_to_string(path.join("supergraph.graphql")).unwrap()).unwrap()
}

/// One line a subgraph: what it says of the field.
fn field(supergraph: &Supergraph, ty: &str, name: &str) -> Vec<String> {
    let parent = supergraph.schema.type_named(ty).unwrap();
    let id = supergraph.schema.field_named(parent, name).unwrap();
    let show = |joined: &braid_supergraph::FieldInSubgraph| {
        let mut line = format!("{}: {}", supergraph.subgraph(joined.subgraph).name, joined.ty);
        line.push_str(if joined.external { " external" } else { "" });
        line.push_str(if joined.requires.is_some() { " requires" } else { "" });
        line.push_str(if joined.provides.is_some() { " provides" } else { "" });
        line
    };
    supergraph.field(id).subgraphs.iter().map(show).collect()
}

#[test]
fn every_public_supergraph_is_read_and_written_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/audit");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let path = entry.path().join("supergraph.graphql");
        // One public suite has no supergraph: its subgraphs are composed first.
        let Ok(sdl) = std::fs::read_to_string(&path) else { continue };
        let first = Supergraph::read(&sdl).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let second = Supergraph::read(&first.write()).unwrap();
        assert_eq!(first.write(), second.write(), "{}", path.display());
        assert_eq!(format!("{:?}", first.subgraphs), format!("{:?}", second.subgraphs));
        count += 1;
    }
    assert!(count >= 45, "{count} supergraphs");
}

#[test]
fn what_is_deprecated_against_the_rules_is_read_and_shown_so() {
    let sdl = r#"
        schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
        enum join__Graph { A @join__graph(name: "a", url: "http://a") }
        type Query @join__type(graph: A) { thing(id: ID! @deprecated): Thing }
        interface Named @join__type(graph: A) { name: String }
        type Thing implements Named @join__type(graph: A) { name: String @deprecated(reason: "use title") }
        "#;
    let api_schema = Supergraph::read(sdl).unwrap().api_schema.to_string();
    assert!(api_schema.contains("name: String @deprecated(reason: \"use title\")"), "{api_schema}");
    assert!(api_schema.contains("id: ID! @deprecated"), "{api_schema}");
    let broken = sdl.replace(
        "interface Named @join__type(graph: A) { name: String }",
        "interface Named @join__type(graph: A) { name: Int }",
    );
    assert!(Supergraph::read(&broken).unwrap_err().to_string().contains("Named"));
}

#[test]
fn unsaid_fields_are_in_every_subgraph_of_their_type() {
    let supergraph = audit("simple-requires-provides");
    assert_eq!(field(&supergraph, "Product", "upc"), ["inventory: String!", "products: String!", "reviews: String!"]);
    assert_eq!(field(&supergraph, "Product", "weight"), ["inventory: Int external", "products: Int"]);
    assert_eq!(field(&supergraph, "Product", "shippingEstimate"), ["inventory: Int requires"]);
}

#[test]
fn fields_of_interface_objects_are_in_no_subgraph_of_the_object() {
    let supergraph = audit("simple-interface-object");
    assert_eq!(field(&supergraph, "Admin", "name"), Vec::<String>::new());
    assert_eq!(field(&supergraph, "Account", "name"), ["b: String!"]);
    let account = supergraph.schema.type_named("Account").unwrap();
    let b = supergraph.subgraph_named("b").unwrap();
    assert!(supergraph.type_in(account, b).unwrap().interface_object);
}

#[test]
fn inaccessible_elements_are_not_in_the_api_schema() {
    let supergraph = audit("simple-inaccessible");
    let api = supergraph.api_schema.to_string();
    assert!(!api.contains("join__") && !api.contains("inaccessible"), "{api}");
    assert!(api.contains("type Query"));
}

/// Each with the code, and what its message names: the place in the text, or the element.
#[test]
fn other_texts_are_refused_with_a_code() {
    let joined = |links: &str, body: &str| {
        format!(
            "schema @link(url: \"https://specs.apollo.dev/link/v1.0\") {links} {{ query: Query }}
             directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
             directive @join__graph(name: String!, url: String!) on ENUM_VALUE
             directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT
             directive @join__field(graph: join__Graph, requires: join__FieldSet) repeatable on FIELD_DEFINITION
             scalar join__FieldSet scalar link__Import enum link__Purpose {{ SECURITY EXECUTION }}
             enum join__Graph {{ A @join__graph(name: \"a\", url: \"\") }}
             {body}"
        )
    };
    let join = |version: &str| format!("@link(url: \"https://specs.apollo.dev/join/v{version}\", for: EXECUTION)");
    let query = "type Query @join__type(graph: A) { a: Int }";
    assert!(Supergraph::read(&joined(&join("0.3"), query)).is_ok());
    // Whoever runs the supergraph decides about the features that it demands.
    let foreign = "@link(url: \"https://example.com/secret/v1.0\", for: SECURITY)";
    let demanding = Supergraph::read(&joined(&format!("{} {foreign}", join("0.3")), query)).unwrap();
    assert_eq!(demanding.demanded_features(), ["https://example.com/secret/v1.0"]);
    // Whatever form its URL has, what has a purpose and is not known must be refused.
    for url in [
        "https://example.com/secret",
        "https://example.com/secret/v1.0/",
        "https://example.com/secret/v1.0#x",
        "https://example.com/secret/1.0",
        "http://example.com/join/v0.3",
        "https://example.com/inaccessible/v0.2",
        "https://specs.apollo.dev/inaccessible/v9.0",
        "https://specs.apollo.dev/inaccessible/v0.2/",
        "secret",
        "",
    ] {
        for purpose in ["SECURITY", "EXECUTION"] {
            let foreign = format!("@link(url: \"{url}\", for: {purpose})");
            let demanding = Supergraph::read(&joined(&format!("{} {foreign}", join("0.3")), query)).unwrap();
            assert_eq!(demanding.demanded_features(), [url]);
        }
    }
    // Also where the directive has another name.
    let renamed = joined(&format!("{} {foreign}", join("0.3")), query).replace("@link(", "@lnk(");
    let renamed = renamed.replace("link/v1.0\")", "link/v1.0\", as: \"lnk\")");
    assert_eq!(Supergraph::read(&renamed).unwrap().demanded_features(), ["https://example.com/secret/v1.0"]);
    // A directive that nobody links demands nothing.
    let unknown = Supergraph::read(&joined(&join("0.3"), "type Query @nope @join__type(graph: A) { a: Int }")).unwrap();
    assert!(!unknown.api_schema.to_string().contains("nope"));
    let cases = [
        (String::new(), "INVALID_GRAPHQL", ""),
        ("type Query {".to_owned(), "INVALID_GRAPHQL", "1:13"),
        ("type Query { a: Int }".to_owned(), "INVALID_FEDERATION_SUPERGRAPH", "not a supergraph"),
        (joined(&join("0.9"), query), "UNSUPPORTED_LINKED_FEATURE", "join specification v0.9"),
        (joined(&join("1.0"), query), "UNSUPPORTED_LINKED_FEATURE", "join specification v1.0"),
        (
            joined(&join("0.3"), "type Query @join__type(graph: B) { a: Int }"),
            "INVALID_FEDERATION_SUPERGRAPH",
            "Query: ",
        ),
        (joined(&join("0.3"), "type Query @join__type(graph: A) { a: Gone }"), "INVALID_GRAPHQL", "Gone"),
        (
            joined(&join("0.3"), "type Query @join__type(graph: A, key: \"nope\") { a: Int }"),
            "INVALID_FEDERATION_SUPERGRAPH",
            "nope",
        ),
    ];
    for (sdl, code, message) in cases {
        let error = Supergraph::read(&sdl).err().unwrap_or_else(|| panic!("{sdl} is read"));
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// A supergraph of two subgraphs with this `Product` and `Query`.
fn tagged(body: &str) -> String {
    format!(
        "schema @link(url: \"https://specs.apollo.dev/link/v1.0\") @link(url: \"https://specs.apollo.dev/join/v0.5\", for: EXECUTION)
           @link(url: \"https://specs.apollo.dev/cacheTag/v0.1\", for: EXECUTION) {{ query: Query }}
         enum join__Graph {{ A @join__graph(name: \"a\", url: \"\") B @join__graph(name: \"b\", url: \"\") }}
         {body}"
    )
}

fn tag(graphs: &str, format: &str) -> String {
    format!("@join__directive(graphs: [{graphs}], name: \"federation__cacheTag\", args: {{format: \"{format}\"}})")
}

#[test]
fn cache_tags_belong_to_their_subgraphs() {
    let sdl = tagged(&format!(
        "type Query @join__type(graph: A) @join__type(graph: B) {{
           product(id: ID!): Product @join__field(graph: A) {} {} @join__directive(graphs: [A], name: \"other\", args: {{}})
         }}
         type Product @join__type(graph: A, key: \"id\") @join__type(graph: B, key: \"id owner {{ id }}\") {} {} {{
           id: ID! owner: Owner name: String
         }}
         type Owner @join__type(graph: A) @join__type(graph: B) {{ id: ID! }}",
        tag("A", "product-{$args.id}"),
        tag("A", "products"),
        tag("A, B", "product-{$key.id}"),
        tag("B", "of-{$key.owner.id}"),
    ));
    let supergraph = Supergraph::read(&sdl).unwrap();
    assert!(supergraph.demanded_features().is_empty());
    assert!(supergraph.cache_tags.ignored.is_empty(), "{:?}", supergraph.cache_tags.ignored);
    let filled = |templates: &[braid_supergraph::TagTemplate]| -> Vec<String> {
        let value = |path: &[_]| Some(serde_json::json!(path.len()));
        templates.iter().map(|template| template.fill(value).unwrap()).collect()
    };
    let (a, b) = (supergraph.subgraph_named("a").unwrap(), supergraph.subgraph_named("b").unwrap());
    let product = supergraph.schema.type_named("Product").unwrap();
    let query = supergraph.schema.field_named(supergraph.schema.query.unwrap(), "product").unwrap();
    assert_eq!(filled(supergraph.cache_tags.of_type(a, product)), ["product-1"]);
    assert_eq!(filled(supergraph.cache_tags.of_type(b, product)), ["product-1", "of-2"]);
    assert_eq!(filled(supergraph.cache_tags.of_field(a, query)), ["product-1", "products"]);
    assert!(supergraph.cache_tags.of_field(b, query).is_empty());
    let again = Supergraph::read(&supergraph.write()).unwrap();
    assert_eq!(
        format!("{:?}", again.cache_tags.of_type(b, product)),
        format!("{:?}", supergraph.cache_tags.of_type(b, product))
    );
}

#[test]
fn cache_tags_without_effect_are_noted() {
    let ignored = |on_product: &str, on_name: &str, on_query: &str| {
        let sdl = tagged(&format!(
            "type Query @join__type(graph: A) {{ product(id: ID!): Product {on_query} }}
             type Product @join__type(graph: A, key: \"id\") @join__type(graph: B, key: \"id\", resolvable: false) {on_product} {{
               id: ID! name: String {on_name}
             }}"
        ));
        Supergraph::read(&sdl).map(|supergraph| {
            assert!(supergraph.cache_tags.is_empty());
            supergraph.cache_tags.ignored.join("\n")
        })
    };
    let cases = [
        (ignored(&tag("A", "{$key.id"), "", ""), "a brace is not closed"),
        (ignored(&tag("A", "{$args.id}"), "", ""), "\"{$args.id}\" is not part of a key"),
        (ignored(&tag("A", "{$key.name}"), "", ""), "is not part of a key"),
        (ignored(&tag("B", "{$key.id}"), "", ""), "on Product: the type has no key"),
        (ignored("", &tag("A", "x"), ""), "on Product.name: it is not a field of the query type"),
        (
            ignored("", "", &tag("A", "{$args.sku}")),
            "on Query.product: \"{$args.sku}\" is not an argument of the field",
        ),
        (ignored("", "", &tag("A", "{$key.id}")), "is not an argument of the field"),
    ];
    for (found, expected) in cases {
        let found = found.unwrap();
        assert!(found.contains(expected), "{found} instead of {expected}");
    }
    let unknown = ignored(&tag("C", "x"), "", "").unwrap_err();
    assert!(unknown.to_string().contains("names the subgraph \"C\""), "{unknown}");
}
