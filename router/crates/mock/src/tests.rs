//! What mocks answer to requests as the router sends them.

use std::sync::Arc;
use std::time::Duration;

use braid_settings::from_yaml;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::Mock;
use crate::config::MocksConfig;

const SDL: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires"])
    type Query {
        products(first: Int, ids: [ID!], category: String): [Product!]!
        product(id: ID!): Product
        search: [Result!]!
        page(first: Int): ProductConnection!
        grid: [[Int!]!]!
        anything: Node
    }
    type Mutation { rename(input: Rename!): Product! }
    type Subscription { changed: Product! }
    input Rename { id: ID! name: String! }
    interface Node @key(fields: "id") { id: ID! }
    type Product implements Node @key(fields: "id") @key(fields: "sku") {
        id: ID! sku: String! name: String! price: Float stars: Int! color: Color! maker: Maker reviews: [Review!]!
        weight: Int @external shipping: Int @requires(fields: "weight") category: String
    }
    type Maker { name: String! since: DateTime }
    type Review implements Node @key(fields: "id") { id: ID! text: String! product: Product! }
    union Result = Product | Maker
    type ProductConnection { edges: [ProductEdge!]! pageInfo: PageInfo! }
    type ProductEdge { node: Product! cursor: String! }
    type PageInfo { hasNextPage: Boolean! }
    enum Color { RED GREEN }
    scalar DateTime
"#;

fn mock(yaml: &str) -> Mock {
    let config: MocksConfig = from_yaml(yaml).unwrap();
    config.check().unwrap();
    Mock::new("products", SDL, Arc::new(config)).unwrap()
}

fn ask(mock: &Mock, query: &str, variables: Value) -> Value {
    let answer = mock.answer(json!({ "query": query, "variables": variables }).to_string().as_bytes(), 0);
    serde_json::from_slice(&answer.body).unwrap()
}

fn data(mock: &Mock, query: &str) -> Value {
    let answer = ask(mock, query, json!({}));
    assert_eq!(answer["errors"], Value::Null, "{query}");
    answer["data"].clone()
}

#[test]
fn an_entity_has_the_same_values_wherever_it_is_found() {
    let mock = mock("seed: 1");
    let list = data(&mock, "{ products { id sku name price stars color maker { name since } } }");
    let first = &list["products"][1];
    let id = first["id"].as_str().unwrap();
    let by_id =
        data(&mock, &format!("{{ product(id: \"{id}\") {{ id sku name price stars color maker {{ name since }} }} }}"));
    assert_eq!(by_id["product"], *first);
    let lookup = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product { id sku name price stars color maker { name since } } } }";
    let representations =
        json!({ "r": [{ "__typename": "Product", "id": id }, { "__typename": "Product", "sku": first["sku"] }] });
    let entities = ask(&mock, lookup, representations);
    for entity in entities["data"]["_entities"].as_array().unwrap() {
        assert_eq!(entity["__typename"], "Product");
        let mut entity = entity.clone();
        entity.as_object_mut().unwrap().shift_remove("__typename");
        assert_eq!(entity, *first);
    }
    let other = self::mock("seed: 2");
    assert_ne!(data(&other, "{ products { name } }"), data(&mock, "{ products { name } }"), "another seed");
}

#[test]
fn references_and_foreign_keys_resolve() {
    let mock = mock("seed: 1");
    let lookup = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id name shipping weight } ... on Node { __typename id } } }";
    let representations = json!({ "r": [
        { "__typename": "Product", "id": "from elsewhere", "weight": 12 },
        { "__typename": "Review", "id": "review-2" },
        { "__typename": "Node", "id": "product-5" },
        { "__typename": "Nothing", "id": "1" },
    ] });
    let answer = ask(&mock, lookup, representations.clone());
    let entities = &answer["data"]["_entities"];
    assert_eq!((&entities[0]["id"], &entities[0]["weight"]), (&json!("from elsewhere"), &json!(12)));
    assert!(entities[0]["name"].is_string() && entities[0]["shipping"].is_i64());
    assert_eq!(entities[1], json!({ "__typename": "Review", "id": "review-2" }));
    assert!(["Product", "Review"].contains(&entities[2]["__typename"].as_str().unwrap()), "{entities}");
    assert_eq!((&entities[2]["id"], &entities[3]), (&json!("product-5"), &Value::Null));
    assert_eq!(ask(&mock, lookup, representations), answer, "always the same");
}

