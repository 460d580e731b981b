//! Streamed lists that are delivered while they arrive: the whole answer in the end, wherever what arrives is cut; errors; what ends too
//! early; and that nothing is read which nobody takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{
    ArrivingResponse, OpenResponse, PartsFormat, SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse,
    SubgraphService,
};
use braid_gateway::incremental::{Begun, PartStream};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::Event;
use braid_gateway::{Accepts, Answer, Gateway, GatewayConfig, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

const CATALOG: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { products: [Product] catalog: Catalog other: String }
    type Catalog { name: String items: [Product] total: Int }
    type Product @key(fields: "id") { id: ID! name: String tags: [String] }
"#;

const REVIEWS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Product @key(fields: "id") { id: ID! stars: Int }
"#;

/// A catalog whose response comes in pieces, and reviews.
#[derive(Default)]
struct Shop {
    response: Vec<u8>,
    /// The sizes of the pieces, by turns.
    sizes: Vec<usize>,
    /// How it ends.
    end: Option<SubgraphError>,
    /// A pause before each piece.
    pause: Duration,
    /// The representations for which there is no answer.
    refused: Option<&'static str>,
    pieces: Arc<AtomicUsize>,
    lookups: AtomicUsize,
    /// What was asked for first.
    asked: OnceLock<String>,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let Some(representations) = body["variables"]["representations"].as_array() else {
            return match &self.end {
                Some(error) => Err(error.clone()),
                None => Ok(SubgraphResponse::new(200, self.response.clone().into(), SubgraphHeaders::default())),
            };
        };
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if representations.iter().any(|it| Some(it["id"].as_str().unwrap()) == self.refused) {
            return Err(SubgraphError {
                kind: SubgraphErrorKind::Timeout,
                message: "slow".to_owned(),
                retryable: false,
            });
        }
        let stars = |it: &Value| json!({ "stars": it["id"].as_str().unwrap().len() });
        let answer = json!({ "data": { "_entities": representations.iter().map(stars).collect::<Vec<_>>() } });
        Ok(SubgraphResponse::new(200, answer.to_string().into(), SubgraphHeaders::default()))
    }

    async fn open(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<OpenResponse<SubgraphHeaders>, SubgraphError> {
        self.asked.get_or_init(|| String::from_utf8_lossy(&request.body).into_owned());
        let mut rest = Bytes::from(self.response.clone());
        let mut sizes = self.sizes.clone().into_iter().cycle();
        let mut pieces: Vec<Result<Bytes, SubgraphError>> = Vec::new();
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1000).min(rest.len());
            pieces.push(Ok(rest.split_to(size)));
        }
        pieces.extend(self.end.clone().map(Err));
        let (taken, pause) = (self.pieces.clone(), self.pause);
        let body = futures_util::stream::iter(pieces).then(move |piece| {
            taken.fetch_add(1, Ordering::Relaxed);
            async move {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                piece
            }
        });
        let (status, meta) = (200, SubgraphHeaders::default());
        Ok(OpenResponse::Arriving(ArrivingResponse { status, meta, body: Box::pin(body) }))
    }
}

fn gateway(shop: Shop) -> Arc<Gateway<Arc<Shop>>> {
    let subgraphs = [("catalog", CATALOG), ("reviews", REVIEWS)].map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        sdl: sdl.to_owned(),
        ..SubgraphSdl::default()
    });
    let supergraph = Supergraph::read(&compose(&subgraphs).result.unwrap().supergraph_sdl).unwrap();
    let metrics = Arc::new(Metrics::default());
    let mut config = GatewayConfig::default();
    (config.exposure.plan, config.exposure.exchanges) = (true, true);
    Arc::new(Gateway::new(Arc::new(supergraph), Arc::new(shop), &config, &metrics).unwrap())
}

/// The first message, and what comes after it.
async fn begin(
    gateway: &Arc<Gateway<Arc<Shop>>>,
    query: &str,
    format: PartsFormat,
    time: Duration,
) -> (Value, Option<PartStream>) {
    begin_exposed(gateway, query, format, time, "").await
}

