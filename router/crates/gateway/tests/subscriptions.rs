//! Subscriptions: what clients get of a subgraph's events, who shares them, and what a new version does to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{
    SubgraphError, SubgraphEvent, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService,
};
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::config::{OnGap, SubscriptionsConfig};
use braid_gateway::subscriptions::{EndCause, Ended, Event, EventStream};
use braid_gateway::{Accepts, Answer, Gateway, GatewayConfig, Subscriptions, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use futures_util::StreamExt;
use http::HeaderMap;
use pretty_assertions::assert_eq;
use tokio::sync::{Mutex, mpsc};

const ORDERS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { order(id: ID!): Order }
    type Subscription { orderChanged(id: ID!): Order }
    type Order @key(fields: "id") { id: ID! state: String }
"#;

const USERS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { me: String }
    type Order @key(fields: "id") { id: ID! buyer: String }
"#;

type Events = mpsc::UnboundedSender<SubgraphEvent>;

/// Subgraphs whose events a test sends, and whose entities have a buyer.
#[derive(Debug, Default)]
struct Shop {
    subscribed: AtomicUsize,
    /// What subscribed, and where its events come from.
    open: Mutex<Vec<(String, Events)>>,
    looked_up: AtomicUsize,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        _: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        let body = r#"{"data":{"_entities":[{"__typename":"Order","buyer":"Ada"}]}}"#.into();
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }

    async fn subscribe(&self, request: SubgraphRequest, _: &SubgraphContext) -> Result<SubgraphEvents, SubgraphError> {
        self.subscribed.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::unbounded_channel();
        self.open.lock().await.push((String::from_utf8(request.body.to_vec()).unwrap(), sender));
        Ok(Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })))
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        let headers = context.headers(subgraph)?;
        Some(headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()].concat()).collect())
    }

    fn is_same(&self, _: SubgraphId, _: &Self, _: SubgraphId) -> bool {
        true
    }
}

type Graph = Gateway<Arc<Shop>>;

fn gateway(shop: &Arc<Shop>, orders: &str, change: impl FnOnce(&mut SubscriptionsConfig)) -> Arc<Graph> {
    gateway_with(shop, orders, USERS, change)
}

fn gateway_with(
    shop: &Arc<Shop>,
    orders: &str,
    users: &str,
    change: impl FnOnce(&mut SubscriptionsConfig),
) -> Arc<Graph> {
    let subgraphs = [("orders", orders), ("users", users)].map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        sdl: sdl.to_owned(),
        ..SubgraphSdl::default()
    });
    let supergraph_sdl = compose(&subgraphs).result.unwrap().supergraph_sdl;
    let supergraph = Arc::new(Supergraph::read(&supergraph_sdl).unwrap());
    let headers = serde_json::from_str(r#"{"all":{"request":[{"propagate":{"name":"x-user"}}]}}"#).unwrap();
    let mut config = GatewayConfig { headers, ..GatewayConfig::default() };
    config.subscriptions.reload_spread = braid_settings::Duration(Duration::ZERO);
    change(&mut config.subscriptions);
    Arc::new(Gateway::new(supergraph, shop.clone(), &config, &Arc::new(Metrics::default())).unwrap())
}

/// A router with one version.
struct Router {
    shop: Arc<Shop>,
    gateway: Arc<Graph>,
    subscriptions: Subscriptions<Arc<Shop>>,
}

impl Router {
    fn new(change: impl FnOnce(&mut SubscriptionsConfig)) -> Self {
        let shop = Arc::new(Shop::default());
        let gateway = gateway(&shop, ORDERS, change);
        Self { subscriptions: Subscriptions::new(gateway.clone()), shop, gateway }
    }

    async fn subscribe(&self, query: &str, user: &str) -> Result<EventStream, Refusal> {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.headers = HeaderMap::from_iter([("x-user".parse().unwrap(), user.parse().unwrap())]);
        let context = Arc::new(self.gateway.context(head, None, Duration::from_secs(60)));
        let query = Some(serde_json::to_string(query).unwrap().into());
        let request = GraphQLRequest { query, ..GraphQLRequest::default() };
        match answer(&self.gateway, &request, &context, Accepts::ALL).await? {
            Answer::Subscription(subscription) => self.subscriptions.open(&self.gateway, *subscription),
            Answer::Incremental(_) => panic!("in parts"),
            Answer::Executed(executed) => panic!("{executed:?}"),
        }
    }

