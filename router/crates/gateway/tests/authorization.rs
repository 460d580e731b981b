//! What clients may not see is asked of nobody, and is null with an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use braid_authorization::config::{AuthorizationConfig, ErrorPlace, Mode, PolicyGrant};
use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::refusal::{Refusal, RefusalStatus};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, GatewayConfig, PolicyAuthorizer, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::{CredentialKind, Identity, Principal};
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

const LINK: &str = r#"
    extend schema @link(
        url: "https://specs.apollo.dev/federation/v2.9"
        import: ["@key", { name: "@authenticated", as: "@signedIn" }, "@requiresScopes", "@policy"]
    )
"#;

const SHOP: &str = r#"
    type Query { me: User @signedIn  items: [Item]  item: Item  kind: Kind  first: Product! }
    union Item = Product | Secret
    type Product {
        name: String!
        cost: Int @requiresScopes(scopes: [["cost:read"], ["admin", "audit"]])
        margin: Int! @policy(policies: [["finance"]])
        discount: Int @policy(policies: [["sales", "discounts"], ["finance"]])
    }
    type Secret @signedIn { text: String }
    type User { email: String }
    enum Kind @signedIn { A }
"#;

/// Gives all there is, whatever it is asked.
#[derive(Debug, Default)]
struct Everything {
    asked: Mutex<Vec<String>>,
}

impl SubgraphService for Everything {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.asked.lock().unwrap().push(String::from_utf8(request.body.to_vec()).unwrap());
        let product =
            json!({ "__typename": "Product", "name": "Chair", "cost": 5, "c": 5, "margin": 2, "discount": 1 });
        let secret = json!({ "__typename": "Secret", "text": "x" });
        let body = json!({ "data": {
            "me": { "email": "a@b.c" }, "items": [product, secret], "item": secret, "kind": "A", "first": product,
        } });
        Ok(SubgraphResponse::new(200, Bytes::from(body.to_string()), SubgraphHeaders::default()))
    }
}

fn gateway(configure: impl FnOnce(&mut AuthorizationConfig)) -> Arc<Gateway<Everything>> {
    gateway_with(configure, None)
}

fn gateway_with(
    configure: impl FnOnce(&mut AuthorizationConfig),
    policy_authorizer: Option<Arc<dyn PolicyAuthorizer>>,
) -> Arc<Gateway<Everything>> {
    let shop = SubgraphSdl { name: "shop".to_owned(), sdl: format!("{LINK}{SHOP}"), ..SubgraphSdl::default() };
    let composed = compose(&[shop]).result.expect("the subgraph composes");
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    assert!(supergraph.demanded_features().is_empty());
    let mut config = GatewayConfig { policy_authorizer, ..GatewayConfig::default() };
    configure(&mut config.authorization);
    Arc::new(Gateway::new(supergraph, Everything::default(), &config, &Arc::new(Metrics::default())).unwrap())
}

/// Grants one policy, and counts.
#[derive(Debug, Default)]
struct Grants {
    policy: &'static str,
    asked: Mutex<Vec<Vec<String>>>,
}

impl PolicyAuthorizer for Grants {
    fn satisfied<'a>(
        &'a self,
        policies: &'a [String],
        _: Option<&'a Arc<Principal>>,
        _: Instant,
    ) -> BoxFuture<'a, Vec<usize>> {
        self.asked.lock().unwrap().push(policies.to_vec());
        let satisfied = policies.iter().enumerate().filter(|(_, policy)| *policy == self.policy).map(|(at, _)| at);
        Box::pin(std::future::ready(satisfied.collect()))
    }
}

fn somebody(claims: &Value) -> Identity {
    let claims = claims.as_object().unwrap().clone();
    Identity::Known(Arc::new(Principal { claims, source: "test".into(), kind: CredentialKind::Jwt, expires: None }))
}

async fn ask(gateway: &Arc<Gateway<Everything>>, query: &str, identity: Identity) -> Result<Executed, Refusal> {
    gateway.subgraphs.asked.lock().unwrap().clear();
    let (head, ()) = http::Request::new(()).into_parts();
    let mut context = gateway.context(head, None, Duration::from_secs(60));
    context.identity = identity;
    let query = serde_json::to_string(query).unwrap().into();
    let request = GraphQLRequest { query: Some(query), ..GraphQLRequest::default() };
    answer(gateway, &request, &Arc::new(context), Accepts::WHOLE).await?.executed()
}

/// Data and the paths of errors; no request may have one of the words.
async fn check(
    gateway: &Arc<Gateway<Everything>>,
    query: &str,
    identity: Identity,
    data: Value,
    paths: Value,
    words: &[&str],
) {
    let executed = ask(gateway, query, identity).await.unwrap();
    let response: Value = serde_json::from_slice(&executed.response.bytes).unwrap();
    assert_eq!(response["data"], data, "{query}");
    let errors = response["errors"].as_array().cloned().unwrap_or_default();
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"), "{response}");
    let found: Value = errors.iter().map(|error| error["path"].clone()).collect();
    assert_eq!(found, paths, "{query}");
    let asked = gateway.subgraphs.asked.lock().unwrap().join("\n");
    assert!(words.iter().all(|word| !asked.contains(word)), "{query}: {asked}");
}