/// The same for a client that asks to see how it is made.
async fn begin_exposed(
    gateway: &Arc<Gateway<Arc<Shop>>>,
    query: &str,
    format: PartsFormat,
    time: Duration,
    expose: &'static str,
) -> (Value, Option<PartStream>) {
    let body = json!({ "query": query }).to_string();
    let request = GraphQLRequest::from_json(body.as_bytes()).unwrap();
    let head = http::Request::post("/").header("braid-expose", expose).body(()).unwrap().into_parts().0;
    let context = Arc::new(gateway.context(head, None, time));
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    match answer(gateway, &request, &context, Accepts::ALL).await.unwrap() {
        Answer::Incremental(incremental) => match incremental.begin(gateway, format).await {
            Begun::Whole(executed) => (json(&executed.response.bytes), None),
            Begun::Parts(mut parts) => match parts.next().await {
                Some(Event::Next(bytes)) => (json(&bytes), Some(parts)),
                other => panic!("{other:?}"),
            },
        },
        Answer::Executed(executed) => (json(&executed.response.bytes), None),
        Answer::Subscription(_) => panic!("a subscription"),
    }
}

async fn all(gateway: &Arc<Gateway<Arc<Shop>>>, query: &str, format: PartsFormat) -> Vec<Value> {
    let (first, parts) = begin(gateway, query, format, Duration::from_secs(20)).await;
    let mut messages = vec![first];
    if let Some(mut parts) = parts {
        while let Some(event) = parts.next().await {
            if let Event::Next(bytes) = event {
                messages.push(serde_json::from_slice(&bytes).unwrap());
            }
        }
    }
    messages
}

/// The data and the errors of an answer with one streamed list, whether it was put together, and whether it has ended as it should.
fn merged(messages: &[Value]) -> (Value, Vec<Value>) {
    let mut data = messages[0]["data"].clone();
    let errors = |value: &Value| value["errors"].as_array().cloned().unwrap_or_default();
    let mut all = errors(&messages[0]);
    let mut pending = messages[0]["pending"][0]["path"].as_array().cloned();
    for message in &messages[1..] {
        for entry in message["incremental"].as_array().into_iter().flatten() {
            let path = pending.clone().expect("nothing is pending");
            let list = path.iter().fold(&mut data, |at, key| &mut at[key.as_str().unwrap()]);
            list.as_array_mut().unwrap().extend(entry["items"].as_array().unwrap().clone());
            all.extend(errors(entry));
        }
        for entry in message["completed"].as_array().into_iter().flatten() {
            all.extend(errors(entry));
            pending = None;
        }
    }
    let has_next: Vec<bool> = messages.iter().map(|message| message["hasNext"] == true).collect();
    assert!(has_next.iter().rev().skip(1).all(|next| *next) && !has_next.last().unwrap(), "{has_next:?}");
    assert_eq!(pending, None, "the list does not end");
    (data, all)
}

