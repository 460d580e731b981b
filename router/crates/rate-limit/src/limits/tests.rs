use std::net::SocketAddr;
use std::time::Duration;

use braid_request_context::headers::HeaderPlans;
use braid_request_context::identity::{CredentialKind, Principal};
use braid_request_context::{Identity, RequestContext};
use http::HeaderMap;
use serde_json::json;

use super::*;
use crate::LimitsByGraph;
use crate::request::Refused;

fn version(yaml: &str, metrics: &Metrics, previous: Option<&LimitsByGraph>) -> LimitsByGraph {
    let config: RateLimitsConfig = braid_settings::from_yaml(yaml).unwrap();
    LimitsByGraph::new(&config, [], metrics, previous).unwrap().unwrap()
}

fn limits(yaml: &str, metrics: &Metrics) -> Arc<RateLimits> {
    version(yaml, metrics, None).of(None).unwrap().clone()
}

fn only(yaml: &str) -> Arc<RateLimits> {
    limits(yaml, &Metrics::default())
}

/// The context of a request from this client; anonymous if `user` is empty.
fn context(client: u32, user: &str) -> RequestContext {
    let (head, ()) = http::Request::new(()).into_parts();
    let plans = HeaderPlans::new(&Default::default(), std::iter::empty()).unwrap();
    let peer = SocketAddr::from((client.to_be_bytes(), 9));
    let mut context = RequestContext::new(head, Some(peer), Duration::from_secs(1), Arc::new(plans));
    if !user.is_empty() {
        let claims = json!({ "sub": user }).as_object().unwrap().clone();
        let (source, kind) = ("id".into(), CredentialKind::Jwt);
        context.identity = Identity::Known(Arc::new(Principal { claims, source, kind, expires: None }));
    }
    context
}

/// Sends a request. Returns what the rules say, and the value of a header of the response.
async fn send(limits: &Arc<RateLimits>, client: u32, user: &str) -> (Result<(), Refused>, HeaderMap) {
    let context = context(client, user);
    let request = limits.begin();
    let outcome = request.check_head(&context, 1).await;
    let mut headers = HeaderMap::new();
    request.write_headers(&mut headers);
    (outcome, headers)
}

async fn passed(limits: &Arc<RateLimits>, times: u32, client: u32, user: &str) -> u32 {
    let mut passed = 0;
    for _ in 0..times {
        passed += u32::from(send(limits, client, user).await.0.is_ok());
    }
    passed
}

#[tokio::test]
async fn each_key_has_its_own_quota() {
    let limits = only("rules: [{ name: user, by: [claims.sub], limit: 3, per: 1h }]");
    assert_eq!(passed(&limits, 5, 1, "ada").await, 3);
    assert_eq!(passed(&limits, 5, 1, "bob").await, 3);
    // Anonymous clients are counted by their address.
    assert_eq!(passed(&limits, 5, 1, "").await, 3);
    assert_eq!(passed(&limits, 5, 2, "").await, 3);
    let limits = only("rules: [{ name: user, by: [claims.sub], missing: skip, limit: 3, per: 1h }]");
    assert_eq!(passed(&limits, 5, 1, "").await, 5);
    let limits = only("rules: [{ name: all, limit: 3, per: 1h }]");
    assert_eq!(passed(&limits, 2, 1, "ada").await + passed(&limits, 5, 2, "bob").await, 3);
}

