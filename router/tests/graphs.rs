//! Several graphs over one schema: what each shows, refuses and hides, which requests are for it, and what it takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::Write;

use braid::assemble;
use braid::config::Config;
use braid_composition::{SubgraphSdl, compose};
use braid_settings::{expand, from_yaml};
use serde_json::{Value, json};
use support::{Answer, Subgraph, TestRouter};

const SDL: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@tag"])
type Query {
  products(first: Int, secret: String @tag(name: "internal"), sort: Sort = NAME): [Product!] @tag(name: "partner")
  item: Item @tag(name: "partner")
  margins: [Margin!] @tag(name: "internal")
  search(where: Where): Int @tag(name: "partner")
}
type Mutation { reprice: Int @tag(name: "internal") }
interface Item @tag(name: "partner") { id: ID! name: String }
type Product implements Item @key(fields: "id") @tag(name: "partner") {
  id: ID!
  name: String
  cost: Float @tag(name: "internal")
  state: State
  margin: Margin
}
type Prototype implements Item @tag(name: "internal") { id: ID! name: String }
type Margin @tag(name: "internal") { percent: Float }
enum State @tag(name: "partner") { ON_SALE PLANNED @tag(name: "internal") }
enum Sort @tag(name: "partner") { NAME COST @tag(name: "internal") }
input Where @tag(name: "partner") { name: String cost: Float @tag(name: "internal") }
"#;

const GRAPHS: &str = "
partner:
  match: { host: partner.example }
  contract: { include: [partner], exclude: [internal] }
  limits: { max_aliases: 2 }
  playground: { title: Partners }
public:
  match: { path: /public/graphql }
  contract: { exclude: [internal] }
  introspection: false
  playground: { enabled: false }
gold:
  match: { header: { name: x-graph, value: all }, claim: { claim: plan, has: gold } }
all:
  match: { header: { name: x-graph, value: staff } }
";

fn supergraph(url: &str) -> String {
    let sdl =
        SubgraphSdl { name: "shop".to_owned(), url: url.to_owned(), sdl: SDL.to_owned(), ..SubgraphSdl::default() };
    compose(&[sdl]).result.unwrap().supergraph_sdl
}

/// The hash of "not-a-secret-key-for-tests".
const HASH: &str = "6f24c82c66d5063e02a2dcb3bf532b7799ead95d003d112b3e41e4bf5a2d7b3b";

struct Shop {
    router: TestRouter,
    subgraph: Subgraph,
    _keys: tempfile::NamedTempFile,
}

impl Shop {
    async fn new(graphs: &str, configure: impl FnOnce(&mut Config)) -> Self {
        let subgraph = Subgraph::json(|seen| {
            let answer = match seen.body.contains("item") {
                true => json!({ "item": { "__typename": "Prototype", "id": "p", "name": "Hush" } }),
                false => json!({
                    "products": [{ "id": "1", "name": "Chair", "cost": 3.5, "state": "PLANNED" }], "search": 1, "margins": []
                }),
            };
            json!({ "data": answer }).to_string()
        })
        .await;
        let mut keys = tempfile::NamedTempFile::new().unwrap();
        writeln!(keys, "- {{ name: a, sha256: {HASH}, claims: {{ plan: gold }} }}").unwrap();
        let file = keys.path().display().to_string();
        let router = TestRouter::start(supergraph(&subgraph.url()), |config| {
            config.graphs = from_yaml(graphs).unwrap();
            config.authentication = from_yaml(&format!("{{ api_keys: {{ file: {file} }} }}")).unwrap();
            configure(config);
            config.check().unwrap();
        })
        .await;
        Self { router, subgraph, _keys: keys }
    }

    async fn ask(&self, graph: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let (path, headers) = match graph {
            "partner" => ("/graphql", "host: Partner.example:4000"),
            "public" => ("/public/graphql", "host: x"),
            "all" => ("/graphql", "host: x\r\nx-graph: staff"),
            "gold" => ("/graphql", "host: x\r\nx-graph: all\r\nx-api-key: not-a-secret-key-for-tests"),
            "poor" => ("/graphql", "host: x\r\nx-graph: all"),
            "none" => ("/graphql", "host: x"),
            other => panic!("{other}"),
        };
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\n{headers}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: application/graphql-response+json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.router.send(request.as_bytes()).await
    }

