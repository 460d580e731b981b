//! What the page asks of the router: plans without running, how an answer was made, the graph, checks of schemas, and its own files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;

use braid::assemble;
use braid::config::Config;
use braid::problems::Problems;
use braid::schema_tools::with_schema_tools;
use braid_composition::{SubgraphSdl, compose};
use braid_demand_control::config::Mode;
use braid_server::config::ExampleQuery;
use braid_telemetry::metrics::Metrics;
use serde_json::{Value, json};
use support::{Answer, ME, Subgraph, TestRouter, post, router, supergraph};

const QUERY: &str = "{ me { name orders { id total } } }";

fn exposed(query: &str, parts: &str) -> Vec<u8> {
    post(&json!({ "query": query }).to_string(), &format!("braid-expose: {parts}\r\n"))
}

fn braid(answer: &Answer) -> Value {
    answer.json()["extensions"]["braid"].clone()
}

#[tokio::test]
async fn a_dry_run_plans_and_asks_nobody() {
    let (router, users, orders) = router(|config| {
        config.exposure.plan = true;
        config.demand_control.mode = Mode::Measure;
    })
    .await;
    let answer = router.send(&exposed(QUERY, "dry-run, explain, plan")).await;
    assert_eq!((answer.status, &answer.json()["data"], &answer.json()["errors"]), (200, &Value::Null, &Value::Null));
    let braid = braid(&answer);
    assert_eq!(braid["dryRun"], true);
    assert!(braid["plan"].as_str().unwrap().starts_with("QueryPlan {"));
    let explain = &braid["explain"];
    assert_eq!((&explain["stages"], &explain["fetches"][1]["subgraph"]), (&json!(2), &json!("orders")));
    assert_eq!(explain["fetches"][1]["after"], json!([0]));
    assert_eq!(explain["fetches"][1]["places"][0]["inputs"][0]["by"], json!(["id"]));
    let costs = explain["fetches"].as_array().unwrap().iter().map(|fetch| fetch["cost"].as_u64().unwrap());
    assert_eq!(explain["cost"].as_u64(), Some(costs.sum()), "the costs of the fetches are that of the operation");
    let mutation = router.send(&exposed("mutation { rename(name: \"Eve\") { name } }", "DRY-RUN, explain")).await;
    assert_eq!(self::braid(&mutation)["explain"]["fetches"][0]["operation"], "mutation");
    assert_eq!((users.count(), orders.count()), (0, 0));
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_operation_would_be() {
    let (router, users, _orders) = router(|config| {
        config.exposure.plan = true;
        config.demand_control.mode = Mode::Enforce;
        config.demand_control.max_anonymous = Some(0);
    })
    .await;
    for (query, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ me { orders { id } } }", "COST_ESTIMATED_TOO_EXPENSIVE"),
        ("query Q($x: Int!) { me(x: $x) { name } }", "BAD_USER_INPUT"),
    ] {
        let answer = router.send(&exposed(query, "dry-run")).await;
        assert_eq!((answer.code(), answer.json()["extensions"].get("braid")), (code.to_owned(), None), "{query}");
    }
    assert_eq!(users.count(), 0);
}

#[tokio::test]
async fn a_dry_run_plans_only_what_the_client_may_see() {
    let sdl = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@authenticated"])
        type Query { open: Int closed: Int @authenticated }"#;
    let subgraph = SubgraphSdl { name: "a".to_owned(), sdl: sdl.to_owned(), ..SubgraphSdl::default() };
    let subgraph = SubgraphSdl { url: "http://127.0.0.1:1/graphql".to_owned(), ..subgraph };
    let sdl = compose(&[subgraph]).result.unwrap().supergraph_sdl;
    let router = TestRouter::start(sdl, |config| config.exposure.plan = true).await;
    let braid = braid(&router.send(&exposed("{ open closed }", "dry-run, explain")).await);
    assert_eq!(braid["explain"]["fetches"][0]["request"], "{open}");
}

#[tokio::test]
async fn where_plans_are_hidden_a_dry_run_is_refused_and_all_else_is_ignored() {
    let (router, users, orders) = router(|config| config.exposure.exchanges = true).await;
    let refused = router.send(&exposed("mutation { rename(name: \"Eve\") { name } }", "dry-run")).await;
    assert_eq!((refused.status, refused.code()), (403, "DRY_RUN_NOT_ALLOWED".to_owned()));
    assert_eq!((users.count(), orders.count()), (0, 0), "what should be planned was not executed");
    let answer = router.send(&exposed(QUERY, "plan, explain, timings, cache, exchanges")).await;
    assert_eq!(answer.json().get("extensions"), None);
}

