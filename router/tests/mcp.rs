//! Tools for agents over HTTP and over `braid mcp`: which there are, what calls of them come to, who may call, and what a new list changes.
//! The official client of the protocol is asked too (`npm ci` in `tests/mcp-clients`); with `MCP_CLIENTS=required`, the test fails when it is
//! not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use braid::config::Config;
use braid_settings::from_yaml;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use support::{Answer, Subgraph, TestRouter, exchange, follow, good_subgraphs, router, supergraph};

const HEADERS: &str = "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n";

/// A POST to the endpoint for agents.
fn request(body: &str, headers: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

async fn send(address: SocketAddr, method: &str, params: Value, headers: &str) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    exchange(address, &request(&body.to_string(), &format!("{HEADERS}{headers}"))).await
}

/// The result of a call.
async fn call(address: SocketAddr, tool: &str, arguments: Value) -> Value {
    let answer = send(address, "tools/call", json!({ "name": tool, "arguments": arguments }), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    let answer = answer.json();
    assert_eq!(answer["id"], 7);
    answer["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn code(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["structuredContent"]["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{result}"))
}

async fn tools(address: SocketAddr) -> Vec<Value> {
    send(address, "tools/list", json!({}), "").await.json()["result"]["tools"].as_array().unwrap().clone()
}

async fn names(address: SocketAddr) -> Vec<String> {
    tools(address).await.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

const ME: &str = "# Who I am.\n# In two lines.\nquery Me($x: Int = 3) { me(x: $x) { name orders { total } } }";
const RENAME: &str = "mutation Rename($name: String!) { rename(name: $name) { id } }";

/// A folder with operations.
fn operations() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("me.graphql"), ME).unwrap();
    std::fs::write(folder.path().join("rename.graphql"), RENAME).unwrap();
    std::fs::write(folder.path().join("others.graphql"), "{ me { id } }").unwrap();
    std::fs::write(folder.path().join("search.graphql"), "query search { me { id } }").unwrap();
    folder
}

fn with_operations(config: &mut Config, folder: &Path, options: &str) {
    config.mcp = from_yaml(&format!("{{ enabled: true, {options} }}")).unwrap();
    config.mcp.operations.files = vec![folder.to_owned()];
}

#[tokio::test]
async fn operations_are_tools() {
    let folder = operations();
    let (router, users, orders) =
        router(|config| with_operations(config, folder.path(), "instructions: The shop.")).await;
    let client = json!({ "name": "a", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    let begin = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    // The version is agreed on here, and sent with what comes after it.
    let begun = exchange(router.address, &request(&begin, "accept: application/json, text/event-stream\r\n")).await;
    let begun = begun.json();
    assert_eq!(begun["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(begun["result"]["serverInfo"]["name"], "braid");
    assert_eq!(begun["result"]["instructions"], "The shop.");

    // What has no name, has the name of a tool, or changes something, is none.
    assert_eq!(names(router.address).await, ["search", "introspect", "execute", "Me"]);
    let all = tools(router.address).await;
    let me = &all[3];
    assert_eq!(me["description"], "Who I am. In two lines.");
    assert_eq!(me["title"], "Me");
    assert_eq!(me["annotations"]["readOnlyHint"], true);
    let x = &me["inputSchema"]["properties"]["x"];
    assert_eq!((&x["type"], &x["default"]), (&json!(["integer", "null"]), &json!(3)));
    let user = &me["outputSchema"]["properties"]["data"]["properties"]["me"];
    assert_eq!(user["properties"]["name"], json!({ "type": ["string", "null"] }));

    let result = call(router.address, "Me", json!({ "x": 1 })).await;
    let expected = json!({ "data": { "me": { "name": "Ada", "orders": [{ "total": 12.5 }] } } });
    assert_eq!((&result["structuredContent"], &result["isError"]), (&expected, &json!(false)));
    assert_eq!(text(&result), r#"{"data":{"me":{"name":"Ada","orders":[{"total":12.50}]}}}"#);
    assert_eq!((users.count(), orders.count()), (1, 1));

    assert_eq!(code(&call(router.address, "Me", json!({ "x": "one" })).await), "BAD_USER_INPUT");
    assert_eq!(code(&call(router.address, "Me", json!({ "y": 1, "x": [] })).await), "BAD_USER_INPUT");
    for unknown in ["Rename", "Nothing", ""] {
        let answer = send(router.address, "tools/call", json!({ "name": unknown, "arguments": {} }), "").await.json();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    assert_eq!((users.count(), orders.count()), (1, 1));
}

#[tokio::test]
async fn mutations_are_run_as_far_as_they_are_allowed() {
    let folder = operations();
    let text = "mutation { rename(name: \"B\") { id } }";
    for (mutations, is_tool, executes) in [("none", false, false), ("persisted", true, false), ("all", true, true)] {
        let options = format!("mutations: {mutations}");
        let (router, users, _orders) = router(|config| with_operations(config, folder.path(), &options)).await;
        let all = tools(router.address).await;
        let rename = all.iter().find(|tool| tool["name"] == "Rename");
        assert_eq!(rename.is_some(), is_tool, "{mutations}");
        if let Some(rename) = rename {
            let annotations = &rename["annotations"];
            assert_eq!((&annotations["readOnlyHint"], &annotations["destructiveHint"]), (&json!(false), &json!(true)));
            call(router.address, "Rename", json!({ "name": "B" })).await;
            assert!(users.seen.lock().unwrap().last().unwrap().body.contains("rename"), "{mutations}");
        }
        let before = users.count();
        for dry_run in [true, false] {
            let result = call(router.address, "execute", json!({ "query": text, "dry_run": dry_run })).await;
            if !executes {
                assert_eq!(code(&result), "MUTATION_NOT_ALLOWED_FOR_AGENTS");
            }
        }
        assert_eq!(users.count() - before, usize::from(executes), "{mutations}");
        let root = call(router.address, "introspect", json!({ "name": "Mutation" })).await;
        assert_eq!(root["isError"], !executes, "{mutations}");
    }
}

#[tokio::test]
async fn any_operation_is_executed_within_bounds() {
    let items: Vec<Value> = (0..300).map(|at| json!({ "id": at.to_string(), "total": at })).collect();
    let orders = Subgraph::json(move |_| json!({ "data": { "_entities": [{ "orders": items }] } }).to_string()).await;
    let users = Subgraph::json(|_| support::ME.to_owned()).await;
    let router = TestRouter::start(supergraph(&users.url(), &orders.url()), |config| {
        config.mcp = from_yaml("{ enabled: true, max_items: 50, max_answer_bytes: 2000B, max_cost: 100 }").unwrap();
        config.demand_control = from_yaml("{ mode: enforce, list_size: 10 }").unwrap();
        config.exposure.plan = true;
    })
    .await;
    let query = "query A($x: Int) { me(x: $x) { orders { id } } }";
    let planned =
        call(router.address, "execute", json!({ "query": query, "variables": { "x": 1 }, "dry_run": true })).await;
    let planned = &planned["structuredContent"];
    assert_eq!(
        (&planned["dryRun"], &planned["kind"], &planned["subgraphRequests"]),
        (&json!(true), &json!("query"), &json!(2))
    );
    assert!(planned["costEstimated"].as_u64().is_some_and(|cost| cost > 1), "{planned}");
    assert_eq!(planned["costMax"], 100);
    assert!(planned["plan"].as_str().unwrap().contains("users"), "{planned}");
    assert_eq!((users.count(), orders.count()), (0, 0), "nothing is sent for a dry run");

    let result = call(router.address, "execute", json!({ "query": query })).await;
    let answer = &result["structuredContent"];
    assert_eq!(answer["data"]["me"]["orders"].as_array().unwrap().len(), 50);
    assert_eq!(answer["truncated"], json!([{ "path": "data.me.orders", "items": 300, "shown": 50 }]));
    assert_eq!(serde_json::from_str::<Value>(text(&result)).unwrap(), *answer);
    assert!(text(&result).len() <= 2000);

    let deep = "{ me { a: orders { id } b: orders { id } c: orders { id } d: orders { id } e: orders { id } f: orders { id } g: orders { id } h: orders { id } i: orders { id } j: orders { id } k: orders { id } } }";
    let refused = call(router.address, "execute", json!({ "query": deep })).await;
    assert_eq!(code(&refused), "COST_ESTIMATED_TOO_EXPENSIVE");
    for (arguments, expected) in [
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "query A { me { id } } query B { me { id } }" }), "OPERATION_RESOLUTION_FAILURE"),
        (json!({ "query": query, "variables": { "x": "a" } }), "BAD_USER_INPUT"),
    ] {
        assert_eq!(code(&call(router.address, "execute", arguments).await), expected);
    }
    for arguments in [json!({}), json!({ "query": 1 }), json!({ "query": query, "more": 1 })] {
        let result = call(router.address, "execute", arguments).await;
        assert!(text(&result).contains("inputSchema") && result["isError"] == true, "{result}");
    }
}

#[tokio::test]
async fn the_schema_is_found_by_words() {
    let (router, users, orders) = router(|config| {
        config.mcp = from_yaml("enabled: true").unwrap();
        // The tools are the operator's decision.
        config.exposure.introspection = false;
    })
    .await;
    let found = call(router.address, "search", json!({ "query": "total of the orders" })).await;
    for part in ["Order.total", "type Order {", "total: Float", "orders: [Order!]", "me(x: Int): User"] {
        assert!(text(&found).contains(part), "{}\nlacks {part}", text(&found));
    }
    let described = call(router.address, "introspect", json!({ "name": "User", "depth": 1 })).await;
    for part in ["type User", "name: String", "type Order", "total: Float"] {
        assert!(text(&described).contains(part), "{}\nlacks {part}", text(&described));
    }
    let wrong = call(router.address, "introspect", json!({ "name": "Usr" })).await;
    assert!(text(&wrong).contains("Did you mean \"User\"?") && wrong["isError"] == true);
    let hidden = call(router.address, "execute", json!({ "query": "{ __schema { types { name } } }" })).await;
    assert_eq!(code(&hidden), "INTROSPECTION_DISABLED");
    assert_eq!((users.count(), orders.count()), (0, 0));
    let off = |config: &mut Config| {
        config.mcp = from_yaml("{ enabled: true, tools: { search: false, introspect: false } }").unwrap()
    };
    assert_eq!(names(support::router(off).await.0.address).await, ["execute"]);
}

#[tokio::test]
async fn there_is_nothing_unless_it_is_enabled() {
    let (router, _users, _orders) = router(|_| ()).await;
    assert_eq!(send(router.address, "tools/list", json!({}), "").await.status, 404);
    assert_eq!(router.get("/.well-known/oauth-protected-resource", "").await.status, 404);
}

/// The hash of "not-a-secret-key-for-tests".
const HASH: &str = "6f24c82c66d5063e02a2dcb3bf532b7799ead95d003d112b3e41e4bf5a2d7b3b";

#[tokio::test]
async fn callers_are_known_limited_and_logged_as_any_client() {
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    writeln!(keys, "- {{ name: reporting, sha256: {HASH}, claims: {{ sub: report }} }}").unwrap();
    let file = keys.path().display().to_string();
    let (router, users, _orders) = router(|config| {
        config.mcp = from_yaml("{ enabled: true, require_credentials: true }").unwrap();
        config.authentication = from_yaml(&format!("{{ api_keys: {{ file: {file} }} }}")).unwrap();
        config.headers = from_yaml("all: { request: [{ insert: { name: x-user, from: claims.sub } }] }").unwrap();
        config.rate_limits = from_yaml("rules: [{ name: all, limit: 5, per: 1h }]").unwrap();
    })
    .await;
    let answer = send(router.address, "tools/list", json!({}), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(answer.header("www-authenticate").as_deref(), Some("ApiKey"));
    assert_eq!(send(router.address, "tools/list", json!({}), "x-api-key: wrong\r\n").await.code(), "API_KEY_UNKNOWN");
    // The endpoint for GraphQL is as it was.
    assert_eq!(router.query("{ me { name } }").await.status, 200);

    let ask = || {
        send(
            router.address,
            "tools/call",
            json!({ "name": "execute", "arguments": { "query": "{ me { id } }" } }),
            "x-api-key: not-a-secret-key-for-tests\r\n",
        )
    };
    assert_eq!(ask().await.status, 200);
    let head = users.seen.lock().unwrap().last().unwrap().head.to_lowercase();
    assert!(head.contains("x-user: report"), "{head}");
    assert_eq!(ask().await.status, 200);
    let limited = ask().await;
    assert_eq!((limited.status, limited.code().as_str()), (429, "RATE_LIMITED"));
    assert!(limited.header("retry-after").is_some(), "{}", limited.head);
}

#[tokio::test]
async fn oauth_clients_are_told_where_tokens_come_from() {
    let (router, _users, _orders) = router(|config| {
        config.mcp = from_yaml("{ enabled: true, require_credentials: true, resource: { scopes: [a, b] } }").unwrap();
        let jwks = "keys: { url: { url: http://127.0.0.1:9/jwks.json } }";
        config.authentication = from_yaml(&format!(
            "jwt: {{ providers: [{{ name: id, issuers: ['https://id.example/', other], audiences: [shop], {jwks} }}] }}"
        ))
        .unwrap();
    })
    .await;
    let answer = send(router.address, "tools/list", json!({}), "").await;
    let challenge = answer.header("www-authenticate").unwrap();
    let place = "http://127.0.0.1/.well-known/oauth-protected-resource/mcp";
    assert_eq!((answer.status, challenge), (401, format!("Bearer resource_metadata=\"{place}\", scope=\"a b\"")));
    let invalid = send(router.address, "tools/list", json!({}), "authorization: Bearer x\r\n").await;
    let challenge = invalid.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\"") && challenge.contains(place), "{challenge}");
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let metadata = router.get(path, "").await;
        let expected = json!({
            "resource": "http://x/mcp",
            "authorization_servers": ["https://id.example/"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["a", "b"],
        });
        assert_eq!((metadata.status, metadata.json()), (200, expected));
    }
}

#[tokio::test]
async fn pages_of_other_sites_can_not_call() {
    let (router, _users, _orders) = router(|config| {
        config.mcp = from_yaml("{ enabled: true, hosts: [shop.example] }").unwrap();
        config.server.cors.origins = vec!["https://inspector.example".to_owned()];
    })
    .await;
    let list = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {} }).to_string();
    for (host, origin, expected) in [
        ("127.0.0.1:1", "http://127.0.0.1:1", 200),
        ("shop.example", "https://shop.example", 200),
        ("127.0.0.1:1", "https://inspector.example", 200),
        ("127.0.0.1:1", "https://evil.example", 403),
        ("rebound.example", "http://rebound.example", 403),
        ("127.0.0.1:1", "null", 403),
    ] {
        let headers = format!("{HEADERS}origin: {origin}\r\n");
        let bytes = String::from_utf8(request(&list, &headers)).unwrap();
        let answer =
            exchange(router.address, bytes.replacen("host: 127.0.0.1", &format!("host: {host}"), 1).as_bytes()).await;
        assert_eq!(answer.status, expected, "{host} {origin}: {}", answer.text());
        let is_read = answer.header("access-control-allow-origin").is_some();
        assert_eq!(is_read, origin == "https://inspector.example", "{}", answer.head);
    }
    let preflight = "OPTIONS /mcp HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: https://inspector.example\r\naccess-control-request-method: POST\r\naccess-control-request-headers: mcp-protocol-version\r\n\r\n";
    let answer = exchange(router.address, preflight.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-headers").as_deref()),
        (204, Some("mcp-protocol-version"))
    );
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let (router, users, orders) =
        router(|config| config.mcp = from_yaml("{ enabled: true, max_body_bytes: 10KB }").unwrap()).await;
    let check = async |bytes: Vec<u8>, status: u16, part: &str| {
        let answer = exchange(router.address, &bytes).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(part), "{}\nlacks {part}", answer.text());
    };
    check(request("{", HEADERS), 400, "-32700").await;
    check(request("[]", HEADERS), 400, "-32600").await;
    check(request("{}", HEADERS), 400, "-32600").await;
    check(request("\"x\"", HEADERS), 400, "-32600").await;
    check(request(&"[".repeat(9000), HEADERS), 400, "-32700").await;
    check(request(&" ".repeat(11_000), HEADERS), 413, "PAYLOAD_TOO_LARGE").await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    check(request(list, ""), 406, "").await;
    check(
        request(list, "accept: application/json, text/event-stream\r\nmcp-protocol-version: 1999-01-01\r\n"),
        400,
        "1999-01-01",
    )
    .await;
    let plain = String::from_utf8(request(list, HEADERS))
        .unwrap()
        .replace("content-type: application/json", "content-type: text/plain");
    check(plain.into_bytes(), 415, "").await;
    for method in ["GET", "DELETE"] {
        let bytes =
            format!("{method} /mcp HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: text/event-stream\r\n\r\n");
        check(bytes.into_bytes(), 405, "").await;
    }
    let unknown = send(router.address, "resources/list", json!({}), "").await;
    assert!(unknown.json()["error"]["code"].is_i64() || unknown.json()["result"].is_object(), "{}", unknown.text());
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    check(request(notification, HEADERS), 202, "").await;
    assert_eq!((users.count(), orders.count()), (0, 0));
}