    async fn query(&self, graph: &str, query: &str) -> Answer {
        self.ask(graph, &json!({ "query": query })).await
    }

    async fn message(&self, graph: &str, query: &str) -> String {
        let answer = self.query(graph, query).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{graph} {query}: {}", answer.text());
        answer.json()["errors"][0]["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_graph_answers_what_belongs_to_it() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    let names = "{ products { id name } }";
    for graph in ["partner", "public", "all", "gold"] {
        let answer = shop.query(graph, names).await;
        assert_eq!(answer.json(), json!({ "data": { "products": [{ "id": "1", "name": "Chair" }] } }), "{graph}");
    }
    for graph in ["all", "gold"] {
        let answer = shop.query(graph, "{ products { cost state margin { percent } } margins { percent } }").await;
        assert_eq!(answer.json()["data"]["products"][0]["cost"], 3.5, "{graph}: {}", answer.text());
    }
    let before = shop.subgraph.count();
    for graph in ["partner", "public"] {
        for hidden in [
            "{ products { cost } }",
            "{ products { margin { percent } } }",
            "{ margins { percent } }",
            "{ products(secret: \"x\") { id } }",
            "{ products(sort: COST) { id } }",
            "{ search(where: { cost: 1 }) }",
            "{ item { ... on Prototype { id } } }",
            "query($m: Margin) { search }",
            "query($s: Sort = COST) { products(sort: $s) { id } }",
            "mutation { reprice }",
            "{ __type(name: \"Margin\") { nope } }",
        ] {
            // As what has never been there, byte for byte but for the name.
            let unknown = hidden.replace("cost", "zzzz").replace("COST", "ZZZZ").replace("margin", "zzzzzz");
            let [of_hidden, of_unknown] = [shop.message(graph, hidden).await, shop.message(graph, &unknown).await];
            let blur = |text: &str| text.replace("cost", "zzzz").replace("COST", "ZZZZ").replace("margin", "zzzzzz");
            assert_eq!(blur(&of_hidden), of_unknown, "{graph}");
        }
    }
    assert_eq!(shop.subgraph.count(), before);
    // An operation is compiled for each graph by itself, whichever asks first.
    assert_eq!(shop.query("all", "{ margins { percent } }").await.status, 200);
    assert_eq!(shop.query("partner", "{ margins { percent } }").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_variables_are_those_of_the_graph() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    let ask = async |graph: &str, variables: Value| {
        let query = "query($w: Where, $s: Sort) { search(where: $w) products(sort: $s) { id } }";
        shop.ask(graph, &json!({ "query": query, "variables": variables })).await
    };
    for variables in [json!({ "w": { "cost": 1 } }), json!({ "s": "COST" })] {
        assert_eq!(ask("all", variables.clone()).await.status, 200);
        for graph in ["partner", "public"] {
            let answer = ask(graph, variables.clone()).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.text());
            assert!(!answer.text().contains("expected one of NAME, COST"), "{}", answer.text());
        }
    }
    let answer = ask("partner", json!({ "s": "PRICE" })).await;
    assert!(answer.text().contains("expected one of NAME, found"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_subgraphs_give_of_hidden_types_and_values_stays_hidden() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    let whole = shop.query("all", "{ item { __typename name } products { state } }").await.json();
    assert_eq!(whole["data"]["item"]["__typename"], "Prototype", "{whole}");
    for graph in ["partner", "public"] {
        let answer = shop.query(graph, "{ item { __typename name } }").await;
        assert_eq!(answer.json()["data"]["item"], Value::Null, "{}", answer.text());
        let answer = shop.query(graph, "{ products { state } }").await;
        assert!(!answer.text().contains("PLANNED"), "{}", answer.text());
    }
    assert!(shop.query("all", "{ products { state } }").await.text().contains("PLANNED"));
}

const INTROSPECTION: &str = "{ __schema { queryType { name } mutationType { name } types { name fields(includeDeprecated: true) { name args { name } }
    inputFields { name } enumValues { name } possibleTypes { name } } } __type(name: \"Prototype\") { name } }";

#[tokio::test(flavor = "multi_thread")]
async fn introspection_shows_the_graph_alone() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    let hidden = ["cost", "COST", "argin", "Prototype", "secret", "PLANNED", "Mutation", "reprice"];
    let answer = shop.query("partner", INTROSPECTION).await;
    assert_eq!(answer.status, 200);
    for name in hidden {
        assert!(!answer.text().contains(name), "{name} is in {}", answer.text());
    }
    let shown = answer.json();
    assert_eq!(shown["data"]["__schema"]["mutationType"], Value::Null);
    assert_eq!(shown["data"]["__type"], Value::Null);
    let named = |name: &str| {
        let types = shown["data"]["__schema"]["types"].as_array().unwrap();
        types.iter().find(|ty| ty["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(named("Item")["possibleTypes"], json!([{ "name": "Product" }]));
    assert_eq!(
        named("Query")["fields"][0],
        json!({ "name": "products", "args": [{ "name": "first" }, { "name": "sort" }] })
    );
    assert_eq!(named("Where")["inputFields"], json!([{ "name": "name" }]));
    let whole = shop.query("all", INTROSPECTION).await;
    hidden.iter().for_each(|name| assert!(whole.text().contains(name), "{name}"));
    assert_eq!(shop.query("public", INTROSPECTION).await.code(), "INTROSPECTION_DISABLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn suggestions_do_not_tell_what_is_hidden() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    assert!(shop.message("all", "{ products { cots } }").await.contains("Did you mean \"cost\""));
    for (query, name) in [
        ("{ products { cots } }", "cost"),
        ("{ margin { percent } }", "margins"),
        ("{ products(secrt: 1) { id } }", "secret"),
        ("{ products(sort: COSTS) { id } }", "COST"),
        ("{ search(where: { costs: 1 }) }", "cost"),
        ("{ item { ... on Prototyp { id } } }", "Prototype"),
    ] {
        let name = format!("\"{name}\"");
        assert!(!shop.message("partner", query).await.contains(&name), "{query}");
        assert!(shop.message("all", query).await.contains(&name) || name.contains("argin"), "{query}");
    }
    assert!(shop.message("partner", "{ products { nam } }").await.contains("Did you mean \"name\""));
    // Where the schema can't be read, nothing is suggested.
    assert!(!shop.message("public", "{ products { nam } }").await.contains("Did you mean"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_no_graph_is_refused() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    for graph in ["none", "poor"] {
        let answer = shop.query(graph, "{ products { id } }").await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "GRAPH_NOT_FOUND"), "{graph}");
    }
    let get = shop.router.get("/graphql?query=%7B__typename%7D", "").await;
    assert_eq!((get.status, get.code().as_str()), (404, "GRAPH_NOT_FOUND"));
    // The path of another graph does not make a host another one's.
    assert_eq!(shop.router.get("/partner/graphql?query=%7B__typename%7D", "").await.code(), "NOT_FOUND");
    let socket = "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let none = Shop::new("a: { match: { host: a.example } }", |_| {}).await;
    let answer = none.router.get("/graphql", socket).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "GRAPH_NOT_FOUND"));
    assert_eq!(shop.subgraph.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_graph_has_its_limits_metrics_and_page() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    let aliases = "{ a: products { id } b: products { id } c: products { id } }";
    assert_eq!(shop.query("partner", aliases).await.code(), "MAX_ALIASES_LIMIT");
    assert_eq!(shop.query("public", aliases).await.status, 200);
    assert_eq!(shop.query("none", aliases).await.status, 404);
    for (labels, expected) in [
        (r#"{graph="partner",status="4xx"}"#, 1.0),
        (r#"{graph="public",status="2xx"}"#, 1.0),
        (r#"{graph="(none)",status="4xx"}"#, 1.0),
        (r#"{graph="all",status="2xx"}"#, 0.0),
    ] {
        let found = shop.router.metric(&format!("braid_graph_requests_total{labels}")).await;
        assert!((found - expected).abs() < 0.1, "{labels}: {found}");
    }
    let settings = async |target: &str, host: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        shop.router.send(request.as_bytes()).await
    };
    let partner = settings("/playground/config.json?page=%2F", "partner.example").await.json();
    assert_eq!((&partner["title"], &partner["endpoint"]), (&json!("Partners"), &json!("/graphql")));
    let page = async |target: &str| shop.router.get(target, "accept: text/html\r\n").await;
    assert_eq!(page("/graphql").await.status, 200);
    assert_ne!(page("/public/graphql").await.header("content-type").as_deref(), Some("text/html; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn graphs_come_change_and_go_with_a_reload() {
    let shop = Shop::new(GRAPHS, |_| {}).await;
    assert_eq!(shop.query("partner", "{ products { id } }").await.status, 200);
    assert_eq!(shop.query("partner", "{ products { cost } }").await.status, 400);
    let mut config = Config::default();
    config.telemetry.access_log.enabled = false;
    let current = shop.router.front.current();
    let reload = async |config: &Config| {
        let current = shop.router.front.current();
        let sdl = supergraph(&shop.subgraph.url());
        let next = assemble::version(config, &sdl, None, shop.router.front.metrics(), Some(&current)).unwrap();
        next.gateway.warm_from(&current.gateway, 100).await;
        shop.router.front.swap(next);
    };
    config.graphs = from_yaml("{ partner: { match: { host: partner.example } } }").unwrap();
    reload(&config).await;
    drop(current);
    assert_eq!(shop.query("partner", "{ products { cost } }").await.status, 200);
    assert_eq!(shop.query("public", "{ products { id } }").await.code(), "NOT_FOUND");
    config.graphs = from_yaml("{ other: { match: { host: other.example } } }").unwrap();
    reload(&config).await;
    assert_eq!(shop.query("partner", "{ products { id } }").await.code(), "GRAPH_NOT_FOUND");
    config.graphs.clear();
    reload(&config).await;
    assert_eq!(shop.query("none", "{ products { cost } }").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_the_graph_that_is_configured() {
    let shop = Shop::new(GRAPHS, |config| {
        config.mcp = from_yaml("{ enabled: true, graph: partner }").unwrap();
    })
    .await;
    let call = async |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let head = "content-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25";
        let length = body.len();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        shop.router.send(request.as_bytes()).await.text().to_owned()
    };
    let executed = call("execute", json!({ "query": "{ products { name } }" })).await;
    assert!(executed.contains("Chair"), "{executed}");
    let refused = call("execute", json!({ "query": "{ products { cost } }" })).await;
    assert!(refused.contains("GRAPHQL_VALIDATION_FAILED"), "{refused}");
    for (tool, arguments) in
        [("search", json!({ "query": "margin percent cost" })), ("introspect", json!({ "type": "Product" }))]
    {
        let found = call(tool, arguments).await;
        for name in ["Float", "Margin", "PLANNED"] {
            assert!(!found.contains(name), "{tool}: {name} is in {found}");
        }
    }
}

#[test]
fn graphs_that_can_t_be_served_are_refused() {
    let check = |yaml: &str, says: &str| {
        let error = Config::parse(yaml, &expand::Process(std::path::Path::new("."))).unwrap_err();
        let error = braid_net::chain(&error);
        assert!(error.contains(says), "{yaml}: {error}");
    };
    check("graphs: { a: {} }", "graphs.a.match: set host, path, header or claim");
    check("graphs: { \"a b\": { match: { host: a } } }", "can't be a name");
    check("graphs: { a: { match: { path: a } } }", "graphs.a.match.path: \"a\" must start with /");
    check("graphs: { a: { match: { host: a }, contract: {} } }", "graphs.a.contract: the contract neither");
    check("graphs: { a: { match: { host: a } } }\nmcp: { enabled: true }", "mcp.graph: with graphs");
    check("mcp: { enabled: true, graph: b }", "there is no graph \"b\"");
    let graphs = from_yaml("{ a: { match: { host: a }, contract: { include: [nothing] } } }").unwrap();
    let config = Config { graphs, ..Config::default() };
    let version = assemble::version(&config, &supergraph("http://x/"), None, &std::sync::Arc::default(), None);
    let error = braid_net::chain(&version.unwrap_err());
    assert!(error.contains("graphs.a.contract can't be served") && error.contains("leaves no field"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_graph_counts_what_its_clients_ask() {
    let graphs = "
partner:
  match: { host: partner.example }
  rate_limits: { rules: [{ name: partners, by: [client_ip], limit: 1, per: 1h }] }
public:
  match: { path: /public/graphql }
gold:
  match: { header: { name: x-graph, value: all }, claim: { claim: plan, has: gold } }
  rate_limits: { rules: [] }
all:
  match: { header: { name: x-graph, value: staff } }
  rate_limits: { dry_run: true }
";
    let shop = Shop::new(graphs, |config| {
        config.rate_limits = from_yaml("rules: [{ name: client, by: [client_ip], limit: 2, per: 1h }]").unwrap();
    })
    .await;
    let names = "{ products { id } }";
    let statuses = async |graph: &str| {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(shop.query(graph, names).await.status);
        }
        statuses
    };
    // All of them come from one address.
    assert_eq!(statuses("partner").await, [200, 429, 429, 429], "rules of its own");
    assert_eq!(statuses("public").await, [200, 200, 429, 429], "the rules of all, and a count of its own");
    assert_eq!(statuses("gold").await, [200; 4], "no rules");
    assert_eq!(statuses("all").await, [200; 4], "a dry run of its own");
    assert_eq!(statuses("none").await, [404, 404, 429, 429], "requests for no graph are counted too");
    let answer = shop.query("partner", names).await;
    assert_eq!(answer.header("ratelimit-policy").as_deref(), Some("\"partners\";q=1;w=3600"));
    for (labels, expected) in [
        ("rule=\"partners\",outcome=\"Refused\",graph=\"partner\"", 4.0),
        ("rule=\"client\",outcome=\"Passed\",graph=\"public\"", 2.0),
        ("rule=\"client\",outcome=\"WouldBeRefused\",graph=\"all\"", 2.0),
        ("rule=\"client\",outcome=\"Refused\"}", 2.0),
    ] {
        let end = if labels.ends_with('}') { "" } else { "}" };
        assert_eq!(shop.router.metric(&format!("braid_rate_limit_requests_total{{{labels}{end}")).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_count_for_the_graph_that_is_asked() {
    let graphs = "
partner:
  match: { host: partner.example }
  rate_limits: { rules: [{ name: partners, by: [client_ip], limit: 2, per: 1h }] }
all:
  match: { path: /graphql }
";
    let shop = Shop::new(graphs, |_| {}).await;
    let guess = async |host: &str| {
        let body = r#"{"query":"{ products { id } }"}"#;
        let length = body.len();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: {host}\r\nx-api-key: a-guess\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        shop.router.send(request.as_bytes()).await.status
    };
    assert_eq!([guess("partner.example").await, guess("partner.example").await], [401, 401]);
    assert_eq!([guess("partner.example").await, guess("x").await], [429, 401]);
}

#[test]
fn rate_limits_of_a_graph_are_checked() {
    let refused = |yaml: &str| {
        let config: Config = from_yaml(yaml).unwrap();
        config.check().unwrap_err().to_string()
    };
    let graph =
        |rule: &str| format!("graphs: {{ a: {{ match: {{ path: /a }}, rate_limits: {{ rules: [{rule}] }} }} }}");
    let zero = refused(&graph("{ name: r, limit: 0, per: 1s }"));
    assert_eq!(zero, "graphs.a.rate_limits.rules: \"r\": limit: give at least 1");
    let costs = refused(&graph("{ name: r, limit: 1, per: 1s, weight: cost }"));
    assert_eq!(costs, "graphs.a.rate_limits.rules: \"r\": weight: cost needs demand_control.mode: measure or enforce");
}