#[tokio::test]
async fn each_fetch_has_its_timings_errors_and_exchange() {
    const FAILS: &str = r#"{"data":{"_entities":[{"orders":null}]},"errors":[{"message":"closed","path":["_entities",0,"orders"],"extensions":{"code":"CLOSED"}}]}"#;
    let (users, orders) = (Subgraph::json(|_| ME.to_owned()).await, Subgraph::json(|_| FAILS.to_owned()).await);
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), Config::for_development).await;
    let answer = router.send(&exposed(QUERY, "timings, exchanges")).await;
    assert_eq!(answer.code(), "CLOSED");
    let braid = braid(&answer);
    let fetches = &braid["timings"]["fetches"];
    assert_eq!((&fetches[0]["errors"], &fetches[1]["errors"]), (&json!([]), &json!([0])));
    assert_eq!(braid["timings"]["made"], "executed");
    let exchange = &braid["exchanges"][1];
    assert_eq!((&exchange["fetch"], &exchange["entities"]), (&json!(1), &json!(1)));
    let representations = &exchange["request"]["variables"]["representations"];
    assert_eq!(representations, &json!([{ "__typename": "User", "id": "1" }]));
    assert_eq!(exchange["response"], serde_json::from_str::<Value>(FAILS).unwrap());
    drop(orders);
    let answer = router.send(&exposed(QUERY, "timings, exchanges")).await;
    let braid = self::braid(&answer);
    assert_eq!(braid["timings"]["fetches"][1]["failure"], "SUBREQUEST_HTTP_ERROR");
    assert_eq!(braid["timings"]["fetches"][1]["errors"], json!([0]));
    let exchange = &braid["exchanges"][1];
    assert_eq!(exchange["response"], Value::Null);
    assert!(!exchange["failure"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn exchanges_need_a_setting_of_their_own_and_survive_what_is_no_json() {
    let users = Subgraph::raw(|_| async { support::http("200 OK", "application/json", b"{\"a\": \xff", "") }).await;
    let orders = Subgraph::json(|_| String::new()).await;
    for exchanges in [false, true] {
        let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
            (config.exposure.plan, config.exposure.exchanges) = (true, exchanges);
        })
        .await;
        let braid = braid(&router.send(&exposed(QUERY, "exchanges")).await);
        let response = braid["exchanges"][0]["response"].as_str();
        assert_eq!(response, exchanges.then_some("{\"a\": \u{fffd}"));
    }
}

const USERS_SDL: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@inaccessible"])
type Query { me: User secret: String @inaccessible }
type User @key(fields: "id") { id: ID! name: String old: String }"#;
const ORDERS_SDL: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type User @key(fields: "id") { id: ID! total: Float }"#;

fn subgraphs() -> Vec<SubgraphSdl> {
    let subgraph = |name: &str, sdl: &str| SubgraphSdl {
        name: name.to_owned(),
        url: "http://127.0.0.1:1/graphql".to_owned(),
        sdl: sdl.to_owned(),
        file: None,
    };
    vec![subgraph("users", USERS_SDL), subgraph("orders", ORDERS_SDL)]
}

/// A router over two schemas that are composed here, whose subgraphs don't answer.
async fn tools(configure: impl FnOnce(&mut Config)) -> TestRouter {
    let subgraphs = subgraphs();
    let sdl = compose(&subgraphs).result.unwrap().supergraph_sdl;
    let mut config = Config::default();
    config.telemetry.access_log.enabled = false;
    let example = "query Names { me { name } }".to_owned();
    config.server.playground.queries.push(ExampleQuery { query: example, ..ExampleQuery::default() });
    configure(&mut config);
    let router = TestRouter::start(sdl.clone(), |own| own.clone_from(&config)).await;
    let version = assemble::version(&config, &sdl, None, &Arc::new(Metrics::default()), None).unwrap();
    router.front.swap(with_schema_tools(version, &config, subgraphs, Problems::default()));
    router
}

