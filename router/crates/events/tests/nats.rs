//! Subscriptions whose events come from NATS, over a real server (`NATS_URL`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic in a test is its report, and what is skipped is said"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Client;
use braid_composition::{SubgraphSdl, compose};
use braid_events::config::EventsConfig;
use braid_events::{Events, WithEvents};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::{Event, EventStream};
use braid_gateway::{Accepts, Answer, Gateway, GatewayConfig, Subscriptions, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use futures_util::StreamExt;
use pretty_assertions::assert_eq;

const ORDERS: &str = r#"
    extend schema
        @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@composeDirective"])
        @link(url: "https://github.com/braid-graphql/specs/event/v0.1", import: ["@event"])
        @composeDirective(name: "@event")
    directive @event(subject: String!, broker: String, payload: String, filter: [EventCriterion!]) on FIELD_DEFINITION
    input EventCriterion { path: String! values: [String!]! }
    type Query { order(id: ID!): Order }
    type Subscription {
        orderChanged(id: ID!): Order @event(subject: "PREFIX.orders.{args.id}")
        paid(state: String = "PAID"): Order
            @event(subject: "PREFIX.states", payload: "id state", filter: [{ path: "state", values: ["{args.state}"] }])
        stockChanged(skus: [String!]!): Order
        any: Order
    }
    type Order @key(fields: "id") { id: ID! state: String buyer: String }
"#;

/// Answers every lookup with an order of Ada's, and remembers what it was asked.
#[derive(Debug, Default)]
struct Orders(Mutex<Vec<String>>);

impl SubgraphService for Orders {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.0.lock().unwrap().push(String::from_utf8(request.body.to_vec()).unwrap());
        let body = r#"{"data":{"_entities":[{"__typename":"Order","state":"SENT","buyer":"Ada"}]}}"#.into();
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }
}

struct Router {
    gateway: Arc<Gateway<WithEvents<Arc<Orders>>>>,
    subscriptions: Subscriptions<WithEvents<Arc<Orders>>>,
    orders: Arc<Orders>,
    nats: Client,
    prefix: String,
}

/// None where there is no server; in CI there must be one.
fn nats_url() -> Option<String> {
    let url = std::env::var("NATS_URL").ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "CI must set NATS_URL");
    if url.is_none() {
        eprintln!("skipped: NATS_URL is not set");
    }
    url
}

impl Router {
    async fn start(name: &str, stream: Option<&str>) -> Option<Self> {
        Some(Self::at(&nats_url()?, name, stream).await)
    }

    async fn at(url: &str, name: &str, stream: Option<&str>) -> Self {
        let nats = async_nats::connect(url).await.unwrap();
        let prefix = format!("test-{name}-{}", std::process::id());
        if let Some(stream) = stream {
            let config = async_nats::jetstream::stream::Config {
                name: stream.to_owned(),
                subjects: vec![format!("{prefix}.>")],
                storage: async_nats::jetstream::stream::StorageType::File,
                ..Default::default()
            };
            async_nats::jetstream::new(nats.clone()).create_stream(config).await.unwrap();
        }
        let stream = stream.map_or(String::new(), |stream| format!(r#","stream":"{stream}""#));
        let config: EventsConfig = serde_json::from_str(&format!(
            r#"{{"brokers":{{"shop":{{"nats":{{"urls":["{url}"]{stream}}}}}}},
                "fields":{{"Subscription.stockChanged":{{"subject":"{prefix}.stock.{{args.skus}}"}}}}}}"#
        ))
        .unwrap();
        let sdl = ORDERS.replace("PREFIX", &prefix);
        let orders = SubgraphSdl { name: "orders".to_owned(), sdl, ..SubgraphSdl::default() };
        let supergraph_sdl = compose(&[orders]).result.unwrap().supergraph_sdl;
        let mut supergraph = Supergraph::read(&supergraph_sdl).unwrap();
        let events = Events::declare(&mut supergraph, &config).unwrap();
        let (supergraph, orders) = (Arc::new(supergraph), Arc::new(Orders::default()));
        let subgraphs = WithEvents::new(orders.clone(), &events, &supergraph, None).unwrap();
        let metrics = Arc::new(Metrics::default());
        let mut config = GatewayConfig::default();
        config.subscriptions.queue = 1_000;
        let gateway = Arc::new(Gateway::new(supergraph, subgraphs, &config, &metrics).unwrap());
        let subscriptions = Subscriptions::new(gateway.clone());
        Self { gateway, subscriptions, orders, nats, prefix }
    }