#[tokio::test]
async fn what_may_not_be_seen_is_null_and_asked_of_nobody() {
    let gateway = gateway(|_| {});
    let nobody = || Identity::Anonymous;
    let known = || somebody(&json!({ "sub": "1" }));
    let query = "{ me { email } items { ... on Product { name cost } ... on Secret { text } } }";
    let nothing = json!({ "me": null, "items": [{ "name": "Chair", "cost": null }, null] });
    let paths = json!([["me"], ["items", 0, "cost"], ["items", 1]]);
    check(&gateway, query, nobody(), nothing, paths, &["me{", "email", "cost", "text"]).await;
    let some = json!({ "me": { "email": "a@b.c" }, "items": [{ "name": "Chair", "cost": null }, { "text": "x" }] });
    check(&gateway, query, known(), some, json!([["items", 0, "cost"]]), &["cost"]).await;
    // Under another name, in a fragment, and beside something that may be seen.
    let query = "{ items { ...p } } fragment p on Product { name c: cost }";
    let data = json!({ "items": [{ "name": "Chair", "c": null }, null] });
    check(&gateway, query, nobody(), data, json!([["items", 0, "c"], ["items", 1]]), &["cost"]).await;
    // An object that may not be seen is null whatever is asked of it.
    check(&gateway, "{ item { __typename } }", nobody(), json!({ "item": null }), json!([["item"]]), &["text"]).await;
    check(&gateway, "{ item { ... on Product { name } } }", nobody(), json!({ "item": null }), json!([["item"]]), &[])
        .await;
    // The type of a leaf counts too.
    check(&gateway, "{ kind }", nobody(), json!({ "kind": null }), json!([["kind"]]), &["kind"]).await;
    // Null goes up to where it may be.
    check(&gateway, "{ first { name margin } }", nobody(), Value::Null, json!([["first", "margin"]]), &["margin"])
        .await;
    // When nothing is left, nobody is asked.
    check(&gateway, "{ me { email } }", nobody(), json!({ "me": null }), json!([["me"]]), &["query"]).await;
    // The schema itself is no secret.
    let schema = json!({ "__type": { "name": "Secret" } });
    check(&gateway, "{ __type(name: \"Secret\") { name } }", nobody(), schema, json!([]), &[]).await;
}

#[tokio::test]
async fn scopes_and_policies_are_claims() {
    let gateway = gateway(|config| {
        config
            .policies
            .grants
            .insert("finance".to_owned(), PolicyGrant { claim: "org.roles".to_owned(), has: Some("cfo".to_owned()) });
    });
    let cost = "{ items { ... on Product { cost } } }";
    let margin = "{ first { margin } }";
    for (claims, sees_cost, sees_margin) in [
        (json!({ "scope": "cost:read" }), true, false),
        (json!({ "scp": ["audit", "admin"] }), true, false),
        (json!({ "scope": "admin", "scp": ["audit"] }), true, false),
        (json!({ "scope": "admin" }), false, false),
        (json!({ "scope": "cost:readonly" }), false, false),
        (json!({ "scopes": "cost:read" }), false, false),
        (json!({ "policies": ["finance"] }), false, true),
        (json!({ "org": { "roles": ["cfo"] } }), false, true),
        (json!({ "org": { "roles": "cfo cto" } }), false, false),
    ] {
        let executed = ask(&gateway, cost, somebody(&claims)).await.unwrap();
        assert_eq!(executed.response.refused == 0, sees_cost, "{claims}");
        let executed = ask(&gateway, margin, somebody(&claims)).await.unwrap();
        assert_eq!(executed.response.refused == 0, sees_margin, "{claims}");
    }
}

#[tokio::test]
async fn an_operation_is_compiled_once_for_equal_permissions() {
    let gateway = gateway(|_| {});
    let query = "{ items { ... on Product { name cost } } }";
    let reader = |sub: &str| somebody(&json!({ "sub": sub, "scope": "cost:read" }));
    for (identity, cached) in [
        (Identity::Anonymous, false),
        (Identity::Anonymous, true),
        (reader("1"), false),
        (reader("2"), true),
        (somebody(&json!({ "sub": "3" })), false),
        (Identity::Anonymous, true),
    ] {
        assert_eq!(ask(&gateway, query, identity).await.unwrap().cached, cached);
    }
    // What requires nothing is compiled once for all.
    let query = "{ first { name } }";
    assert!(!ask(&gateway, query, Identity::Anonymous).await.unwrap().cached);
    assert!(ask(&gateway, query, reader("1")).await.unwrap().cached);
}