    /// Sends an event on a subscription at the subgraph.
    async fn send(&self, number: usize, event: SubgraphEvent) {
        for _ in 0..200 {
            if let Some((_, sender)) = self.shop.open.lock().await.get(number) {
                sender.send(event).unwrap();
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody has subscribed");
    }

    async fn state(&self, number: usize, state: &str) {
        let body = format!(r#"{{"data":{{"orderChanged":{{"__typename":"Order","id":"1","state":"{state}"}}}}}}"#);
        self.send(number, SubgraphEvent::Next(body.into())).await;
    }

    fn subscribed(&self) -> usize {
        self.shop.subscribed.load(Ordering::Relaxed)
    }
}

const CHANGED: &str = "subscription { orderChanged(id: 1) { id state buyer } }";

async fn next(events: &mut EventStream) -> Event {
    tokio::time::timeout(Duration::from_secs(5), events.next()).await.expect("an event in time").expect("an event")
}

async fn text(events: &mut EventStream) -> String {
    match next(events).await {
        Event::Next(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Event::Ended(ended) => panic!("{ended:?}"),
    }
}

async fn ended(events: &mut EventStream) -> Ended {
    match next(events).await {
        Event::Ended(ended) => ended,
        Event::Next(bytes) => panic!("{bytes:?}"),
    }
}

fn order(state: &str) -> String {
    format!(r#"{{"data":{{"orderChanged":{{"id":"1","state":"{state}","buyer":"Ada"}}}}}}"#)
}

#[tokio::test]
async fn each_event_is_completed_with_entities_of_other_subgraphs() {
    let router = Router::new(|_| {});
    let mut events = router.subscribe(CHANGED, "ada").await.unwrap();
    for state in ["PAID", "SENT"] {
        router.state(0, state).await;
        assert_eq!(text(&mut events).await, order(state));
    }
    router.shop.open.lock().await.clear();
    assert_eq!(ended(&mut events).await, Ended::for_cause(EndCause::Completed));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn equal_subscriptions_share_events_and_unequal_ones_do_not() {
    let router = Router::new(|_| {});
    let mut first = router.subscribe(CHANGED, "ada").await.unwrap();
    let mut second = router.subscribe(CHANGED, "ada").await.unwrap();
    router.state(0, "PAID").await;
    assert_eq!([text(&mut first).await, text(&mut second).await], [order("PAID"), order("PAID")]);
    assert_eq!((router.subscribed(), router.shop.looked_up.load(Ordering::Relaxed)), (1, 1));
    // Another user, and another order.
    let _other = router.subscribe(CHANGED, "bob").await.unwrap();
    let _another = router.subscribe("subscription { orderChanged(id: 2) { id } }", "ada").await.unwrap();
    router.state(2, "PAID").await;
    assert_eq!(router.subscribed(), 3);
    // One that leaves does not end it for the other; the last one does.
    drop(first);
    router.state(0, "SENT").await;
    assert_eq!(text(&mut second).await, order("SENT"));
    drop(second);
    for _ in 0..200 {
        if router.shop.open.lock().await[0].1.is_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the subgraph's subscription goes on");
}

#[tokio::test]
async fn a_slow_client_holds_nobody_up() {
    let router = Router::new(|config| config.queue = 2);
    let mut slow = router.subscribe(CHANGED, "ada").await.unwrap();
    let mut fast = router.subscribe(CHANGED, "ada").await.unwrap();
    for number in 0..10 {
        router.state(0, &number.to_string()).await;
        assert_eq!(text(&mut fast).await, order(&number.to_string()));
    }
    assert_eq!([text(&mut slow).await, text(&mut slow).await], [order("8"), order("9")]);
}

#[tokio::test]
async fn a_gap_is_told_or_ends_the_stream() {
    let router = Router::new(|_| {});
    let mut events = router.subscribe(CHANGED, "ada").await.unwrap();
    router.send(0, SubgraphEvent::Gap).await;
    for expected in [true, false] {
        router.state(0, "PAID").await;
        assert_eq!(text(&mut events).await.contains(r#""extensions":{"braid":{"gap":true}}"#), expected);
    }
    let router = Router::new(|config| config.on_gap = OnGap::End);
    let mut events = router.subscribe(CHANGED, "ada").await.unwrap();
    router.send(0, SubgraphEvent::Gap).await;
    assert_eq!(ended(&mut events).await.cause, EndCause::Gap);
}

#[tokio::test]
async fn a_new_version_goes_on_with_the_same_events() {
    let router = Router::new(|_| {});
    let mut events = router.subscribe(CHANGED, "ada").await.unwrap();
    router.state(0, "PAID").await;
    assert_eq!(text(&mut events).await, order("PAID"));
    // A version in which the subscription is asked in the same way.
    let more = ORDERS.replace("state: String", "state: String note: String");
    router.subscriptions.swap(gateway(&router.shop, &more, |_| {}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    router.state(0, "SENT").await;
    assert_eq!(text(&mut events).await, order("SENT"));
    assert_eq!(router.subscribed(), 1);
    // One in which the buyer is asked of orders too.
    let shared =
        |sdl: &str, from: &str, to: &str| sdl.replace(from, to).replace("[\"@key\"]", "[\"@key\", \"@shareable\"]");
    let orders = shared(ORDERS, "state: String", "state: String buyer: String @shareable");
    let users = shared(USERS, "buyer: String", "buyer: String @shareable");
    router.subscriptions.swap(gateway_with(&router.shop, &orders, &users, |_| {}));
    for _ in 0..200 {
        if router.subscribed() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let body = r#"{"data":{"orderChanged":{"__typename":"Order","id":"1","state":"DONE","buyer":"Bob"}}}"#;
    router.send(1, SubgraphEvent::Next(body.into())).await;
    assert_eq!(text(&mut events).await, order("DONE").replace("Ada", "Bob"));
    // One in which it is not valid.
    let renamed = ORDERS.replace("state", "status");
    router.subscriptions.swap(gateway(&router.shop, &renamed, |_| {}));
    let ended = ended(&mut events).await;
    assert_eq!(ended.cause, EndCause::SchemaReload);
    let codes: Vec<_> = ended.errors.iter().filter_map(|error| error.code()).collect();
    assert_eq!(codes, ["SUBSCRIPTION_SCHEMA_RELOAD", "GRAPHQL_VALIDATION_FAILED"]);
}

#[tokio::test]
async fn a_failure_of_the_subgraph_ends_the_stream() {
    let router = Router::new(|_| {});
    let mut events = router.subscribe(CHANGED, "ada").await.unwrap();
    let error = SubgraphError {
        kind: braid_executor::SubgraphErrorKind::Transport,
        message: "secret".to_owned(),
        retryable: false,
    };
    router.send(0, SubgraphEvent::Failed(error)).await;
    let ended = ended(&mut events).await;
    assert_eq!(ended.cause, EndCause::SubgraphFailed);
    assert_eq!(ended.errors[0].code(), Some("SUBREQUEST_HTTP_ERROR"));
    assert!(!ended.errors[0].message.contains("secret"));
}
