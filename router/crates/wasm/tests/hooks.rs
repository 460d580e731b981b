//! Hooks on their own: what they see and change at each stage, and what becomes of those that fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod guest;

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_gateway::PolicyAuthorizer;
use braid_graphql::OperationType;
use braid_plugin::{
    ClientOperation, Entries, ExecutedStage, ExecutionStage, GraphQLResponse, OperationStage, Plugins, Refused,
    RequestStage, ResponseStage, Stage, StatusCode, SubgraphRequestStage, SubgraphResponseStage,
};
use braid_request_context::RequestContext;
use braid_request_context::headers::HeaderPlans;
use braid_request_context::identity::{CredentialKind, Identity, Principal};
use braid_telemetry::metrics::Metrics;
use braid_wasm::config::WasmConfig;
use braid_wasm::{Hooks, Programs};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, json};
use tempfile::TempDir;

/// Takes requests of tenants, and tells subgraphs which.
const TENANT: &str = r#"
  (if (call $has (str "x-tenant"))
    (then (call $put (str "x-org") (i32.load (i32.const 1028)) (i32.load (i32.const 1032))))
    (else (call $refuse (str "UNKNOWN_TENANT"))))"#;

/// Sets a header, and then does what the first letter of `x-fault` says.
const FAULTS: &str = r#"
  (call $put (str "x-half") (str "done"))
  (if (call $has (str "x-fault"))
    (then
      (if (i32.eq (i32.load8_u (i32.load (i32.const 1028))) (i32.const 108)) (then (loop $on (br $on))))
      (if (i32.eq (i32.load8_u (i32.load (i32.const 1028))) (i32.const 109))
        (then (loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)))
      (if (i32.eq (i32.load8_u (i32.load (i32.const 1028))) (i32.const 104))
        (then (loop $on (call $put (str "x-much") (i32.const 0) (i32.const 0)) (br $on))))
      (if (i32.eq (i32.load8_u (i32.load (i32.const 1028))) (i32.const 116)) (then (unreachable)))))"#;

struct World {
    folder: TempDir,
    metrics: Metrics,
    programs: Programs,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), metrics: Metrics::default(), programs: Programs::default() }
    }

    /// The hooks with these settings, in flow style, over files of this folder.
    fn hooks(&self, settings: &str) -> Result<Hooks, String> {
        let mut config: WasmConfig = serde_saphyr::from_str(&format!("hooks: [{settings}]")).unwrap();
        config.check().unwrap();
        config.resolve_files(self.folder.path());
        Hooks::new(&config, &self.programs, &self.metrics).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        })
    }

    fn write(&self, name: &str, component: &[u8]) {
        std::fs::write(self.folder.path().join(name), component).unwrap();
    }

    fn plugins(&self, component: &[u8], settings: &str) -> Plugins {
        self.write("hook.wasm", component);
        self.hooks(&format!("{{ file: hook.wasm, {settings} }}")).unwrap().after(Plugins::default())
    }

    fn shown(&self) -> String {
        self.metrics.encode()
    }
}

fn context(headers: &[(&'static str, &'static str)]) -> RequestContext {
    let (mut head, ()) = http::Request::post("/graphql?a=1").body(()).unwrap().into_parts();
    for (name, value) in headers {
        head.headers.append(*name, HeaderValue::from_static(value));
    }
    let plans = HeaderPlans::new(&Default::default(), ["a"].into_iter()).unwrap();
    RequestContext::new(head, Some(([127, 0, 0, 1], 9).into()), Duration::from_secs(9), Arc::new(plans))
}

async fn request(plugins: &Plugins, context: &mut RequestContext) -> Result<(), Refused> {
    plugins.request(RequestStage { context, body: &mut Bytes::from_static(b"{}") }).await
}

fn code(refused: &Refused) -> (u16, &str) {
    (refused.status.as_u16(), refused.errors[0].extensions["code"].as_str().unwrap())
}