#[tokio::test]
async fn responses_say_what_is_left() {
    let limits = only("rules: [{ name: ip, by: [client_ip], limit: 60, per: 1m, burst: 2 }]");
    let value = |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let (outcome, headers) = send(&limits, 1, "").await;
    assert!(outcome.is_ok());
    assert_eq!(value(&headers, "ratelimit-policy").as_deref(), Some("\"ip\";q=60;w=60"));
    assert_eq!(value(&headers, "ratelimit").as_deref(), Some("\"ip\";r=1;t=1"));
    assert_eq!(value(&headers, "retry-after"), None);
    send(&limits, 1, "").await.0.unwrap();
    let (outcome, headers) = send(&limits, 1, "").await;
    let refused = outcome.unwrap_err();
    assert_eq!(refused.to_string(), "Too many requests: the limit \"ip\" is 60 in 60s. Try again in 1 s.");
    assert_eq!(value(&headers, "ratelimit").as_deref(), Some("\"ip\";r=0;t=2"));
    assert_eq!(value(&headers, "retry-after").as_deref(), Some("1"));
    let silent = only("headers: false\nrules: [{ name: ip, by: [client_ip], limit: 1, per: 1m }]");
    assert!(send(&silent, 1, "").await.1.is_empty());
    assert_eq!(value(&send(&silent, 1, "").await.1, "retry-after").as_deref(), Some("60"));
}

#[tokio::test]
async fn a_refused_request_takes_nothing_from_other_rules() {
    let rules = "rules: [{ name: wide, by: [client_ip], limit: 10, per: 1h },
        { name: narrow, by: [claims.sub], limit: 1, per: 1h }]";
    let limits = only(rules);
    assert_eq!(passed(&limits, 9, 1, "ada").await, 1);
    assert_eq!(passed(&limits, 9, 1, "bob").await, 1);
    let (outcome, headers) = send(&limits, 1, "bob").await;
    assert!(outcome.is_err());
    assert!(headers["ratelimit"].to_str().unwrap().starts_with("\"wide\";r=8;"), "{headers:?}");
    let (_, headers) = send(&limits, 1, "eve").await;
    assert!(headers["ratelimit"].to_str().unwrap().starts_with("\"wide\";r=7;"), "{headers:?}");
}

#[tokio::test]
async fn a_dry_run_only_counts() {
    let metrics = Metrics::default();
    let rules = "rules: [{ name: ip, by: [client_ip], limit: 2, per: 1h, dry_run: true }]";
    for yaml in [rules.to_owned(), format!("dry_run: true\n{}", rules.replace(", dry_run: true", ""))] {
        let limits = limits(&yaml, &metrics);
        assert_eq!(passed(&limits, 5, 1, "").await, 5);
        assert!(send(&limits, 1, "").await.1.is_empty());
    }
    let rule = metrics.rate_limit(None, "ip");
    assert_eq!((rule.passed.get(), rule.refused.get(), rule.would_be_refused.get()), (4, 0, 8));
}

#[tokio::test]
async fn operations_are_counted_by_name_hash_and_cost() {
    let rules = "rules: [{ name: name, by: [operation.name], limit: 2, per: 1h },
        { name: hash, by: [operation.hash], limit: 3, per: 1h },
        { name: cost, by: [client_ip], weight: cost, limit: 1000, per: 1h, burst: 100 }]";
    let limits = only(rules);
    let context = context(1, "");
    let check = async |name, hash, cost| {
        let request = limits.begin();
        assert!(request.need_operation());
        request.check_head(&context, 1).await.unwrap();
        let checked = request.check_operation(&context, &Operation { name: Some(name), hash, cost }).await;
        checked.err().map(|refused| (refused.rule, refused.retry_after.is_some()))
    };
    assert_eq!(check("A", 1, 10).await, None);
    assert_eq!(check("A", 2, 10).await, None);
    assert_eq!(check("A", 3, 10).await, Some(("name".to_owned(), true)));
    for name in ["B", "C"] {
        assert_eq!(check(name, 1, 0).await, None);
    }
    assert_eq!(check("D", 1, 0).await, Some(("hash".to_owned(), true)));
    assert_eq!(check("E", 4, 80).await, None);
    assert_eq!(check("F", 5, 1).await, Some(("cost".to_owned(), true)));
    assert_eq!(check("G", 6, 101).await, Some(("cost".to_owned(), false)), "it can never pass");
}

