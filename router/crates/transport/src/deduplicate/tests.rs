//! Which queries share a request, and what they share of its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse};
use braid_graphql::OperationType;
use braid_request_context::header_rules::{HeaderRules, HeadersConfig, Merge, Propagate, RequestRule, ResponseRule};
use braid_request_context::headers::{HeaderPlans, SubgraphHeaders};
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::SubgraphId;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue};

use super::Deduplicate;
use crate::Outcome;

/// A subgraph that takes a while.
#[derive(Debug, Default)]
struct Slow {
    calls: AtomicUsize,
    ended: AtomicUsize,
    fails: bool,
}

/// The context of a client with this value of a header that is propagated.
fn client(user: &'static str) -> SubgraphContext {
    let rule = RequestRule::Propagate(Propagate { name: Some("x-user".to_owned()), ..Propagate::default() });
    let all = HeaderRules { request: vec![rule], response: Vec::new() };
    let config = HeadersConfig { all, ..HeadersConfig::default() };
    let plans = HeaderPlans::new(&config, ["a", "b"].into_iter()).unwrap();
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.headers.insert("x-user", HeaderValue::from_static(user));
    SubgraphContext::new(Arc::new(RequestContext::new(head, None, Duration::from_secs(60), Arc::new(plans))))
}

fn headers_for_clients() -> HeaderPlans {
    let propagate = |name: &str| ResponseRule::Propagate { name: name.to_owned(), merge: Merge::Last };
    let all = HeaderRules { request: Vec::new(), response: vec![propagate("set-cookie"), propagate("x-a")] };
    HeaderPlans::new(&HeadersConfig { all, ..HeadersConfig::default() }, ["a", "b"].into_iter()).unwrap()
}

impl Slow {
    async fn answer(self: Arc<Self>, request: SubgraphRequest) -> Outcome {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(30)).await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        if self.fails && number == 0 {
            let (kind, message) = (SubgraphErrorKind::Timeout, "late".to_owned());
            return Err(SubgraphError { kind, message, retryable: true });
        }
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("a=1"));
        headers.insert("x-a", HeaderValue::from_static("1"));
        Ok(SubgraphResponse::new(200, request.body, SubgraphHeaders::new(headers)))
    }
}

fn request(body: &'static str) -> SubgraphRequest {
    SubgraphRequest {
        subgraph: SubgraphId::new(0),
        kind: OperationType::Query,
        operation: OperationType::Query,
        body: Bytes::from_static(body.as_bytes()),
        deadline: None,
        values: braid_executor::request::RequestValues::default(),
    }
}

struct Service {
    deduplicate: Deduplicate,
    slow: Arc<Slow>,
}

impl Service {
    fn over(slow: &Arc<Slow>) -> Self {
        Self { deduplicate: Deduplicate::default(), slow: slow.clone() }
    }

    async fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        self.deduplicate.call(request, context, |request, _| self.slow.clone().answer(request)).await
    }
}

/// Sends all at once and compares how many arrived.
fn check(requests: &[(SubgraphRequest, &'static str)], calls: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let slow = Arc::new(Slow::default());
        let service = Service::over(&slow);
        // Twice: requests that have ended are forgotten.
        for round in 1..=2 {
            let sent = requests.iter().map(|(request, user)| {
                let (service, client) = (&service, client(user));
                async move { service.call(request.clone(), &client).await.unwrap().body }
            });
            let answers = join_all(sent).await;
            assert!(answers.iter().zip(requests).all(|(answer, (request, _))| *answer == request.body));
            assert_eq!(slow.calls.load(Ordering::SeqCst), round * calls);
        }
    });
}

#[test]
fn equal_queries_are_sent_once() {
    check(&[(request("a"), "x"), (request("a"), "x"), (request("a"), "x")], 1);
    check(&[(request("a"), "x"), (request("b"), "x")], 2);
    check(&[(request("a"), "x"), (request("a"), "y")], 2);
}

#[test]
fn a_client_that_leaves_does_not_cancel_the_request_for_others() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let slow = Arc::new(Slow::default());
        let service = Service::over(&slow);
        let query = || request("a");
        let client = client("x");
        let leaves = tokio::time::timeout(Duration::from_millis(5), service.call(query(), &client));
        let (left, stays) = tokio::join!(leaves, service.call(query(), &client));
        assert!(left.is_err());
        assert!(stays.is_ok());
        assert_eq!(slow.calls.load(Ordering::SeqCst), 1);
        // When all have left, the request is cancelled.
        let gone = tokio::time::timeout(Duration::from_millis(5), service.call(query(), &client)).await;
        assert!(gone.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(slow.ended.load(Ordering::SeqCst), 1);
        assert!(service.call(query(), &client).await.is_ok());
    });
}

#[test]
fn a_failure_is_shared_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let slow = Arc::new(Slow { fails: true, ..Slow::default() });
        let service = Service::over(&slow);
        let client = client("x");
        let sent = (0..10).map(|_| service.call(request("a"), &client));
        assert!(join_all(sent).await.iter().all(Result::is_err));
        assert_eq!(slow.calls.load(Ordering::SeqCst), 1);
        assert!(service.call(request("a"), &client).await.is_ok());
    });
}

#[test]
fn a_cookie_is_for_the_client_that_asked_first() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let slow = Arc::new(Slow::default());
        let service = Service::over(&slow);
        let client = client("x");
        let sent = (0..3).map(|_| service.call(request("a"), &client));
        let received = join_all(sent).await.into_iter().map(|response| {
            let mut headers = HeaderMap::new();
            headers_for_clients().merge(&[(SubgraphId::new(0), response.unwrap().meta)], &mut headers);
            (headers.contains_key("set-cookie"), headers.contains_key("x-a"))
        });
        assert_eq!(received.collect::<Vec<_>>(), [(true, true), (false, true), (false, true)]);
        assert_eq!(slow.calls.load(Ordering::SeqCst), 1);
    });
}