#[tokio::test]
async fn errors_go_where_the_configuration_says() {
    let query = "{ kind first { name } }";
    let data = json!({ "kind": null, "first": { "name": "Chair" } });
    for (place, expected) in [
        (ErrorPlace::Errors, json!({ "data": data, "errors": [1] })),
        (ErrorPlace::Extensions, json!({ "data": data, "extensions": { "authorizationErrors": [1] } })),
        (ErrorPlace::Nowhere, json!({ "data": data })),
    ] {
        let gateway = gateway(|config| config.errors = place);
        let executed = ask(&gateway, query, Identity::Anonymous).await.unwrap();
        let mut response: Value = serde_json::from_slice(&executed.response.bytes).unwrap();
        for errors in [response.get_mut("errors"), None].into_iter().flatten() {
            *errors = json!([errors.as_array().unwrap().len()]);
        }
        if let Some(errors) = response.pointer_mut("/extensions/authorizationErrors") {
            *errors = json!([errors.as_array().unwrap().len()]);
        }
        assert_eq!(response, expected);
        let more = executed.response.bytes_with_extensions(br#"{"a":1}"#);
        assert_eq!(serde_json::from_slice::<Value>(&more).unwrap()["extensions"]["a"], 1);
    }
}

#[tokio::test]
async fn a_whole_operation_is_refused_or_nothing_is() {
    let query = "{ kind first { name } }";
    let gateway_of = |mode, dry_run| {
        gateway(|config| {
            config.mode = mode;
            config.dry_run = dry_run;
        })
    };
    let rejecting = gateway_of(Mode::Reject, false);
    for (query, identity, status) in [
        (query, Identity::Anonymous, Some(401)),
        ("{ first { margin } }", somebody(&json!({})), Some(403)),
        (query, somebody(&json!({})), None),
        ("{ first { name } }", Identity::Anonymous, None),
    ] {
        let found = match ask(&rejecting, query, identity).await {
            Ok(_) => None,
            Err(Refusal { status: RefusalStatus::Fixed(status), errors, .. }) => {
                assert_eq!(errors[0].code(), Some("UNAUTHORIZED_OPERATION"));
                Some(status.as_u16())
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found, status, "{query}");
    }
    let trying = gateway_of(Mode::Reject, true);
    let executed = ask(&trying, query, Identity::Anonymous).await.unwrap();
    assert_eq!(executed.response.bytes, r#"{"data":{"kind":"A","first":{"name":"Chair"}}}"#);
    assert_eq!(&*executed.operation.refused, ["Query.kind"]);
    let off = gateway(|config| config.enabled = false);
    assert_eq!(ask(&off, query, Identity::Anonymous).await.unwrap().response.errors, 0);
}

#[tokio::test]
async fn policies_are_decided_together_and_only_where_they_matter() {
    let finance = Arc::new(Grants { policy: "finance", ..Grants::default() });
    let gateway = gateway_with(|_| {}, Some(finance.clone()));
    let nobody = || Identity::Anonymous;
    let query = "{ first { name } }";
    check(&gateway, query, nobody(), json!({ "first": { "name": "Chair" } }), json!([]), &[]).await;
    assert!(finance.asked.lock().unwrap().is_empty(), "nothing depends on a policy");
    let query = "{ first { margin discount } }";
    for _ in 0..2 {
        let all = json!({ "first": { "margin": 2, "discount": 1 } });
        check(&gateway, query, nobody(), all, json!([]), &[]).await;
        let mut asked = std::mem::take(&mut *finance.asked.lock().unwrap());
        asked.iter_mut().for_each(|policies| policies.sort());
        assert_eq!(asked, [["discounts", "finance", "sales"]], "all at once");
    }
    // What claims say needs no decision.
    let claimed = || somebody(&json!({ "policies": ["finance"] }));
    check(&gateway, query, claimed(), json!({ "first": { "margin": 2, "discount": 1 } }), json!([]), &[]).await;
    assert!(finance.asked.lock().unwrap().is_empty());
    // Both of "sales" and "discounts" are needed.
    let sales = Arc::new(Grants { policy: "sales", ..Grants::default() });
    let gateway = gateway_with(|_| {}, Some(sales));
    let query = "{ first { name discount } }";
    let data = json!({ "first": { "name": "Chair", "discount": null } });
    check(&gateway, query, nobody(), data, json!([["first", "discount"]]), &["discount"]).await;
    let claimed = somebody(&json!({ "policies": "discounts" }));
    check(&gateway, query, claimed, json!({ "first": { "name": "Chair", "discount": 1 } }), json!([]), &[]).await;
    assert!(gateway.prepare(&request(query)).await.is_ok(), "warming up asks nobody");
}

fn request(query: &str) -> GraphQLRequest<'static> {
    let query = Some(serde_json::to_string(query).unwrap().into());
    GraphQLRequest { query, ..GraphQLRequest::default() }
}