#[test]
fn every_kind_of_selection_is_answered() {
    let mock = mock("seed: 1");
    let found = data(
        &mock,
        "{ a: search { ...F __typename } ...Q } fragment F on Result { ... on Product { id } ... on Maker { name } } fragment Q on Query { b: grid }",
    );
    assert_eq!(found["a"].as_array().unwrap().len(), 3);
    assert_eq!(found["b"].as_array().unwrap().len(), 3);
    assert!(found["b"][0][0].is_i64());
    let skipped = ask(
        &mock,
        "query($no: Boolean!) { grid @include(if: $no) products { id @skip(if: $no) } }",
        json!({ "no": false }),
    );
    assert_eq!(skipped["data"].get("grid"), None);
    assert!(data(&mock, "{ anything { __typename id } }")["anything"]["id"].is_string());
    let sdl = data(&mock, "{ _service { sdl } }");
    assert_eq!(sdl["_service"]["sdl"], SDL);
    assert_eq!(data(&mock, "{ __type(name: \"Color\") { kind } }")["__type"]["kind"], "ENUM");
    let renamed = data(&mock, "mutation { rename(input: { id: \"product-3\", name: \"Lamp\" }) { id name } }");
    assert_eq!(renamed["rename"], json!({ "id": "product-3", "name": "Lamp" }));
    let event = |number| mock.answer(br#"{"query":"subscription { changed { id name } }"}"#, number).body;
    assert_eq!(event(1), event(1));
    assert_ne!(event(1), event(2));
}

#[test]
fn lists_have_the_length_that_is_asked_for() {
    let mock = mock("{ length: 2, entities: 4 }");
    let length = |list: &Value| list.as_array().unwrap().len();
    assert_eq!(length(&data(&mock, "{ products { id } }")["products"]), 2);
    let all = data(&mock, "{ products(first: 50) { id } }");
    let ids: std::collections::BTreeSet<_> =
        all["products"].as_array().unwrap().iter().map(|p| p["id"].to_string()).collect();
    assert_eq!(ids.len(), 4, "there are no more entities, and each is there once");
    let page = data(&mock, "{ page(first: 3) { edges { node { id } cursor } pageInfo { hasNextPage } } }");
    assert_eq!(length(&page["page"]["edges"]), 3);
    assert_eq!(page["page"]["pageInfo"]["hasNextPage"], false);
    let by_ids = data(&mock, "{ products(ids: [\"x\", \"y\"]) { id } }");
    assert_eq!(by_ids["products"], json!([{ "id": "x" }, { "id": "y" }]));
    let filtered = data(&mock, "{ products(category: \"desks\") { id category } }");
    assert_eq!(filtered["products"][1]["category"], "desks");
    // However lists nest, an answer is bounded.
    let hint = "fields: { Query.products: { length: 1000 }, Product.reviews: { length: 1000 } }\nentities: 1000";
    let large = data(&self::mock(hint), "{ products { reviews { id product { reviews { id } } } } }");
    assert!(large.to_string().len() < 2_000_000);
}

#[test]
fn hints_say_what_fields_have() {
    let yaml = "
seed: 4
scalars: { DateTime: { value: 2026-01-01T00:00:00Z } }
fields:
  Product.sku: { values: [LAMP, MUG] }
  Product.stars: { range: [4, 5] }
  Product.price: { nulls: 1 }
  Product.maker: { value: { name: Ada } }
  Product.name: { delay: 30ms }
  Node.id: { delay: 20ms }
  Query.anything: { error: { message: not today, code: CLOSED } }
  Subscription.changed: { interval: 250ms }
  Query.search: { value: [{ __typename: Maker, name: Bo }, { __typename: Product, sku: MUG }] }
subgraphs: { products: { delay: 10ms, fields: { Product.color: { value: GREEN } } } }
";
    let mock = mock(yaml);
    let answer = data(&mock, "{ products { sku stars price color maker { name since } } }");
    let products = answer["products"].as_array().unwrap();
    assert_eq!(products.len(), 2, "as many as there are keys");
    for product in products {
        assert!(["LAMP", "MUG"].contains(&product["sku"].as_str().unwrap()));
        assert!([4, 5].contains(&product["stars"].as_i64().unwrap()));
        assert_eq!((&product["price"], &product["color"]), (&Value::Null, &json!("GREEN")));
        assert_eq!(product["maker"], json!({ "name": "Ada", "since": "2026-01-01T00:00:00Z" }));
    }
    let failed = ask(&mock, "{ anything { id } }", json!({}));
    assert_eq!(failed["data"], json!({ "anything": null }));
    assert_eq!(
        (&failed["errors"][0]["message"], &failed["errors"][0]["extensions"]["code"]),
        (&json!("not today"), &json!("CLOSED"))
    );
    let found = data(&mock, "{ search { ... on Maker { name } ... on Product { sku } } }");
    assert_eq!(found["search"], json!([{ "name": "Bo" }, { "sku": "MUG" }]));
    let delay = |query: &str| mock.answer(json!({ "query": query }).to_string().as_bytes(), 0).delay;
    assert_eq!(delay("{ grid }"), Duration::from_millis(10));
    assert_eq!(delay("{ products { name } }"), Duration::from_millis(30));
    assert_eq!(delay("{ products { id } }"), Duration::from_millis(20), "a hint for an interface");
    let interval = |query: &str| mock.interval(json!({ "query": query }).to_string().as_bytes());
    assert_eq!(interval("subscription { changed { id } }"), Duration::from_millis(250));
    assert_eq!(interval("{ grid }"), Duration::from_secs(1));
}

#[test]
fn rates_are_kept_roughly() {
    let mock = mock(
        "{ length: 400, entities: 400, fields: { Product.price: { nulls: 0.25 }, Product.maker: { error: { message: m, rate: 0.5 } } } }",
    );
    let answer = ask(&mock, "{ products { price maker { name } } }", json!({}));
    let products = answer["data"]["products"].as_array().unwrap();
    let nulls = products.iter().filter(|product| product["price"].is_null()).count();
    assert!((60..=140).contains(&nulls), "{nulls}");
    assert!((150..=250).contains(&answer["errors"].as_array().unwrap().len()));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let mock =
        mock("fields: { Product.nmae: { value: a }, Elsewhere.x: { value: b }, Product.stars: { value: many } }");
    let code = |body: &str| {
        let answer: Value = serde_json::from_slice(&mock.answer(body.as_bytes(), 0).body).unwrap();
        answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code("no JSON"), "INVALID_GRAPHQL_REQUEST");
    assert_eq!(code(r#"{"query":"{ nothing }"}"#), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(code(r#"{"query":"query($id: ID!) { product(id: $id) { id } }"}"#), "BAD_USER_INPUT");
    assert_eq!(code(r#"{"query":"{ products { stars } }"}"#), "MOCK_ERROR");
    assert_eq!(mock.unknown_fields(), ["Product has no field \"nmae\" in products. Did you mean \"name\"?"]);
    let error = Mock::new("a", "type Query { a: B }", Arc::default()).unwrap_err().to_string();
    assert!(error.starts_with("the schema of \"a\" can't be mocked: "), "{error}");
}