#[tokio::test]
async fn a_hook_changes_headers_or_refuses() {
    let world = World::new();
    let plugins = world.plugins(&guest::hook(&[(guest::REQUEST, TENANT)]), "config: { a: 1 }");
    assert!(plugins.take_part_in(Stage::Request) && !plugins.take_part_in(Stage::Operation));
    let mut known = context(&[("x-tenant", "acme"), ("x-tenant", "globex")]);
    request(&plugins, &mut known).await.unwrap();
    assert_eq!((&known.headers["x-org"], known.headers.len()), (&HeaderValue::from_static("acme, globex"), 3));
    let refused = request(&plugins, &mut context(&[])).await.unwrap_err();
    assert_eq!((code(&refused), refused.errors[0].message.as_str()), ((403, "UNKNOWN_TENANT"), "No."));
    let shown = world.shown();
    for line in [
        r#"braid_wasm_hook_calls_total{hook="hook",stage="on-request",outcome="Continued"} 1"#,
        r#"braid_wasm_hook_calls_total{hook="hook",stage="on-request",outcome="Refused"} 1"#,
        r#"braid_wasm_hook_call_duration_seconds_count{hook="hook",stage="on-request"} 2"#,
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}

#[tokio::test]
async fn a_hook_that_fails_refuses_and_the_next_call_has_another_instance() {
    let world = World::new();
    let component = guest::hook(&[(guest::REQUEST, FAULTS)]);
    let plugins = world.plugins(&component, "timeout: 20ms, max_memory: 1MiB");
    for fault in ["loop", "memory", "trap", "hoard"] {
        let began = Instant::now();
        let refused = request(&plugins, &mut context(&[("x-fault", fault)])).await.unwrap_err();
        assert_eq!(code(&refused), (503, "WASM_HOOK_FAILED"), "{fault}");
        assert!(began.elapsed() < Duration::from_secs(2), "{fault} took {:?}", began.elapsed());
        let mut well = context(&[("x-fault", "none")]);
        request(&plugins, &mut well).await.unwrap();
        assert_eq!(well.headers["x-half"], "done");
    }
    let failed = r#"outcome="Failed"} 4"#;
    assert!(world.shown().contains(failed), "{}", world.shown());
}

#[tokio::test]
async fn a_request_goes_on_without_a_hook_that_fails_where_it_may() {
    let world = World::new();
    let component = guest::hook(&[(guest::REQUEST, FAULTS)]);
    let plugins = world.plugins(&component, "on_error: continue, max_memory: 1MiB");
    for fault in ["memory", "trap"] {
        let mut goes_on = context(&[("x-fault", fault)]);
        request(&plugins, &mut goes_on).await.unwrap();
        assert_eq!(goes_on.headers.len(), 1, "{fault}: {:?}", goes_on.headers);
    }
}

#[tokio::test]
async fn fuel_is_a_limit_that_does_not_depend_on_time() {
    let world = World::new();
    let component = guest::hook(&[(guest::REQUEST, FAULTS)]);
    let plugins = world.plugins(&component, "max_fuel: 100000, timeout: 1h");
    let refused = request(&plugins, &mut context(&[("x-fault", "loop")])).await.unwrap_err();
    assert_eq!(code(&refused), (503, "WASM_HOOK_FAILED"));
    request(&plugins, &mut context(&[("x-fault", "none")])).await.unwrap();
}

#[tokio::test]
async fn all_stages_reach_the_functions_of_their_names() {
    const MARK: &str = r#"(call $put (str "x-seen") (str "yes"))"#;
    let world = World::new();
    let name = format!(r#"{MARK} (call $set-name (i32.const 1) (str "Other") (i32.const 1024))"#);
    let extension = format!(r#"{MARK} (call $set-extension (str "a") (str "[1]") (i32.const 1024))"#);
    let answer = format!(r#"{MARK} (call $set-answer-status (i32.const 418) (i32.const 1024))"#);
    let status = format!(r#"{MARK} (call $set-status (i32.const 99) (i32.const 1024))"#);
    let handlers = guest::ALL.map(|stage| match stage {
        "on-operation" | "on-execution" => (stage, name.as_str()),
        "on-subgraph-request" => (stage, extension.as_str()),
        "on-executed" => (stage, answer.as_str()),
        "on-response" => (stage, status.as_str()),
        _ => (stage, MARK),
    });
    let plugins = world.plugins(&guest::hook(&handlers), "");
    assert!(Stage::ALL.into_iter().all(|stage| plugins.take_part_in(stage)));
    let mut context = context(&[]);
    let seen = |headers: &mut HeaderMap| headers.remove("x-seen").unwrap() == "yes";
    request(&plugins, &mut context).await.unwrap();
    assert!(seen(&mut context.headers));

    let mut operation = ClientOperation { query: Some("{ a }".to_owned()), ..ClientOperation::default() };
    plugins.operation(OperationStage { context: &mut context, operation: &mut operation }).await.unwrap();
    assert!(seen(&mut context.headers));
    assert_eq!((operation.query.as_deref(), operation.operation_name.as_deref()), (Some("{ a }"), Some("Other")));

    // The operation is planned already: saying so is no failure.
    let operation = Arc::new(ClientOperation::default());
    let stage =
        ExecutionStage { context: &mut context, operation: &operation, name: Some("A"), kind: OperationType::Query };
    plugins.execution(stage).await.unwrap();
    assert!(seen(&mut context.headers) && operation.operation_name.is_none());

    let (context, mut headers, mut extensions) = (Arc::new(context), HeaderMap::new(), Map::new());
    let stage = SubgraphRequestStage {
        context: &context,
        subgraph: "a",
        url: "http://a/",
        kind: OperationType::Query,
        number: 7,
        body: &Bytes::from_static(b"{}"),
        headers: &mut headers,
        extensions: &mut extensions,
    };
    plugins.subgraph_request(stage).await.unwrap();
    assert!(seen(&mut headers));
    assert_eq!(extensions["a"], json!([1]));

    let (mut status, mut body) = (200, Bytes::from_static(b"{}"));
    let stage = SubgraphResponseStage {
        context: &context,
        subgraph: "a",
        number: 7,
        status: &mut status,
        headers: &mut headers,
        body: &mut body,
    };
    plugins.subgraph_response(stage).await.unwrap();
    assert!(seen(&mut headers) && body == "{}" && status == 200);

    let mut response = GraphQLResponse::parse(br#"{"data":{"n":1e400}}"#).unwrap();
    let mut status = StatusCode::OK;
    let stage = ExecutedStage {
        context: &context,
        name: None,
        response: &mut response,
        status: &mut status,
        headers: &mut headers,
    };
    plugins.executed(stage).await.unwrap();
    assert!(seen(&mut headers) && status == StatusCode::IM_A_TEAPOT);
    assert_eq!(response.to_bytes(), r#"{"data":{"n":1e400}}"#);

    // No status that can be sent: nothing is set.
    let stage = ResponseStage { context: &context, status: &mut status, headers: &mut headers, body: Some(&mut body) };
    plugins.response(stage).await.unwrap();
    assert!(seen(&mut headers) && status == StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn claims_make_somebody_known_and_entries_reach_later_stages() {
    const SIGN_IN: &str = r#"
      (call $set-claims (i32.const 1) (str "{\22sub\22:\22ada\22}") (i32.const 1024))
      (call $set-entry (str "shop::tenant") (i32.const 1) (str "\22acme\22") (i32.const 1024))"#;
    const USE: &str = r#"
      (call $entry (str "shop::tenant") (i32.const 1024))
      (call $put (str "x-entry") (i32.load (i32.const 1028)) (i32.load (i32.const 1032)))
      (call $claim (str "sub") (i32.const 1024))
      (call $put (str "x-sub") (i32.load (i32.const 1028)) (i32.load (i32.const 1032)))
      (call $header (str "x-client") (i32.const 1024))
      (call $put (str "x-client-says") (i32.load (i32.const 1028)) (i32.load (i32.const 1032)))"#;
    let world = World::new();
    let component = guest::hook(&[(guest::REQUEST, SIGN_IN), (guest::RESPONSE, USE)]);
    let plugins = world.plugins(&component, "");
    let mut context = context(&[("x-client", "web")]);
    request(&plugins, &mut context).await.unwrap();
    let Identity::Known(principal) = &context.identity else { panic!("{:?}", context.identity) };
    assert_eq!((principal.kind, &*principal.source), (CredentialKind::Plugin, "wasm"));
    assert_eq!(Entries::of(&context).unwrap().get("shop::tenant"), Some("acme".into()));
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    let context = Arc::new(context);
    let stage = ResponseStage { context: &context, status: &mut status, headers: &mut headers, body: None };
    plugins.response(stage).await.unwrap();
    let found: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(found, [("x-entry", "\"acme\""), ("x-sub", "\"ada\""), ("x-client-says", "web")]);
}

#[test]
fn components_that_cannot_be_used_are_named_with_the_reason() {
    let world = World::new();
    let check = |component: &[u8], settings: &str, expected: &str| {
        world.write("hook.wasm", component);
        let error = world.hooks(&format!("{{ file: hook.wasm, {settings} }}")).unwrap_err();
        assert!(error.contains("hook.wasm can't be used") && error.contains(expected), "{error}");
    };
    let parse = |text: &str| wat::parse_str(text).unwrap();
    check(b"nothing", "", "");
    check(&parse("(module)"), "", "is a WebAssembly module and no component");
    check(&parse("(component)"), "", "it exports no stage");
    let foreign = parse(r#"(component (import "wasi:http/handler@0.2.0" (instance)))"#);
    check(&foreign, "", "it imports wasi:http/handler@0.2.0, which hooks don't get");
    let newer = r#"(component (instance $a) (export "braid:hooks/on-request@0.9.0" (instance $a)))"#;
    check(&parse(newer), "", "it exports braid:hooks/on-request@0.9.0, which this router does not know");
    check(&guest::hook(&[(guest::REQUEST, "")]), "config: not today", "it does not start: \"not today\"");
    check(&guest::hook(&[(guest::REQUEST, "")]), "max_memory: 64KiB", "max_memory");
    let missing = world.hooks("{ file: missing.wasm }").unwrap_err();
    assert!(missing.contains("missing.wasm can't be used: it can't be read"), "{missing}");
}

/// Grants one policy.
#[derive(Debug)]
struct Grants(&'static str);

impl PolicyAuthorizer for Grants {
    fn satisfied<'a>(
        &'a self,
        policies: &'a [String],
        _: Option<&'a Arc<Principal>>,
        _: Instant,
    ) -> BoxFuture<'a, Vec<usize>> {
        let at = policies.iter().position(|policy| policy == self.0);
        Box::pin(std::future::ready(at.into_iter().collect()))
    }
}

#[tokio::test]
async fn policies_that_no_hook_grants_are_asked_of_the_next() {
    let world = World::new();
    world.write("hook.wasm", &guest::policies());
    let hooks = world.hooks("{ file: hook.wasm }").unwrap();
    assert!(!hooks.after(Plugins::default()).take_part_in(Stage::Request));
    let authorizer = hooks.before(Some(Arc::new(Grants("b")))).unwrap();
    let policies = ["a".to_owned(), "b".to_owned()];
    let claims = json!({ "sub": "ada" }).as_object().unwrap().clone();
    let ada = Arc::new(Principal { claims, source: "id".into(), kind: CredentialKind::Jwt, expires: None });
    assert_eq!(authorizer.satisfied(&policies, Some(&ada), Instant::now()).await, [0, 1]);
    assert_eq!(authorizer.satisfied(&policies, None, Instant::now()).await, [1]);
    assert!(hooks.before(None).is_some());
    assert_eq!(world.hooks("").unwrap().before(None).map(|_| ()), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_the_same_time_have_instances_of_their_own() {
    let world = World::new();
    let plugins = world.plugins(&guest::hook(&[(guest::REQUEST, TENANT)]), "");
    let tasks = (0..4).map(|_| {
        let plugins = plugins.clone();
        tokio::spawn(async move {
            for _ in 0..500 {
                let mut known = context(&[("x-tenant", "acme")]);
                request(&plugins, &mut known).await.unwrap();
                assert_eq!(known.headers["x-org"], "acme");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[test]
fn the_same_component_is_compiled_once() {
    let world = World::new();
    world.write("hook.wasm", &guest::hook(&[(guest::REQUEST, TENANT)]));
    let settings = "{ file: hook.wasm }";
    let began = Instant::now();
    let first = world.hooks(settings).unwrap();
    let compiled = began.elapsed();
    let began = Instant::now();
    let _again: Vec<_> = (0..10).map(|_| world.hooks(settings).unwrap()).collect();
    assert!(began.elapsed() / 10 < compiled / 2, "{:?} and {compiled:?}", began.elapsed() / 10);
    drop(first);
}

#[test]
fn examples_have_the_wit_of_this_crate() {
    let wit = std::fs::read_to_string("wit/braid-hooks.wit").unwrap();
    for example in ["wasm-hook-rust", "wasm-hook-typescript"] {
        let copy = format!("../../../examples/{example}/wit/deps/braid-hooks/braid-hooks.wit");
        assert!(std::fs::read_to_string(&copy).unwrap() == wit, "copy wit/braid-hooks.wit to {copy}");
    }
}