#[tokio::test]
async fn newer_clients_say_their_version_with_each_request() {
    let (router, _users, _orders) = router(|config| config.mcp = from_yaml("enabled: true").unwrap()).await;
    let ask = async |method: &str, name: Option<&str>, mut params: Value| {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "a", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
        let name = name.map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
        let headers = format!(
            "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{name}"
        );
        exchange(router.address, &request(&body, &headers)).await
    };
    let found = ask("server/discover", None, json!({})).await;
    assert!(found.text().contains("2026-07-28"), "{}", found.text());
    let listed = ask("tools/list", None, json!({})).await.json();
    assert_eq!((&listed["result"]["ttlMs"], &listed["result"]["tools"][0]["name"]), (&json!(60_000), &json!("search")));
    let arguments = json!({ "name": "execute", "arguments": { "query": "{ me { id } }" } });
    let called = ask("tools/call", Some("execute"), arguments.clone()).await.json();
    assert_eq!(called["result"]["structuredContent"]["data"]["me"]["id"], "1", "{called}");
    assert_eq!(ask("tools/call", Some("search"), arguments).await.status, 400, "the header names another tool");
    // There is nothing to listen to.
    assert_eq!(ask("subscriptions/listen", None, json!({ "notifications": {} })).await.status, 404);
}