/// So many products with what is hard to read.
fn products(count: usize) -> Vec<String> {
    let product = |at: usize| match at % 7 {
        3 => "null".to_owned(),
        5 => format!(
            r#" {{ "__typename" : "Product", "id":"{at}", "name":"Löffel 🥄 \"{{[]}}\" \\", "tags":["a","],}}",null] }} "#
        ),
        _ => format!(r#"{{"__typename":"Product","id":"{at}","name":"{}","tags":[]}}"#, "x".repeat(at % 40)),
    };
    (0..count).map(product).collect()
}

const STREAMED: &str = "{ catalog { name items @stream(initialCount: 2) { id name tags stars } } }";

fn catalog(items: &[String]) -> String {
    format!(r#"{{"data":{{"catalog":{{"name":"all","items":[{}]}}}}}}"#, items.join(","))
}

fn without(query: &str) -> String {
    let start = query.find(" @stream").unwrap();
    let end = start + query[start..].find(')').unwrap() + 1;
    [&query[..start], &query[end..]].concat()
}

/// Asks with and without `@stream`, and compares. Returns the messages and the number of look-ups.
async fn check(response: &str, query: &str, sizes: &[usize]) -> (Vec<Value>, usize) {
    let shop = || Shop { response: response.into(), sizes: sizes.into(), ..Shop::default() };
    let plain = all(&gateway(shop()), &without(query), PartsFormat::Pending).await;
    let shop = gateway(shop());
    let messages = all(&shop, query, PartsFormat::Pending).await;
    let (data, errors) = merged(&messages);
    assert_eq!(data, plain[0]["data"], "{response} {sizes:?}");
    assert_eq!(errors, plain[0]["errors"].as_array().cloned().unwrap_or_default(), "{response} {sizes:?}");
    (messages, shop.subgraphs.lookups.load(Ordering::Relaxed))
}

#[tokio::test]
async fn it_makes_no_difference_where_the_response_is_cut() {
    let response = catalog(&products(40));
    let mut seed = 1_u64;
    for round in 0..60 {
        let mut size = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as usize % (1 << (round % 8)) + 1
        };
        let sizes: Vec<usize> = (0..50).map(|_| size()).collect();
        for initial in [0, 1, 4, 40, 41] {
            let query = STREAMED.replace('2', &initial.to_string());
            check(&response, &query, &sizes).await;
        }
    }
}

#[tokio::test]
async fn large_lists_come_in_batches_that_are_looked_up_apart() {
    let (messages, lookups) = check(&catalog(&products(20_000)), STREAMED, &[30_000, 10, 7000]).await;
    let largest = messages.iter().map(|message| message.to_string().len()).max().unwrap();
    println!("{} messages, at most {largest} bytes, {lookups} look-ups", messages.len());
    assert!(messages.len() > 6 && largest < 400 << 10 && lookups >= messages.len() - 1);
}

#[tokio::test]
async fn each_batch_tells_of_its_look_ups_and_the_last_of_the_whole_list() {
    let response = catalog(&products(4000));
    let gateway = gateway(Shop { response: response.clone().into(), sizes: vec![30_000, 10], ..Shop::default() });
    let (format, time, expose) = (PartsFormat::Pending, Duration::from_secs(20), "timings, exchanges");
    let (first, parts) = begin_exposed(&gateway, STREAMED, format, time, expose).await;
    let mut messages = vec![first];
    let mut parts = parts.unwrap();
    while let Some(Event::Next(bytes)) = parts.next().await {
        messages.push(serde_json::from_slice::<Value>(&bytes).unwrap());
    }
    let told = |message: &Value, what: &str| -> Vec<Value> {
        let braid = &message["extensions"]["braid"];
        let list = if what == "timings" { &braid["timings"]["fetches"] } else { &braid["exchanges"] };
        list.as_array().unwrap_or_else(|| panic!("{message}")).clone()
    };
    let of_list = |timings: &[Value]| timings.iter().filter(|timing| timing["fetch"] == 0).cloned().collect::<Vec<_>>();
    let (first, last) = (of_list(&told(&messages[0], "timings")), of_list(&told(messages.last().unwrap(), "timings")));
    assert_eq!((first.len(), last.len()), (1, 1));
    assert!(first[0]["responseBytes"].as_u64().unwrap() < 1000, "{first:?}");
    assert!(last[0]["responseBytes"].as_u64().unwrap() as usize >= response.len(), "{last:?}");
    assert_eq!(first[0]["startMs"], last[0]["startMs"], "it is the same fetch");
    assert!(messages[1..messages.len() - 1].iter().all(|message| of_list(&told(message, "timings")).is_empty()));
    let all = |what| messages.iter().flat_map(|message| told(message, what)).filter(|told| told["fetch"] != 0).count();
    let lookups = gateway.subgraphs.lookups.load(Ordering::Relaxed);
    assert_eq!((all("timings"), all("exchanges")), (lookups, lookups), "each look-up is told once");
    assert!(lookups > 2);
}

#[tokio::test]
async fn members_come_in_any_order() {
    let items = products(30).join(",");
    let (head, list) = (r#""name":"all""#, format!(r#""items":[{items}]"#));
    let is_streamed = |messages: &[Value]| messages.len() > 2;
    // A few bytes at a time, so that what is streamed comes in many batches.
    let sizes = [400];
    for (response, streams) in [
        (format!(r#"{{"data":{{"catalog":{{{head},{list}}}}}}}"#), true),
        (format!(r#" {{ "errors" : [ ] , "data" : {{ "catalog" : {{ {head} , {list} }} }} }} "#), true),
        (format!(r#"{{"extensions":{{"a":[1]}},"errors":null,"data":{{"catalog":{{{head},{list}}}}}}}"#), true),
        (
            format!(
                r#"{{"data":{{"catalog":{{"more":[{{}}],{head},{list},"else":{{"a":[1]}}}},"b":1}},"extensions":{{}}}}"#
            ),
            true,
        ),
        (format!(r#"{{"data":{{"catalog":{{{list},{head}}}}}}}"#), false),
        (
            format!(
                r#"{{"errors":[{{"message":"odd","path":["catalog","items",3]}}],"data":{{"catalog":{{{head},{list}}}}}}}"#
            ),
            false,
        ),
        (
            format!(
                r#"{{"data":{{"catalog":{{{head},{list}}}}},"errors":[{{"message":"odd","path":["catalog","items",3]}},{{"message":"other"}}]}}"#
            ),
            true,
        ),
        (format!(r#"{{"data":{{"catalog":{{{head},"items":null}}}}}}"#), false),
        (r#"{"data":{"catalog":null}}"#.to_owned(), false),
        (r#"{"data":null,"errors":[{"message":"no"}]}"#.to_owned(), false),
    ] {
        let shop = Shop {
            response: response.clone().into(),
            sizes: sizes.into(),
            pause: Duration::from_millis(15),
            ..Shop::default()
        };
        let slow = all(&gateway(shop), STREAMED, PartsFormat::Pending).await;
        assert_eq!(is_streamed(&slow), streams, "{response} {slow:?}");
        check(&response, STREAMED, &sizes).await;
    }
    let aliased = "{ a: catalog { n: name b: items @stream(initialCount: 1) { c: id stars } } }";
    let response = format!(
        r#"{{"data":{{"a":{{"n":"all","b":[{}]}}}}}}"#,
        items.replace("\"id\"", "\"c\"").replace("\"__typename\"", "\"id\":\"1\",\"__typename\"")
    );
    check(&response, aliased, &sizes).await;
    // At the root, with another field before it.
    let root = "{ other products @stream(initialCount: 1) { id stars } }";
    check(&format!(r#"{{"data":{{"other":"o","products":[{items}]}}}}"#), root, &sizes).await;
    check(&format!(r#"{{"data":{{"products":[{items}],"other":"o"}}}}"#), root, &sizes).await;
    check(r#"{"data":{"other":"o","products":[]}}"#, root, &sizes).await;
}

#[tokio::test]
async fn the_list_is_asked_for_last() {
    let items = products(200).join(",");
    let response = format!(r#"{{"data":{{"other":"o","catalog":{{"total":200,"items":[{items}]}}}}}}"#);
    let query = "{ catalog { items @stream(initialCount: 1) { id } total } other }";
    let shop = gateway(Shop { response: response.into(), sizes: vec![300], ..Shop::default() });
    let messages = all(&shop, query, PartsFormat::Pending).await;
    let asked = shop.subgraphs.asked.get().unwrap();
    let at = |field: &str| asked.find(field).unwrap();
    assert!(at("other") < at("catalog") && at("total") < at("items"), "{asked}");
    // The client has the order that it asked for.
    let catalog = &messages[0]["data"].as_object().unwrap()["catalog"];
    assert_eq!(catalog["total"], 200);
    assert_eq!(merged(&messages).0["catalog"]["items"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn items_do_not_wait_for_those_that_take_their_time() {
    let shop = Shop {
        response: catalog(&products(30)).into(),
        sizes: vec![100],
        pause: Duration::from_millis(20),
        ..Shop::default()
    };
    let pieces = shop.pieces.clone();
    let gateway = gateway(shop);
    let (first, parts) = begin(&gateway, STREAMED, PartsFormat::Pending, Duration::from_secs(20)).await;
    assert_eq!(first["data"]["catalog"]["items"].as_array().unwrap().len(), 2);
    let begun = pieces.load(Ordering::Relaxed);
    assert!(begun < 6, "{begun}");
    let second = parts.unwrap().next().await.unwrap();
    assert!(matches!(second, Event::Next(_)) && pieces.load(Ordering::Relaxed) < begun + 5);
}

#[tokio::test]
async fn what_ends_too_early_ends_with_an_error() {
    let response = catalog(&products(30));
    let end = |kind| SubgraphError { kind, message: "gone".to_owned(), retryable: false };
    let cut = response.find("\"id\":\"20\"").unwrap();
    let unclosed = response.len() - 2;
    for (length, end, code) in [
        (cut, Some(end(SubgraphErrorKind::Transport)), "SUBREQUEST_HTTP_ERROR"),
        (cut, Some(end(SubgraphErrorKind::TooLarge)), "SUBREQUEST_RESPONSE_TOO_LARGE"),
        (cut, None, "SUBREQUEST_MALFORMED_RESPONSE"),
        (unclosed, Some(end(SubgraphErrorKind::Timeout)), "SUBREQUEST_TIMEOUT"),
        (unclosed, None, "SUBREQUEST_MALFORMED_RESPONSE"),
    ] {
        for format in [PartsFormat::Pending, PartsFormat::Path] {
            let response = response.as_bytes()[..length].to_vec();
            let shop = Shop { response, sizes: vec![100], end: end.clone(), ..Shop::default() };
            let messages = all(&gateway(shop), STREAMED, format).await;
            assert_eq!(messages[0]["data"]["catalog"]["items"].as_array().unwrap().len(), 2);
            let last = messages.last().unwrap();
            let ended = match format {
                PartsFormat::Pending => last["completed"][0].clone(),
                PartsFormat::Path => last["incremental"].as_array().unwrap().last().unwrap().clone(),
            };
            assert_eq!(ended["errors"][0]["extensions"]["code"], code, "{messages:?}");
            assert_eq!(last["hasNext"], false);
            if format == PartsFormat::Pending {
                let (data, errors) = merged(&messages);
                let items = data["catalog"]["items"].as_array().unwrap();
                // What was whole is there, with what was looked up for it.
                let whole = if length == cut { 20 } else { 30 };
                assert_eq!((items.len(), errors.len()), (whole, 1));
                assert_eq!(items[16]["stars"], 2);
            } else {
                assert_eq!(ended["items"], Value::Null);
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_list_ends_with_an_error_too() {
    for (good, bad) in [("},{", "}{"), ("null,", "null,,"), ("\"tags\":[]", "\"tags\":[}")] {
        let response = catalog(&products(30));
        let at = response.rfind(good).unwrap();
        let response = [&response[..at], bad, &response[at + good.len()..]].concat();
        let shop = Shop { response: response.into(), sizes: vec![100], ..Shop::default() };
        let (_, errors) = merged(&all(&gateway(shop), STREAMED, PartsFormat::Pending).await);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0]["extensions"]["code"], "SUBREQUEST_MALFORMED_RESPONSE", "{errors:?}");
    }
}

#[tokio::test]
async fn a_failed_look_up_costs_its_batch_alone() {
    let refused = Some("15000");
    let shop = Shop { response: catalog(&products(20_000)).into(), refused, ..Shop::default() };
    let (data, errors) = merged(&all(&gateway(shop), STREAMED, PartsFormat::Pending).await);
    let items = data["catalog"]["items"].as_array().unwrap();
    assert_eq!((items.len(), errors.len()), (20_000, 1), "{errors:?}");
    assert_eq!(errors[0]["extensions"]["code"], "SUBREQUEST_TIMEOUT");
    assert_eq!((&items[15_000]["stars"], &items[2]["stars"]), (&Value::Null, &json!(1)));
    assert_eq!(items[19_999]["stars"], 5);
}

#[tokio::test]
async fn nothing_is_read_that_is_not_taken() {
    let shop = Shop { response: catalog(&products(200_000)).into(), ..Shop::default() };
    let pieces = shop.pieces.clone();
    let gateway = gateway(shop);
    let (_, parts) = begin(&gateway, STREAMED, PartsFormat::Pending, Duration::from_secs(20)).await;
    let mut parts = parts.unwrap();
    for _ in 0..4 {
        assert!(matches!(parts.next().await, Some(Event::Next(_))));
    }
    let taken = pieces.load(Ordering::Relaxed);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(pieces.load(Ordering::Relaxed), taken);
    // Batches of 16, 32, 64, 128 and 256 KB, in pieces of 1000 bytes, and one batch that waits.
    assert!(taken < 1000, "{taken} of 14,000 pieces");
    let more = parts.next().now_or_never();
    println!("{taken} pieces were read for 4 messages; the next is there: {}", more.is_some());
    drop(parts);
    assert!(pieces.load(Ordering::Relaxed) < 1200);
}

#[tokio::test]
async fn the_time_of_a_request_ends_its_list() {
    let shop = Shop {
        response: catalog(&products(3000)).into(),
        sizes: vec![500],
        pause: Duration::from_millis(5),
        ..Shop::default()
    };
    let gateway = gateway(shop);
    // The first answer compiles the operation.
    drop(begin(&gateway, STREAMED, PartsFormat::Pending, Duration::from_secs(20)).await);
    let (first, parts) = begin(&gateway, STREAMED, PartsFormat::Pending, Duration::from_millis(300)).await;
    let mut messages = vec![first];
    let mut parts = parts.unwrap();
    while let Some(event) = parts.next().await {
        if let Event::Next(bytes) = event {
            messages.push(serde_json::from_slice(&bytes).unwrap());
        }
    }
    let (data, errors) = merged(&messages);
    let items = data["catalog"]["items"].as_array().unwrap().len();
    assert!((10..2900).contains(&items), "{items}");
    assert_eq!(errors[0]["extensions"]["code"], "GATEWAY_TIMEOUT", "{errors:?}");
}