#[tokio::test]
async fn a_batch_counts_its_operations() {
    let limits = only("rules: [{ name: ip, by: [client_ip], limit: 5, per: 1h }]");
    let context = context(1, "");
    let request = limits.begin();
    request.check_head(&context, 1).await.unwrap();
    request.check_head(&context, 0).await.unwrap();
    assert!(request.check_head(&context, 5).await.is_err());
    request.check_head(&context, 4).await.unwrap();
    assert!(request.check_head(&context, 1).await.is_err());
}

#[tokio::test]
async fn graphs_count_apart_and_have_rules_of_their_own() {
    let metrics = Metrics::default();
    let config = |yaml: &str| -> RateLimitsConfig { braid_settings::from_yaml(yaml).unwrap() };
    let all = config("rules: [{ name: ip, by: [client_ip], limit: 3, per: 1h }]");
    let own = config("rules: [{ name: ip, by: [client_ip], limit: 5, per: 1h }]");
    let none = RateLimitsConfig { rules: Vec::new(), ..all.clone() };
    let graphs = || [("same", all.clone()), ("own", own.clone()), ("free", none.clone())];
    let limits = LimitsByGraph::new(&all, graphs(), &metrics, None).unwrap().unwrap();
    for graph in [None, Some("same"), Some("own")] {
        let expected = if graph == Some("own") { 5 } else { 3 };
        assert_eq!(passed(limits.of(graph).unwrap(), 9, 1, "").await, expected, "{graph:?}");
    }
    assert!(limits.of(Some("free")).is_none());
    assert_eq!(passed(limits.of(Some("gone")).unwrap(), 9, 1, "").await, 0, "none of the graphs: as all others");
    let refused = |graph| metrics.rate_limit(graph, "ip").refused.get();
    assert_eq!((refused(None), refused(Some("same")), refused(Some("own"))), (15, 6, 4));
    // A graph that comes to be limited begins anew; what is used up of the others stays so.
    let later = [("same", all.clone()), ("own", own.clone()), ("free", own.clone())];
    let limits = LimitsByGraph::new(&none, later, &metrics, Some(&limits)).unwrap().unwrap();
    assert_eq!(passed(limits.of(Some("same")).unwrap(), 9, 1, "").await, 0);
    assert_eq!(passed(limits.of(Some("free")).unwrap(), 9, 1, "").await, 5);
    assert!(limits.of(None).is_none());
    assert!(LimitsByGraph::new(&none, [("free", none.clone())], &metrics, None).unwrap().is_none());
}

#[tokio::test]
async fn a_reload_keeps_what_is_used_up() {
    let metrics = Metrics::default();
    let first = version("rules: [{ name: ip, by: [client_ip], limit: 3, per: 1h }]", &metrics, None);
    assert_eq!(passed(first.of(None).unwrap(), 5, 1, "").await, 3);
    let same = version(
        "rules: [{ name: new, limit: 100, per: 1h }, { name: ip, by: [client_ip], limit: 3, per: 1h }]",
        &metrics,
        Some(&first),
    );
    let same = same.of(None).unwrap();
    assert_eq!(passed(same, 5, 1, "").await, 0);
    assert_eq!(passed(same, 5, 2, "").await, 3);
}

#[tokio::test]
async fn many_keys_take_bounded_memory_and_a_busy_one_stays_limited() {
    let limits = only("max_keys: 10000\nrules: [{ name: ip, by: [client_ip], limit: 100, per: 10h }]");
    let mut hot = 0;
    for client in 1..=100_000 {
        assert!(send(&limits, client, "").await.0.is_ok());
        if client % 10 == 0 {
            hot += u32::from(send(&limits, 0, "").await.0.is_ok());
        }
    }
    assert!(limits.keys() <= 10_000, "{}", limits.keys());
    assert_eq!(hot, 100);
}

#[test]
fn threads_let_no_more_pass() {
    let limits = only("rules: [{ name: ip, by: [client_ip], limit: 1000, per: 1h }]");
    let total = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let passed = runtime.block_on(passed(&limits, 1000, 1, ""));
                total.fetch_add(passed, std::sync::atomic::Ordering::Relaxed);
            });
        }
    });
    assert_eq!(total.into_inner(), 1000);
}