#[tokio::test]
async fn calls_end_in_time_and_before_the_router_does() {
    let slow = |millis: u64| {
        Subgraph::raw(move |_| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            support::ok(support::ME)
        })
    };
    let arguments = json!({ "query": "{ me { name } }" });
    let never = slow(60_000).await;
    let router = TestRouter::start(supergraph(&never.url(), &never.url()), |config| {
        config.mcp = from_yaml("enabled: true").unwrap();
        config.server.request_timeout = braid_settings::Duration::millis(200);
    })
    .await;
    let since = Instant::now();
    assert_eq!(code(&call(router.address, "execute", arguments.clone()).await), "GATEWAY_TIMEOUT");
    assert!(since.elapsed() < Duration::from_secs(10));

    let late = slow(700).await;
    let options = |config: &mut Config| config.mcp = from_yaml("enabled: true").unwrap();
    let mut router = TestRouter::start(supergraph(&late.url(), &late.url()), options).await;
    let address = router.address;
    let calling = tokio::spawn(async move { call(address, "execute", arguments).await });
    while late.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    router.begin_stop();
    assert_eq!(calling.await.unwrap()["structuredContent"]["data"]["me"]["name"], "Ada");
}

/// A router that follows a folder with router.yaml.
async fn following(folder: &Path) -> SocketAddr {
    let address = follow(folder.join("router.yaml")).await.unwrap().address;
    tokio::time::sleep(Duration::from_millis(50)).await;
    address
}