fn check(sdl: &str, headers: &str) -> Vec<u8> {
    let body = json!({ "subgraph": "users", "sdl": sdl }).to_string();
    let length = body.len();
    format!("POST /playground/check HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn the_graph_is_shown_with_what_clients_do_not_see() {
    let router = tools(Config::for_development).await;
    let graph = router.get("/playground/graph.json", "").await.json();
    assert!(graph["picture"].as_str().unwrap().contains("href=\"#type/User\""));
    let types = graph["types"].as_array().unwrap();
    let named = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    let field = |ty: &str, name: &str| {
        named(ty)["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(field("User", "total")["owners"], json!(["orders"]));
    assert_eq!(field("Query", "secret")["hidden"], true);
    assert_eq!(named("User")["keys"][0], json!({ "subgraph": "orders", "fields": "id", "resolvable": true }));
    let subgraphs = router.get("/playground/subgraphs.json", "").await.json();
    assert_eq!(subgraphs["subgraphs"][0]["sdl"], USERS_SDL);
    assert_eq!(router.get("/playground/check", "").await.status, 405);
}

#[tokio::test]
async fn a_changed_schema_is_checked() {
    let router = tools(Config::for_development).await;
    let report = async |sdl: &str| router.send(&check(sdl, JSON)).await.json();
    let same = report(USERS_SDL).await;
    assert_eq!((&same["verdict"], &same["changes"]), (&json!("pass"), &json!([])));
    let breaks = report(&USERS_SDL.replace(" name: String", "")).await;
    assert_eq!(breaks["verdict"], "fail");
    assert_eq!(breaks["operations"]["broken"][0]["id"], "Names");
    let unused = report(&USERS_SDL.replace(" old: String", "")).await;
    assert_eq!((&unused["verdict"], &unused["summary"]["unused"]), (&json!("pass"), &json!(1)));
    let broken = report(&USERS_SDL.replace("name: String", "name: Nothing")).await;
    assert_eq!((&broken["verdict"], &broken["composition"]["ok"]), (&json!("fail"), &json!(false)));
    assert_eq!(broken["composition"]["errors"][0]["locations"][0]["subgraph"], "users");
    // What was sent counts as known.
    router.query("query Sent { me { old } }").await;
    let sent = report(&USERS_SDL.replace(" old: String", "")).await;
    assert_eq!(sent["operations"]["broken"][0]["id"], "Sent");
}

#[tokio::test]
async fn a_check_is_bounded_and_no_page_of_another_site_can_send_one() {
    let router = tools(Config::for_development).await;
    let simple = router.send(&check(USERS_SDL, "content-type: text/plain\r\n")).await;
    assert_eq!((simple.status, simple.code()), (415, "UNSUPPORTED_CONTENT_TYPE".to_owned()));
    let large = router.send(&check(&"#".repeat(3 << 20), JSON)).await;
    assert_eq!((large.status, large.code()), (413, "PAYLOAD_TOO_LARGE".to_owned()));
    let other = b"POST /playground/check HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}";
    assert_eq!(router.send(other).await.code(), "INVALID_REQUEST");
    let deep = format!("type Query {{ a: {}Int{} }}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(router.send(&check(&deep, JSON)).await.json()["verdict"], "fail");
    let all =
        futures_util::future::join_all((0..8).map(|_| async { router.send(&check(USERS_SDL, JSON)).await.status }));
    assert_eq!(all.await, [200; 8], "they wait for each other");
}

#[tokio::test]
async fn the_tools_for_schemas_are_there_only_if_they_are_set() {
    let router = tools(|_| ()).await;
    for path in ["/playground/graph.json", "/playground/subgraphs.json"] {
        assert_eq!(router.get(path, "").await.status, 404, "{path}");
    }
    assert_eq!(router.send(&check(USERS_SDL, JSON)).await.status, 404);
    let without_page = tools(|config| {
        config.server.playground.schema_tools = true;
        config.server.playground.enabled = false;
    });
    assert_eq!(without_page.await.get("/playground/graph.json", "").await.status, 404);
    let composed_elsewhere = tools(Config::for_development).await;
    let mut config = Config::default();
    config.for_development();
    let sdl = compose(&subgraphs()).result.unwrap().supergraph_sdl;
    let version = assemble::version(&config, &sdl, None, &Arc::new(Metrics::default()), None).unwrap();
    composed_elsewhere.front.swap(with_schema_tools(version, &config, Vec::new(), Problems::default()));
    let refused = composed_elsewhere.send(&check(USERS_SDL, JSON)).await;
    assert_eq!((refused.status, refused.code()), (400, "CHECK_NOT_POSSIBLE".to_owned()));
}

#[tokio::test]
async fn the_page_gets_its_settings_and_the_advice_for_errors() {
    let (router, _users, _orders) = router(|_| ()).await;
    let settings = router.get("/playground/config.json", "").await.json();
    assert_eq!(
        (&settings["plan"], &settings["exchanges"], &settings["schemaTools"]),
        (&json!(false), &json!(false), &json!(false))
    );
    let codes = router.get("/playground/errors.json", "").await.json();
    assert_eq!(codes["SUBREQUEST_TIMEOUT"]["advice"], "look at why it is slow");
    for file in [
        "playground.js",
        "completion.js",
        "docs.js",
        "dom.js",
        "language.js",
        "schema.js",
        "tabs.js",
        "tokens.js",
        "playground.css",
    ] {
        assert_eq!(router.get(&format!("/playground/{file}"), "").await.status, 200, "{file}");
    }
}

#[tokio::test]
async fn a_page_in_a_folder_may_be_compressed() {
    let folder = std::env::temp_dir().join(format!("braid-page-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    let mut packed = Vec::new();
    let script = b"console.log(1);".repeat(100);
    brotli::BrotliCompress(&mut &script[..], &mut packed, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    std::fs::write(folder.join("assets/a.js.br"), &packed).unwrap();
    std::fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    let (router, _users, _orders) =
        router(|config| config.server.playground.folder = Some(folder.to_str().unwrap().to_owned())).await;
    let taken = router.get("/assets/a.js", "accept-encoding: gzip, br\r\n").await;
    assert_eq!((taken.header("content-encoding").as_deref(), &taken.body), (Some("br"), &packed));
    for accepts in ["", "accept-encoding: gzip, br;q=0\r\n"] {
        let plain = router.get("/assets/a.js", accepts).await;
        assert_eq!((plain.header("content-encoding"), &plain.body), (None, &script));
        assert_eq!(plain.header("vary").as_deref(), Some("accept-encoding"));
    }
    assert_eq!(router.get("/assets/../index.html", "").await.status, 404);
    std::fs::remove_dir_all(folder).unwrap();
}
