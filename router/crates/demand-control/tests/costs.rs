//! What operations cost, from the text and the variables to the estimate.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::path::Path;
use std::sync::Arc;

use braid_demand_control::CostModel;
use braid_graphql::names::SchemaNames;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_graphql::variables::coerce_variables;
use braid_graphql::view::ApiView;
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::{SubgraphId, Supergraph};
use pretty_assertions::assert_eq;

const HEAD: &str = r#"
schema
  @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/cost/v0.1", import: [COST])
{ query: Query mutation: Mutation }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @COST(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @SIZE(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }
"#;

const TYPES: &str = r#"
type Query @join__type(graph: A) {
  one: Product
  plain: [Product!]!
  assumed: [Product] @SIZE(assumedSize: 50)
  sliced(first: Int, last: Int): [Product] @SIZE(slicingArguments: ["first", "last"])
  loose(first: Int, last: Int): [Product] @SIZE(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
  both(first: Int): [Product] @SIZE(slicingArguments: ["first"], assumedSize: 7)
  defaulted(first: Int = 4): [Product] @SIZE(slicingArguments: ["first"])
  paged(input: Page): [Product] @SIZE(slicingArguments: ["input.page.first"])
  byIds(ids: [ID!]): [Product] @SIZE(slicingArguments: ["ids"])
  connection(first: Int): Connection @SIZE(slicingArguments: ["first"], sizedFields: ["edges"], requireOneSlicingArgument: false)
  wrapped(first: Int): Wrapper @SIZE(slicingArguments: ["first"], sizedFields: ["connection.edges"])
  braced(first: Int): Wrapper @SIZE(slicingArguments: ["first"], sizedFields: ["connection { edges }"])
  expensive(hint: Int @COST(weight: 20)): Product @COST(weight: 100)
  filtered(filter: Filter, filters: [Filter!]): Int
  node: Node
  matrix: [[Product]]
  heavy: Heavy
  money: Money
}
type Mutation @join__type(graph: A) @join__type(graph: B) { add(filter: Filter): Product @join__field(graph: A) pay: Int @join__field(graph: B) }
type Product implements Node
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")
  @join__implements(graph: A, interface: "Node")
{
  id: ID!
  name: String @join__field(graph: A)
  related: [Product] @join__field(graph: A)
  tags: [String] @join__field(graph: A)
  price: Int @join__field(graph: B)
  reviews: [Review] @join__field(graph: B) @SIZE(assumedSize: 3)
  rare: Int @join__field(graph: A) @COST(weight: 9)
}
type Other implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") { id: ID! rare: Int @COST(weight: 4) }
interface Node @join__type(graph: A) { id: ID! rare: Int }
type Review @join__type(graph: B) { text: String author: Author }
type Author @join__type(graph: B) { name: String }
type Wrapper @join__type(graph: A) { connection: Connection }
type Connection @join__type(graph: A) { edges: [Edge] total: Int }
type Edge @join__type(graph: A) { node: Product }
type Heavy @join__type(graph: A) @COST(weight: 30) { id: ID }
scalar Money @join__type(graph: A) @COST(weight: 2)
input Page @join__type(graph: A) { page: Slice }
input Slice @join__type(graph: A) { first: Int }
input Filter @join__type(graph: A) { text: String @COST(weight: 5) size: Int and: [Filter!] }
"#;

struct Costs {
    graph: QueryGraph,
    model: CostModel,
}

/// The cost of all requests, of those to the subgraph a and to b, and the field that is sliced in no way or in too many.
type Found = (u64, u64, u64, Option<String>);

impl Costs {
    fn new() -> Self {
        let names = [("[COST]", r#"[{ name: "@cost", as: "@price" }, { name: "@listSize", as: "@size" }]"#)];
        let sdl = names.iter().fold([HEAD, TYPES].concat(), |sdl, (from, to)| sdl.replace(from, to));
        Self::read(&sdl.replace("@COST", "@price").replace("@SIZE", "@size"))
    }

    fn read(sdl: &str) -> Self {
        let supergraph = Arc::new(Supergraph::read(sdl).unwrap());
        let model = CostModel::read(&supergraph, 10).unwrap();
        Self { graph: QueryGraph::new(supergraph), model }
    }

    fn of(&self, text: &str, variables: &str) -> Found {
        let (total, subgraphs, unsliced) = self.by_subgraph(text, variables);
        let of = |name: &str| subgraphs.iter().find(|(subgraph, _)| subgraph == name).map_or(0, |(_, cost)| *cost);
        (total, of("a"), of("b"), unsliced)
    }

    /// The cost of all requests, and of those to each subgraph that is asked; and the field that is sliced in no way or in too many.
    fn by_subgraph(&self, text: &str, variables: &str) -> (u64, Vec<(String, u64)>, Option<String>) {
        let supergraph = self.graph.supergraph();
        let document =
            parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).unwrap();
        let chosen = choose_operation(&document, None).unwrap();
        let operation = normalize(&document, chosen, &supergraph.schema, NormalizeLimits::default()).unwrap();
        let plan = plan(&operation, &self.graph, &PlannerConfig::default()).unwrap();
        let variables = serde_json::value::RawValue::from_string(variables.to_owned()).unwrap();
        let variables = coerce_variables(
            ApiView::all(&supergraph.api_schema),
            &operation.variables,
            Some(&variables),
            SchemaNames::Shown,
        );
        let variables = variables.unwrap();
        let formula = self.model.formula(&operation, &plan, supergraph);
        let estimate = formula.estimate(&self.model, &variables);
        let named = |(id, cost): &(SubgraphId, u64)| (supergraph.subgraphs[id.index()].name.clone(), *cost);
        let mut subgraphs: Vec<_> = estimate.subgraphs.iter().map(named).collect();
        subgraphs.sort();
        (estimate.total, subgraphs, estimate.unsliced.map(str::to_owned))
    }
}

#[test]
fn costs() {
    let costs = Costs::new();
    let sliced = || Some("Query.sliced".to_owned());
    for (text, variables, expected) in [
        // Objects and lists.
        ("{ one { name } }", "{}", (1, 1, 0, None)),
        ("{ one { name } again: one { id } }", "{}", (2, 2, 0, None)),
        ("{ __typename one { __typename } }", "{}", (1, 1, 0, None)),
        ("{ plain { name related { id } } }", "{}", (110, 110, 0, None)),
        ("{ matrix { id } }", "{}", (100, 100, 0, None)),
        ("{ plain { tags } }", "{}", (10, 10, 0, None)),
        ("{ assumed { id } }", "{}", (50, 50, 0, None)),
        // Entities are as many as the lists on the way to them have items.
        ("{ one { price } }", "{}", (2, 1, 1, None)),
        ("{ plain { price } }", "{}", (20, 10, 10, None)),
        ("{ assumed { related { price } } }", "{}", (50 + 500 + 500, 550, 500, None)),
        ("{ plain { reviews { author { name } } } }", "{}", (10 + 10 * (1 + 3 * 2), 10, 70, None)),
        // Slicing arguments.
        ("{ sliced(first: 3) { id } }", "{}", (3, 3, 0, None)),
        ("query($n: Int) { sliced(first: $n) { price } }", r#"{"n":5}"#, (10, 5, 5, None)),
        ("query($n: Int = 6) { sliced(last: $n) { id } }", "{}", (6, 6, 0, None)),
        ("query($n: Int = 6) { sliced(last: $n) { id } }", r#"{"n":null}"#, (10, 10, 0, sliced())),
        ("query($n: Int) { sliced(first: $n) { id } }", r#"{"n":-1}"#, (10, 10, 0, sliced())),
        ("{ sliced { id } }", "{}", (10, 10, 0, sliced())),
        ("{ sliced(first: 1, last: 2) { id } }", "{}", (2, 2, 0, sliced())),
        ("query($n: Int) { sliced(first: $n, last: 2) { id } }", "{}", (2, 2, 0, None)),
        ("{ loose(first: 1, last: 2) { id } }", "{}", (2, 2, 0, None)),
        ("{ loose { id } }", "{}", (10, 10, 0, None)),
        ("{ both { id } }", "{}", (7, 7, 0, None)),
        ("{ both(first: 70) { id } }", "{}", (70, 70, 0, None)),
        ("{ defaulted { id } }", "{}", (4, 4, 0, None)),
        ("{ defaulted(first: 9) { id } }", "{}", (9, 9, 0, None)),
        ("{ paged(input: { page: { first: 8 } }) { id } }", "{}", (8 + 2, 10, 0, None)),
        ("query($i: Page) { paged(input: $i) { id } }", r#"{"i":{"page":{"first":8}}}"#, (10, 10, 0, None)),
        ("query($n: Int) { paged(input: { page: { first: $n } }) { id } }", r#"{"n":8}"#, (10, 10, 0, None)),
        ("{ byIds(ids: [1, 2, 3]) { id } }", "{}", (3, 3, 0, None)),
        ("query($ids: [ID!]) { byIds(ids: $ids) { id } }", r#"{"ids":["1","2"]}"#, (2, 2, 0, None)),
        ("{ connection(first: 5) { total edges { node { price } } } }", "{}", (1 + 5 * 2 + 5, 11, 5, None)),
        ("{ wrapped(first: 2) { connection { edges { node { price } } } } }", "{}", (2 + 2 * 2 + 2, 6, 2, None)),
        ("{ braced(first: 2) { connection { edges { node { id } } } } }", "{}", (2 + 2 * 2, 6, 0, None)),
        // Weights.
        ("{ expensive { id } }", "{}", (101, 101, 0, None)),
        ("{ expensive(hint: 1) { id } }", "{}", (121, 121, 0, None)),
        ("{ heavy { id } money }", "{}", (32, 32, 0, None)),
        ("{ plain { rare } }", "{}", (10 * (1 + 9), 100, 0, None)),
        ("{ node { rare } }", "{}", (1 + 9, 10, 0, None)),
        ("{ node { ... on Other { rare } } }", "{}", (1 + 4, 5, 0, None)),
        // Input objects.
        (r#"{ filtered(filter: { text: "a", size: 1 }) }"#, "{}", (6, 6, 0, None)),
        (
            "query($f: Filter) { filtered(filter: $f) }",
            r#"{"f":{"text":"a","and":[{"text":"b"},{}]}}"#,
            (13, 13, 0, None),
        ),
        ("query($f: [Filter!]) { filtered(filters: $f) }", r#"{"f":[{"text":"a"},{"size":2}]}"#, (7, 7, 0, None)),
        (r#"query($f: Filter = { text: "a" }) { filtered(filter: $f) }"#, "{}", (6, 6, 0, None)),
        ("query($f: Filter) { filtered(filter: $f) }", r#"{"f":null}"#, (0, 0, 0, None)),
        // Conditions.
        ("query($y: Boolean!) { plain @include(if: $y) { price } }", r#"{"y":false}"#, (0, 0, 0, None)),
        ("query($y: Boolean!) { plain @include(if: $y) { price } }", r#"{"y":true}"#, (20, 10, 10, None)),
        ("query($y: Boolean!) { plain { id price @skip(if: $y) } }", r#"{"y":true}"#, (10, 10, 0, None)),
        // Mutations.
        ("mutation { add { id } }", "{}", (11, 11, 0, None)),
        ("mutation { add { price } pay }", "{}", (11 + 1 + 10, 11, 11, None)),
    ] {
        assert_eq!(costs.of(text, variables), expected, "{text} {variables}");
    }
}

/// What 240 random operations cost over one supergraph, so that no change of a cost goes unseen. `UPDATE_EXPECT=1` writes what they cost now.
/// Each operation is three lines: its text, its variables, and its cost, in all and of each subgraph.
#[test]
fn costs_stay() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let costs = Costs::read(&std::fs::read_to_string(folder.join("supergraph.graphql")).unwrap());
    let file = folder.join("operations.txt");
    let expected = std::fs::read_to_string(&file).unwrap();
    let (mut found, mut operations) = (String::new(), 0);
    for operation in expected.split("\n\n").filter(|operation| !operation.trim().is_empty()) {
        let mut lines = operation.trim().lines();
        let (text, variables) = (lines.next().unwrap(), lines.next().unwrap());
        let (total, subgraphs, unsliced) = costs.by_subgraph(text, variables);
        let subgraphs: Vec<_> = subgraphs.iter().map(|(name, cost)| format!("{name} {cost}")).collect();
        let refused = unsliced.map_or_else(String::new, |field| format!(", {field} has no or several sizes"));
        let cost = format!("{total} = {}{refused}", subgraphs.join(" + "));
        found.push_str(&format!("{text}\n{variables}\n{cost}\n\n"));
        operations += 1;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    assert_eq!(operations, 240);
    assert_eq!(found, std::fs::read_to_string(&file).unwrap(), "UPDATE_EXPECT=1 writes the new costs");
}

#[test]
fn costs_saturate() {
    let costs = Costs::new();
    let nested = (0..20).fold("sliced(first: 2147483647) { id }".to_owned(), |text, at| match at {
        0 => text.replace("id", "related { NEXT }"),
        _ => text.replace("NEXT", "related { NEXT }"),
    });
    assert_eq!(costs.of(&format!("{{ {} }}", nested.replace("NEXT", "id")), "{}").0, u64::MAX);
}

#[test]
fn what_cannot_be_understood_is_named() {
    let sdl = [HEAD, TYPES].concat().replace("[COST]", r#"["@cost", "@listSize"]"#);
    let sdl = sdl.replace("@COST", "@cost").replace("@SIZE", "@listSize");
    for (from, to, expected) in [
        (
            "Heavy @join__type(graph: A) @cost(weight: 30)",
            "Heavy @join__type(graph: A) @cost(weight: \"30\")",
            "Heavy: @cost(weight:) must be an Int",
        ),
        (
            "@listSize(assumedSize: 50)",
            "@listSize(assumedSize: true)",
            "Query.assumed: @listSize(assumedSize:) must be an Int",
        ),
        (
            "slicingArguments: [\"ids\"]",
            "slicingArguments: [1]",
            "Query.byIds: @listSize(slicingArguments:) must be a list of names",
        ),
    ] {
        let sdl = sdl.replace(from, to);
        let Ok(supergraph) = Supergraph::read(&sdl) else { continue };
        let error = CostModel::read(&supergraph, 10).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