async fn until(address: SocketAddr, expected: &[&str]) {
    let since = Instant::now();
    loop {
        let found = names(address).await;
        if found == expected {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{found:?} and not {expected:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_follow_the_list_the_files_and_the_schema() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let sdl = supergraph(&users.url(), &orders.url());
    write("supergraph.graphql", &sdl);
    let list = |names: &[&str]| {
        let operations = names.iter().map(|name| json!({ "id": name, "body": format!("query {name} {{ me {{ name }} }}"), "name": name, "type": "query" }));
        json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": operations.collect::<Vec<_>>() }).to_string()
    };
    write("list.json", &list(&["A"]));
    std::fs::create_dir(folder.path().join("tools")).unwrap();
    write("tools/b.graphql", "query B { me { id } }");
    write(
        "router.yaml",
        "schema: { supergraph: supergraph.graphql }
telemetry: { access_log: { enabled: false } }
persisted_operations: { sources: [{ file: list.json }], mode: safelist }
mcp: { enabled: true, operations: { files: [tools] }, tools: { search: false, introspect: false } }
",
    );
    let address = following(folder.path()).await;
    // With a safelist, there is no tool for any operation.
    assert_eq!(names(address).await, ["B", "A"]);
    assert_eq!(call(address, "A", json!({})).await["structuredContent"]["data"]["me"]["name"], "Ada");
    write("list.json", &list(&["A", "C"]));
    until(address, &["B", "A", "C"]).await;
    assert_eq!(call(address, "C", json!({})).await["isError"], false);
    write("tools/d.graphql", "query D { me { id } }");
    until(address, &["B", "D", "A", "C"]).await;
    write("supergraph.graphql", &sdl.replace("id: ID! name: String @join", "id: ID! nick: String @join"));
    until(address, &["B", "D"]).await;
    // Listed operations have the router's word; those of files need to be listed too where there is a safelist.
    assert_eq!(code(&call(address, "B", json!({})).await), "QUERY_NOT_IN_SAFELIST");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_in_the_access_log() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("supergraph.graphql"), supergraph(&users.url(), &orders.url())).unwrap();
    let config =
        "{ schema: { supergraph: supergraph.graphql }, server: { listen: \"127.0.0.1:0\" }, mcp: { enabled: true } }";
    std::fs::write(folder.path().join("router.yaml"), config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["serve", "--config"])
        .arg(folder.path().join("router.yaml"))
        .env("LOG", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let address = tokio::task::block_in_place(|| {
        lines.find_map(|line| {
            let (_, rest) = line.split_once("Serving http://")?;
            rest.split_once('/')?.0.parse::<SocketAddr>().ok()
        })
    });
    let address = address.unwrap();
    call(address, "execute", json!({ "query": "query A { me { id } }" })).await;
    send(
        address,
        "tools/call",
        json!({ "name": "execute", "arguments": { "query": "mutation { rename(name: \"B\") { id } }" } }),
        "",
    )
    .await;
    exchange(address, &request("{}", &format!("{HEADERS}origin: https://evil.example\r\n"))).await;
    let mut logged = tokio::task::block_in_place(|| {
        let entries = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        entries.filter(|entry| entry["protocol"] == "mcp").take(3).collect::<Vec<_>>().into_iter()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let (executed, refused, foreign) = (logged.next().unwrap(), logged.next().unwrap(), logged.next().unwrap());
    assert_eq!(
        (&executed["called"], &executed["operation"], &executed["status"]),
        (&json!("execute"), &json!("A"), &json!(200))
    );
    assert_eq!(executed["fetches"].as_array().map(Vec::len), Some(1), "{executed}");
    assert_eq!(refused["errorCodes"], "MUTATION_NOT_ALLOWED_FOR_AGENTS", "{refused}");
    assert_eq!((&foreign["errorCodes"], &foreign["status"]), (&json!("ORIGIN_NOT_ALLOWED"), &json!(403)));
}

/// `braid mcp` while it runs.
struct Bridge {
    child: Child,
    lines: std::sync::mpsc::Receiver<Value>,
}

impl Bridge {
    fn start(url: &str, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_braid"))
            .args(["mcp", "--url", url])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, lines }
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    fn read(&self) -> Value {
        self.lines.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn ask(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.read()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_connected_over_standard_input() {
    let (users, orders) = good_subgraphs().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("supergraph.graphql", &supergraph(&users.url(), &orders.url()));
    write("a.graphql", "query A { me { name } }");
    let router = |files: &str| {
        format!(
            "schema: {{ supergraph: supergraph.graphql }}\ntelemetry: {{ access_log: {{ enabled: false }} }}\nmcp: {{ enabled: true, operations: {{ files: [{files}] }} }}\n"
        )
    };
    write("router.yaml", &router("a.graphql"));
    let address = following(folder.path()).await;
    let url = format!("http://{address}");
    tokio::task::block_in_place(|| {
        let mut bridge = Bridge::start(&url, &["--poll", "200ms"]);
        let begun = bridge.ask(json!("begin"), "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } }));
        assert_eq!(
            (&begun["id"], &begun["result"]["capabilities"]["tools"]["listChanged"]),
            (&json!("begin"), &json!(true))
        );
        bridge.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let called = bridge.ask(json!(2), "tools/call", json!({ "name": "A", "arguments": {} }));
        assert_eq!(called["result"]["structuredContent"]["data"]["me"]["name"], "Ada");
        let unknown = bridge.ask(json!(3), "tools/call", json!({ "name": "B", "arguments": {} }));
        assert_eq!((&unknown["id"], &unknown["error"]["code"]), (&json!(3), &json!(-32602)));
        bridge.child.stdin.as_mut().unwrap().write_all(b"not JSON\n").unwrap();
        assert!(bridge.read()["error"]["message"].as_str().unwrap().contains("not JSON-RPC"));
        // A client that starts programs is told when tools change.
        std::thread::sleep(Duration::from_millis(500));
        write("b.graphql", "query B { me { id } }");
        write("router.yaml", &router("a.graphql, b.graphql"));
        assert_eq!(bridge.read()["method"], "notifications/tools/list_changed");
        // It ends with its client.
        drop(bridge.child.stdin.take());
        assert!(bridge.child.wait().unwrap().success());

        let mut lost = Bridge::start("http://127.0.0.1:9/mcp", &[]);
        let failed = lost.ask(json!(1), "tools/list", json!({}));
        assert!(failed["error"]["message"].as_str().unwrap().starts_with("http://127.0.0.1:9/mcp: "), "{failed}");
        let mut other = Bridge::start(&format!("{url}/elsewhere"), &[]);
        let failed = other.ask(json!(1), "tools/list", json!({}));
        assert!(failed["error"]["message"].as_str().unwrap().contains("404"), "{failed}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_calls_every_tool() {
    let folder = operations();
    let (router, _users, _orders) =
        router(|config| with_operations(config, folder.path(), "mutations: persisted")).await;
    let clients = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mcp-clients");
    let url = format!("http://{}/mcp", router.address);
    let question = json!({ "url": url, "braid": env!("CARGO_BIN_EXE_braid") });
    let asked = || node::ask::<Value>(&clients, "MCP_CLIENTS", "client.mjs", &question);
    let Some(ran) = tokio::task::block_in_place(asked) else { return };
    for transport in ["http", "stdio"] {
        let ran = &ran[transport];
        assert_eq!(ran["server"], "braid", "{ran}");
        assert_eq!(ran["tools"], json!(["search", "introspect", "execute", "Me", "Rename"]));
        assert_eq!(ran["me"], json!({ "data": { "me": { "name": "Ada", "orders": [{ "total": 12.5 }] } } }));
        assert_eq!(ran["rename"]["isError"], false, "{ran}");
        assert!(ran["found"].as_str().unwrap().contains("type Order"), "{ran}");
        assert!(ran["described"].as_str().unwrap().contains("type User"), "{ran}");
        assert_eq!(ran["executed"], json!({ "data": { "me": { "id": "1" } } }));
        assert_eq!(ran["planned"]["dryRun"], true, "{ran}");
        assert_eq!((&ran["invalid"], &ran["unknown"]), (&json!("GRAPHQL_VALIDATION_FAILED"), &json!(-32602)), "{ran}");
    }
}