    async fn subscribe(&self, query: &str) -> EventStream {
        let (head, ()) = http::Request::new(()).into_parts();
        let context = Arc::new(self.gateway.context(head, None, Duration::from_secs(60)));
        let query = Some(serde_json::to_string(query).unwrap().into());
        let request = GraphQLRequest { query, ..GraphQLRequest::default() };
        match answer(&self.gateway, &request, &context, Accepts::ALL).await.unwrap() {
            Answer::Subscription(subscription) => self.subscriptions.open(&self.gateway, *subscription).unwrap(),
            Answer::Incremental(_) => panic!("in parts"),
            Answer::Executed(executed) => panic!("{executed:?}"),
        }
    }

    /// Publishes until the subscription is there, which no answer tells.
    async fn first(&self, subject: &str, message: &str, events: &mut EventStream) -> String {
        for _ in 0..100 {
            self.publish(subject, message).await;
            if let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(100), events.next()).await {
                return text(event);
            }
        }
        panic!("no event has come");
    }

    async fn publish(&self, subject: &str, message: &str) {
        self.nats.publish(format!("{}.{subject}", self.prefix), message.to_owned().into()).await.unwrap();
        self.nats.flush().await.unwrap();
    }
}

fn text(event: Event) -> String {
    match event {
        Event::Next(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Event::Ended(ended) => panic!("{ended:?}"),
    }
}

async fn next(events: &mut EventStream) -> String {
    text(tokio::time::timeout(Duration::from_secs(5), events.next()).await.expect("an event in time").unwrap())
}

#[tokio::test]
async fn a_message_with_a_key_becomes_a_whole_response() {
    let Some(router) = Router::start("key", None).await else { return };
    let mut events = router.subscribe("subscription { changed: orderChanged(id: 7) { number: id state buyer } }").await;
    let expected = r#"{"data":{"changed":{"number":"7","state":"SENT","buyer":"Ada"}}}"#;
    assert_eq!(router.first("orders.7", r#"{"id":"7","more":1}"#, &mut events).await, expected);
    let asked = router.orders.0.lock().unwrap()[0].clone();
    assert!(asked.contains(r#""representations":[{"__typename":"Order","id":"7"}]"#), "{asked}");
    // What is not an object is told to the client, and the next message counts again.
    router.publish("orders.7", "nonsense").await;
    let mut answer = next(&mut events).await;
    while answer == expected {
        answer = next(&mut events).await;
    }
    assert!(answer.contains("EVENT_MALFORMED") && answer.contains(r#""data":{"changed":null}"#), "{answer}");
    router.publish("orders.8", r#"{"id":"8"}"#).await;
    router.publish("orders.7", r#"{"id":"7"}"#).await;
    assert_eq!(next(&mut events).await, expected);
}

#[tokio::test]
async fn messages_are_filtered_and_what_they_have_is_not_looked_up() {
    let Some(router) = Router::start("filter", None).await else { return };
    let mut events = router.subscribe("subscription { paid { id state } }").await;
    let expected = r#"{"data":{"paid":{"id":"1","state":"PAID"}}}"#;
    assert_eq!(router.first("states", r#"{"id":"1","state":"PAID"}"#, &mut events).await, expected);
    router.publish("states", r#"{"id":"2","state":"SENT"}"#).await;
    router.publish("states", r#"{"id":"3","state":"PAID"}"#).await;
    let mut answer = next(&mut events).await;
    while answer == expected {
        answer = next(&mut events).await;
    }
    assert_eq!(answer, r#"{"data":{"paid":{"id":"3","state":"PAID"}}}"#);
    assert!(router.orders.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_list_is_a_subject_for_each_item_and_wildcards_are_refused() {
    let Some(router) = Router::start("list", None).await else { return };
    let mut events = router.subscribe(r#"subscription { stockChanged(skus: ["a", "b"]) { id } }"#).await;
    router.first("stock.a", r#"{"id":"1"}"#, &mut events).await;
    router.publish("stock.c", r#"{"id":"3"}"#).await;
    router.publish("stock.b", r#"{"id":"2"}"#).await;
    let mut answer = next(&mut events).await;
    while answer.contains(r#""id":"1""#) {
        answer = next(&mut events).await;
    }
    assert_eq!(answer, r#"{"data":{"stockChanged":{"id":"2"}}}"#);
    let mut refused = router.subscribe(r#"subscription { stockChanged(skus: [">"]) { id } }"#).await;
    let answer = next(&mut refused).await;
    assert!(answer.contains("BAD_USER_INPUT"), "{answer}");
    assert!(matches!(refused.next().await, Some(Event::Ended(_))));
}

#[tokio::test]
async fn a_jetstream_stream_loses_nothing() {
    let stream = format!("BRAID_TEST_{}", std::process::id());
    let Some(router) = Router::start("kept", Some(&stream)).await else { return };
    let mut events = router.subscribe("subscription { paid { id } }").await;
    router.first("states", r#"{"id":"0","state":"PAID"}"#, &mut events).await;
    for number in 1..=500 {
        router.publish("states", &format!(r#"{{"id":"{number}","state":"PAID"}}"#)).await;
    }
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("500") {
        let answer: serde_json::Value = serde_json::from_str(&next(&mut events).await).unwrap();
        let id = answer["data"]["paid"]["id"].as_str().unwrap().to_owned();
        if id != "0" {
            seen.push(id);
        }
    }
    assert_eq!(seen, (1..=500).map(|number| number.to_string()).collect::<Vec<_>>());
    async_nats::jetstream::new(router.nats.clone()).delete_stream(&stream).await.unwrap();
}

/// A server of a test's own, which it can stop; none where the program is not installed.
fn server(port: u16, folder: &std::path::Path) -> Option<std::process::Child> {
    let mut command = std::process::Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(folder);
    command.stderr(std::process::Stdio::null()).spawn().ok()
}

#[tokio::test]
async fn a_jetstream_stream_loses_nothing_while_the_server_is_away() {
    if nats_url().is_none() {
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let Some(mut process) = server(port, folder.path()) else {
        eprintln!("skipped: nats-server is not installed");
        return;
    };
    let url = format!("nats://127.0.0.1:{port}");
    while async_nats::connect(&url).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let router = Router::at(&url, "away", Some("AWAY")).await;
    let mut events = router.subscribe("subscription { paid { id } }").await;
    router.first("states", r#"{"id":"0","state":"PAID"}"#, &mut events).await;
    for round in 0..3 {
        process.kill().unwrap();
        process.wait().unwrap();
        process = server(port, folder.path()).unwrap();
        let publisher = loop {
            if let Ok(client) = async_nats::connect(&url).await {
                break async_nats::jetstream::new(client);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        for number in 1..=20 {
            let message = format!(r#"{{"id":"{round}-{number}","state":"PAID"}}"#);
            let subject = format!("{}.states", router.prefix);
            while publisher.publish(subject.clone(), message.clone().into()).await.unwrap().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let event = tokio::time::timeout(Duration::from_secs(40), events.next()).await.expect("no event is lost");
            let answer: serde_json::Value = serde_json::from_str(&text(event.unwrap())).unwrap();
            let id = answer["data"]["paid"]["id"].as_str().unwrap().to_owned();
            if id != "0" && !seen.contains(&id) {
                seen.push(id);
            }
        }
        let expected: Vec<_> = (1..=20).map(|number| format!("{round}-{number}")).collect();
        assert_eq!(seen, expected);
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn what_can_not_work_is_said() {
    let supergraph = |events: &str| {
        let sdl = ORDERS.replace("PREFIX", "x");
        let orders = SubgraphSdl { name: "orders".to_owned(), sdl, ..SubgraphSdl::default() };
        let mut supergraph = Supergraph::read(&compose(&[orders]).result.unwrap().supergraph_sdl).unwrap();
        let config: EventsConfig = serde_json::from_str(events).unwrap();
        let events = Events::declare(&mut supergraph, &config).map_err(|error| error.to_string())?;
        WithEvents::new(Arc::new(Orders::default()), &events, &Arc::new(supergraph), None)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let broker = r#""brokers":{"shop":{"nats":{"urls":["nats://127.0.0.1:4222"]}}}"#;
    for (field, expected) in [
        (r#""Subscription.none":{"subject":"a"}"#, "not a field of the subscription type"),
        (r#""Query.order":{"subject":"a"}"#, "not a field of the subscription type"),
        (r#""Subscription.any":{"subject":"a","broker":"other"}"#, "the broker \"other\" is unknown"),
        (r#""Subscription.any":{"subject":"{args.id}"}"#, "has no argument \"id\""),
        (r#""Subscription.any":{"subject":"{id"}"#, "without a }"),
        (r#""Subscription.any":{"subject":"a","payload":"state"}"#, "nothing more can be looked up about Order"),
        (r#""Subscription.any":{"subject":"a","payload":"price"}"#, "is not a selection of the fields of Order"),
    ] {
        let problem = supergraph(&format!(r#"{{{broker},"fields":{{{field}}}}}"#)).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
    assert!(supergraph("{}").unwrap_err().contains("there is no broker"));
}
