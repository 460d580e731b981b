//! Sites of the shop and of hostile graphs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_graph_docs::ExampleOperation;
use braid_graphql::parse::{ParseLimits, parse_operation};
use pretty_assertions::assert_eq;
use support::{elements, problems, shop, shop_operations, site, supergraph};

fn none() -> Vec<String> {
    Vec::new()
}

/// A page as text: without the head, the frame and the marks.
fn text(html: &str) -> String {
    let main = html.split_once("<main").unwrap().1.split_once('>').unwrap().1.split_once("</main>").unwrap().0;
    let mut out = String::new();
    let mut inside = false;
    for c in main.replace("</li>", "\n").replace("</p>", "\n").replace("</dt>", "\n").replace("</h2>", "\n").chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_site_of_the_shop_has_no_dead_links_and_loads_nothing() {
    for internal in [false, true] {
        let (shop, summary) = site(&shop(), internal, &shop_operations());
        assert_eq!(summary.unusable, []);
        assert_eq!(problems(&shop), none());
        assert_eq!(summary.files, shop.0.len());
        // To be looked at with a browser.
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(if internal { "internal" } else { "shop" });
        for (path, content) in &shop.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let first = site(&shop(), true, &shop_operations()).0;
    let mut shuffled = shop_operations();
    shuffled.reverse();
    assert!(first.0 == site(&shop(), true, &shuffled).0.0);
}

#[test]
fn the_page_of_a_type_says_what_there_is_to_know() {
    let (shop, _) = site(&shop(), false, &shop_operations());
    let page = text(shop.page("types/Product.html"));
    for expected in
        ["Keys in inventory\nid, sku", "Used in", "Fields that return it", "weightGrams", "Implements", "Node"]
    {
        assert!(page.contains(expected), "{expected}:\n{page}");
    }
    let page = text(shop.page("types/CatalogErrorCode.html"));
    assert_eq!(
        page,
        "enumCatalogErrorCodeThe kinds of mistakes in changes of the catalog or of stock.\n\
         Subgraph\ninventory Values\nBAD_USER_INPUT\nA value can't be used. Correct it and try again.\n\
         NOT_FOUND\nWhat the change is about does not exist.\n\
         CONFLICT\nThe current state does not allow it: taken, too few units, or the key was used for something else.\n\
         Used by\nFields that return itCatalogUserError.code"
    );
}

#[test]
fn the_page_of_a_root_field_has_examples() {
    let (shop, _) = site(&shop(), false, &shop_operations());
    let page = text(shop.page("mutation/placeOrder.html"));
    for expected in [
        "Access needs the scope orders:write",
        "mutation PlaceOrder($input: PlaceOrderInput!)",
        "\"idempotencyKey\": \"…\"",
        "place-order",
    ] {
        assert!(page.contains(expected), "{expected}:\n{page}");
    }
}

#[test]
fn minimal_operations_are_valid() {
    let shop = shop();
    let (pages, _) = site(&shop, false, &[]);
    let mut count = 0;
    for (path, html) in pages.pages() {
        let Some((_, rest)) = html.split_once("Minimal operation</h2><pre class=\"code\" tabindex=\"0\"><code>") else {
            continue;
        };
        let operation = text(&format!("<main>{}</main>", rest.split_once("</code>").unwrap().0));
        parse_operation(&shop.api_schema, &shop.schema, &operation, ParseLimits::default())
            .unwrap_or_else(|errors| panic!("{path}: {errors:?}\n{operation}"));
        count += 1;
    }
    assert!(count >= 50, "only {count} root fields have one");
}

#[test]
fn what_clients_do_not_see_is_shown_on_demand_only() {
    let (public, _) = site(&shop(), false, &[]);
    for (path, html) in &public.0 {
        for hidden in ["CommitStockResult", "StockReservation", "reserveStock", "127.0.0.1", "badge internal"] {
            let found = path.contains(hidden) || html.contains(hidden);
            assert!(!found || path.starts_with("site."), "{path} has {hidden}");
        }
    }
    let (internal, _) = site(&shop(), true, &[]);
    assert!(internal.page("types/CommitStockResult.html").contains("badge internal"));
    assert!(internal.page("mutation/reserveStock.html").contains("badge internal"));
    assert!(internal.page("subgraphs/orders.html").contains("http://127.0.0.1:4002/graphql"));
}

const CATALOG: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.12",
  import: ["@key", "@inaccessible", "@tag", "@shareable", "@requires", "@external", "@provides", "@override", "@cost", "@listSize",
    "@authenticated", "@requiresScopes", "@policy", "@cacheTag"])

type Query {
  "Everything."
  items(first: Int = 10 @deprecated(reason: "Use `limit`."), limit: Int): [Item!]! @listSize(slicingArguments: ["first", "limit"], assumedSize: 20, requireOneSlicingArgument: false)
  item(id: ID!, secretly: Boolean @inaccessible): Item @cacheTag(format: "item-{$args.id}") @authenticated
  search(by: By!): Found @cost(weight: 7)
  old: String @deprecated
}
type Item @key(fields: "id") @key(fields: "hidden") @cacheTag(format: "item") @tag(name: "public") {
  id: ID!
  hidden: ID! @inaccessible
  name: String @requiresScopes(scopes: [["a", "b"], ["c"]])
  secret: Secret @inaccessible
  price: Int @policy(policies: [["p"]])
  weight: Int @external
  postage: Int @requires(fields: "weight")
}
type Secret @inaccessible { a: String }
union Found = Item | Other
type Other { id: String, item: Item }
input By @oneOf { not: By, text: String, at: When }
scalar When @specifiedBy(url: "https://when.example")
enum Colour { RED, GREEN @deprecated(reason: "No [more](https://green.example)."), INFRARED @inaccessible }
input Paint { colour: Colour! = RED, item: ID! }
type Mutation { paint(input: Paint!): Item }
"#;

const STOCK: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"])
type Item @key(fields: "id") { id: ID! weight: Int name: String @override(from: "catalog", label: "percent(10)") }
"#;

#[test]
fn directives_are_said_in_words() {
    let (pages, _) = site(&supergraph(&[("catalog", CATALOG), ("stock", STOCK)]), false, &[]);
    assert_eq!(problems(&pages), none());
    let has = |path: &str, expected: &[&str]| {
        let page = text(pages.page(path));
        for expected in expected {
            assert!(page.contains(expected), "{path} lacks {expected:?}:\n{page}");
        }
    };
    has(
        "types/Item.html",
        &[
            "Access needs the scopes a and b, or c",
            "Access needs the policy p",
            "Requires catalog needs weight",
            "Tag public",
            "Cache tag item",
            "Key in catalog\nid",
            "Key in stock\nid",
            "where percent(10) is on",
            "where percent(10) is off",
        ],
    );
    has(
        "query/items.html",
        &["List size as many as first or limit; assumed 20", "first: Int = 10", "DeprecatedUse limit."],
    );
    has("query/item.html", &["Cache tag item-{$args.id}", "Access only with a valid token", "query Item($id: ID!)"]);
    has("query/search.html", &["Cost 7", "... on Item", "\"text\": \"…\""]);
    has("query.html", &["old", "deprecated"]);
    has("query/old.html", &["DeprecatedNo longer supported"]);
    has("types/When.html", &["Specified by\nhttps://when.example", "By.at"]);
    has("types/By.html", &["exactly one of the fields"]);
    has("types/Paint.html", &["colour: Colour! = RED", "item: ID! required"]);
    has("types/Colour.html", &["DeprecatedNo more."]);
    for (path, html) in &pages.0 {
        for hidden in ["hidden: ", "INFRARED", "secretly", "Secret", ".internal.example"] {
            assert!(!html.contains(hidden) || path.starts_with("site."), "{path} has {hidden}");
        }
    }
}

#[test]
fn hostile_texts_stay_texts() {
    const EVIL: &str = "<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://evil.example/b.png) \
                        <https://ok.example/?a=\"b> </main></body> `\"><svg onload=alert(1)>` <a href=\"javascript:alert(1)\">x</a> <!--";
    let sdl = format!(
        r#"type Query {{ {0} a({0} b: String = "{1}" @deprecated(reason: "{1}")): T @deprecated(reason: "{1}") toString: E constructor: E hasOwnProperty: E prototype: E }}
           {0} type T {{ {0} id: ID! {0} search: String {0} content: String }}
           {0} enum E {{ {0} A @deprecated(reason: "{1}") }}
           {0} type CON {{ a: U }} type con {{ a: CON }} type index {{ a: con, b: index, site: String }}
           {0} scalar U @specifiedBy(url: "javascript:alert(1)")
           extend type Query {{ i: index c: con f(i: I): String }} input I {{ {0} a: String = "{1}" }}"#,
        format!("\"\"\"{EVIL}\"\"\""),
        "</code><script>alert(2)</script>\\\" onload=x"
    );
    let graph = supergraph(&[
        ("<script>alert(3)</script>\"'&", &sdl),
        ("../../up", "type Query { up: String }"),
        ("__", "type Query { u: String }"),
    ]);
    let operation = |name: &str, text: &str| ExampleOperation {
        name: name.to_owned(),
        file: name.to_owned(),
        text: text.to_owned(),
    };
    let operations = [
        operation("<script>alert(4)</script>", "# <script>alert(5)</script>\n{ a(b: \"</code><script>\") { id } }"),
        operation("../../../evil", "{ toString constructor }"),
        operation("wrong", "{ <script> }"),
        operation("unknown", "{ nothing }"),
    ];
    for internal in [false, true] {
        let (pages, summary) = site(&graph, internal, &operations);
        assert_eq!(problems(&pages), none());
        let unusable: Vec<_> = summary.unusable.iter().map(|unusable| unusable.name.as_str()).collect();
        assert_eq!(unusable, ["unknown", "wrong"]);
        for (path, html) in pages.pages() {
            let scripts: Vec<_> = elements(path, html).into_iter().filter(|element| element.name == "script").collect();
            assert_eq!(scripts.len(), 1, "{path}");
            for element in elements(path, html) {
                let address = element.attribute("href").unwrap_or_default();
                assert!(!address.contains("script:"), "{path}: {address}");
            }
            assert!(path.split('/').all(|part| !part.contains("..") && !part.contains('<')), "{path}");
        }
        let index = pages.page("search-index.js");
        let json = index.strip_prefix("globalThis.graphIndex = ").unwrap().trim_end().strip_suffix(';').unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&json.replace(",\n]", "\n]").replace("\n\"entries\"", "\"entries\"")).unwrap();
        let entries = json["entries"].as_array().unwrap();
        for entry in entries {
            let (page, _) = entry[2].as_str().unwrap().split_once('#').unwrap_or((entry[2].as_str().unwrap(), ""));
            assert!(pages.0.contains_key(page), "{entry}");
        }
    }
}
