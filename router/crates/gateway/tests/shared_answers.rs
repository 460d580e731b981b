//! Answers that are not executed for the one who asks: shared executions, and whole answers that are kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_cache_store::config::StoreConfig;
use braid_cache_store::{Invalidation, Position, Store, now};
use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::answers::{AnswersConfig, AnswersSetup};
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, GatewayConfig, Made, answer};
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::{CredentialKind, Principal};
use braid_request_context::{Cacheability, Dependencies, Identity, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

const SDL: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
    type Query { product(id: ID): String secret: String @authenticated broken: String private: String uncached: String }
    type Mutation { pay: String }
"#;

/// Counts, takes its time, and says how long what it gave may be kept.
#[derive(Debug)]
struct Shop {
    asked: AtomicUsize,
    cancelled: Arc<AtomicUsize>,
    takes: Duration,
    lasts: Mutex<Duration>,
    store: Arc<Store>,
}

struct Waiting(Option<Arc<AtomicUsize>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(cancelled) = self.0.take() {
            cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn tags() -> Vec<braid_cache_store::Tag> {
    Invalidation::Tag { subgraph: None, tag: "products".to_owned() }.tags().unwrap()
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let position = self.store.invalidations.last();
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut waiting = Waiting(Some(self.cancelled.clone()));
        tokio::time::sleep(self.takes).await;
        waiting.0 = None;
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        if text.contains("broken") {
            let (kind, message) = (SubgraphErrorKind::Transport, "gone".to_owned());
            return Err(SubgraphError { kind, message, retryable: false });
        }
        let user = context.headers(request.subgraph).and_then(|headers| headers.get("x-user"));
        let value = format!("\"{number} for {}\"", user.map_or("all", |user| user.to_str().unwrap()));
        let fields = ["product", "secret", "private", "uncached", "pay"];
        let fields: Vec<_> = fields.iter().map(|field| format!("\"{field}\":{value}")).collect();
        let body = Bytes::from(format!("{{\"data\":{{{}}}}}", fields.join(",")));
        let mut meta = SubgraphHeaders::new(HeaderMap::from_iter([
            (http::header::SET_COOKIE, HeaderValue::from_static("a=b")),
            (HeaderName::from_static("x-from"), HeaderValue::from_static("shop")),
        ]));
        let lasts = self.lasts.lock().unwrap().as_millis() as u64;
        meta.cacheability = (!text.contains("uncached")).then(|| {
            Arc::new(Cacheability {
                since: now(),
                fresh_until: now() + lasts,
                is_private: text.contains("private"),
                tags: Arc::default(),
                depends_on: Some(Dependencies { position, tags: tags().into() }),
            })
        });
        Ok(SubgraphResponse::new(200, body, meta))
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        let headers = context.headers(subgraph);
        Some(headers.and_then(|headers| headers.get("x-user")).map_or(Vec::new(), |user| user.as_bytes().to_vec()))
    }
}

struct World {
    gateway: Arc<Gateway<Arc<Shop>>>,
    shop: Arc<Shop>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

const HEADERS: &str = r#"{"all":{
    "request":[{"propagate":{"name":"x-user"}}],
    "response":[{"propagate":{"name":"set-cookie"}},{"propagate":{"name":"x-from"}}]
}}"#;

impl World {
    fn new(takes: u64, change: impl FnOnce(&mut GatewayConfig, &Arc<Store>)) -> Self {
        let sdl = SubgraphSdl { name: "shop".into(), sdl: SDL.into(), ..SubgraphSdl::default() };
        let composed = compose(&[sdl]).result.expect("the subgraph composes");
        let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
        let metrics = Arc::new(Metrics::default());
        let store = Store::new(&StoreConfig::default(), &metrics, None).unwrap();
        let shop = Arc::new(Shop {
            asked: AtomicUsize::new(0),
            cancelled: Arc::default(),
            takes: Duration::from_millis(takes),
            lasts: Mutex::new(Duration::from_secs(60)),
            store: store.clone(),
        });
        let mut config = GatewayConfig { headers: serde_json::from_str(HEADERS).unwrap(), ..GatewayConfig::default() };
        change(&mut config, &store);
        let gateway = Gateway::new(supergraph, shop.clone(), &config, &metrics).unwrap();
        Self { gateway: Arc::new(gateway), shop, store, metrics }
    }

    fn sharing(takes: u64) -> Self {
        Self::new(takes, |config, _| config.share_executions = true)
    }

    fn keeping(change: impl FnOnce(&mut AnswersConfig)) -> Self {
        Self::new(0, |config, store| {
            let mut answers = AnswersConfig { keep: true, ..AnswersConfig::default() };
            change(&mut answers);
            config.answers = Some(AnswersSetup { config: answers, vary: Vec::new(), store: store.clone() });
        })
    }

    async fn ask(&self, query: &str, client: &Client) -> Result<Executed, Refusal> {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = Method::POST;
        for (name, value) in &client.headers {
            head.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut context = self.gateway.context(head, None, client.time);
        context.identity = client.identity.clone();
        let query = Some(serde_json::to_string(query).unwrap().into());
        let variables = client.id.map(|id| serde_json::value::to_raw_value(&serde_json::json!({ "id": id })).unwrap());
        let variables = variables.map(std::borrow::Cow::Owned);
        let request = GraphQLRequest { query, variables, ..GraphQLRequest::default() };
        answer(&self.gateway, &request, &Arc::new(context), Accepts::WHOLE).await?.executed()
    }

    async fn text(&self, query: &str, client: &Client) -> (String, Made) {
        let executed = self.ask(query, client).await.unwrap();
        (String::from_utf8(executed.response.bytes.to_vec()).unwrap(), executed.made)
    }

    fn asked(&self) -> usize {
        self.shop.asked.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Client {
    headers: Vec<(&'static str, &'static str)>,
    identity: Identity,
    time: Duration,
    id: Option<&'static str>,
}

fn client(headers: &[(&'static str, &'static str)]) -> Client {
    Client { headers: headers.to_vec(), identity: Identity::Anonymous, time: Duration::from_secs(20), id: Some("1") }
}

fn somebody() -> Client {
    let claims = serde_json::Map::new();
    let principal = Principal { claims, source: "test".into(), kind: CredentialKind::Jwt, expires: None };
    Client { identity: Identity::Known(Arc::new(principal)), ..client(&[]) }
}

const PRODUCT: &str = "query($id: ID) { product(id: $id) }";

#[tokio::test]
async fn equal_queries_at_the_same_time_share_an_execution() {
    let world = World::sharing(100);
    let (one, other) = (client(&[("x-other", "1")]), client(&[("x-other", "2")]));
    let (first, second) = tokio::join!(world.ask(PRODUCT, &one), world.ask(PRODUCT, &other));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.made, second.made, world.asked()), (Made::Own, Made::Shared, 1));
    assert_eq!(first.response.bytes, second.response.bytes);
    let headers = |executed: &Executed| {
        let mut out = HeaderMap::new();
        executed.write_headers(&world.gateway, &mut out);
        (out.contains_key("set-cookie"), out.contains_key("x-from"))
    };
    assert_eq!((headers(&first), headers(&second)), ((true, true), (false, true)), "a cookie is one client's");
    assert_eq!((first.response.fetches.len(), second.response.fetches.len()), (1, 0));
    assert_eq!((world.metrics.answers.own.get(), world.metrics.answers.joined.get()), (1, 1));
    assert_eq!(world.ask(PRODUCT, &one).await.unwrap().made, Made::Own, "only while it is executed");
}

#[tokio::test]
async fn what_is_not_equal_is_not_shared() {
    let world = World::sharing(100);
    let (ada, bob) = (client(&[("x-user", "ada")]), client(&[("x-user", "bob")]));
    let other_id = Client { id: Some("2"), ..ada.clone() };
    let (known, none) = (somebody(), client(&[]));
    let answers = tokio::join!(
        world.text(PRODUCT, &ada),
        world.text(PRODUCT, &bob),
        world.text(PRODUCT, &other_id),
        world.text("query($id: ID) { product(id: $id) uncached }", &ada),
        world.text("{ secret }", &known),
        world.text("mutation { pay }", &ada),
        world.text("mutation { pay }", &ada),
        world.ask("{ secret }", &none),
    );
    assert!(answers.0.0.contains("for ada") && answers.1.0.contains("for bob"), "{answers:?}");
    let made = [answers.0.1, answers.1.1, answers.2.1, answers.3.1, answers.4.1, answers.5.1, answers.6.1];
    assert_eq!(made, [Made::Own; 7]);
    assert_eq!(answers.7.unwrap().response.refused, 1, "what one may see is not shown to another");
    assert_eq!(world.asked(), 7);
}

#[tokio::test]
async fn who_leaves_does_not_take_the_others_along() {
    let world = World::sharing(150);
    let client = client(&[]);
    let first = tokio::time::timeout(Duration::from_millis(50), world.ask(PRODUCT, &client));
    let (left, second) = tokio::join!(first, world.text(PRODUCT, &client));
    assert!(left.is_err());
    assert_eq!((second.1, world.asked()), (Made::Shared, 1));
    assert_eq!(world.shop.cancelled.load(Ordering::Relaxed), 0);
    // When all have left, it ends.
    let leaving = || tokio::time::timeout(Duration::from_millis(50), world.ask(PRODUCT, &client));
    let (one, other) = tokio::join!(leaving(), leaving());
    assert!(one.is_err() && other.is_err());
    assert_eq!((world.asked(), world.shop.cancelled.load(Ordering::Relaxed)), (2, 1));
}

#[tokio::test]
async fn each_client_has_its_own_time() {
    let world = World::sharing(300);
    let short = Client { time: Duration::from_millis(100), ..client(&[]) };
    let long = client(&[]);
    // One who joins does not wait longer than it may.
    let (first, second) = tokio::join!(world.text(PRODUCT, &long), world.ask(PRODUCT, &short));
    assert_eq!(first.1, Made::Own);
    assert_eq!(second.unwrap_err().errors[0].code(), Some("GATEWAY_TIMEOUT"));
    // The time of who began it is not that of those who joined.
    let (first, second) = tokio::join!(world.ask(PRODUCT, &short), world.text(PRODUCT, &long));
    assert!(first.unwrap().response.timed_out);
    assert!(second.0.contains("for all"), "{second:?}");
}

#[tokio::test]
async fn a_failure_is_shared_and_not_kept() {
    let world = World::new(50, |config, store| {
        config.share_executions = true;
        let answers = AnswersConfig { keep: true, ..AnswersConfig::default() };
        config.answers = Some(AnswersSetup { config: answers, vary: Vec::new(), store: store.clone() });
    });
    let client = client(&[]);
    let (one, other) = tokio::join!(world.ask("{ broken }", &client), world.ask("{ broken }", &client));
    assert_eq!((one.unwrap().response.errors, other.unwrap().response.errors, world.asked()), (1, 1, 1));
    assert_eq!(world.ask("{ broken }", &client).await.unwrap().made, Made::Own);
}

#[tokio::test]
async fn without_the_setting_each_query_is_executed() {
    let world = World::new(50, |_, _| ());
    let client = client(&[]);
    let (one, other) = tokio::join!(world.text(PRODUCT, &client), world.text(PRODUCT, &client));
    assert_eq!((one.1, other.1, world.asked()), (Made::Own, Made::Own, 2));
}

#[tokio::test]
async fn an_answer_is_kept_until_it_is_thrown_out() {
    let world = World::keeping(|_| ());
    let client = client(&[]);
    let first = world.text(PRODUCT, &client).await;
    assert_eq!(world.text(PRODUCT, &client).await, (first.0.clone(), Made::Kept));
    let other = Invalidation::Tag { subgraph: None, tag: "users".to_owned() };
    world.store.invalidate(&[other]).await.unwrap();
    assert_eq!(world.text(PRODUCT, &client).await, (first.0.clone(), Made::Kept));
    let products = Invalidation::Tag { subgraph: None, tag: "products".to_owned() };
    world.store.invalidate(&[products]).await.unwrap();
    let second = world.text(PRODUCT, &client).await;
    assert!(second.0 != first.0 && second.1 == Made::Own, "{second:?}");
    assert_eq!(world.text(PRODUCT, &client).await, (second.0, Made::Kept));
    world.store.invalidate(&[Invalidation::All]).await.unwrap();
    assert_eq!(world.text(PRODUCT, &client).await.1, Made::Own);
    assert!(world.store.invalidations.last() > Position(0));
    assert_eq!(world.asked(), 3);
    assert_eq!((world.metrics.answers.hits.get(), world.metrics.answers.misses.get()), (3, 3));
}

#[tokio::test]
async fn an_answer_is_not_kept_beyond_its_time() {
    let world = World::keeping(|_| ());
    let client = client(&[]);
    *world.shop.lasts.lock().unwrap() = Duration::from_millis(60);
    world.text(PRODUCT, &client).await;
    tokio::time::sleep(Duration::from_millis(70)).await;
    assert_eq!(world.text(PRODUCT, &client).await.1, Made::Own);
    *world.shop.lasts.lock().unwrap() = Duration::ZERO;
    tokio::time::sleep(Duration::from_millis(70)).await;
    world.text(PRODUCT, &client).await;
    assert_eq!(world.text(PRODUCT, &client).await.1, Made::Own);
}

#[tokio::test]
async fn only_what_is_anybodys_is_kept() {
    let world = World::keeping(|_| ());
    let plain = client(&[]);
    // The answer is in memory, and not for these.
    world.text(PRODUCT, &plain).await;
    for other in [
        client(&[("authorization", "Bearer t")]),
        client(&[("cookie", "a=b")]),
        client(&[("x-user", "ada")]),
        Client { id: Some("2"), ..plain.clone() },
        somebody(),
    ] {
        assert_eq!(world.text(PRODUCT, &other).await.1, Made::Own);
    }
    for (query, client) in [
        ("{ private }", &plain),
        ("{ uncached }", &plain),
        ("{ secret }", &plain),
        ("{ secret }", &somebody()),
        ("query($id: ID) { product(id: $id) private }", &plain),
        ("mutation { pay }", &plain),
    ] {
        world.ask(query, client).await.unwrap();
        assert_eq!(world.ask(query, client).await.unwrap().made, Made::Own, "{query}");
    }
}

#[tokio::test]
async fn a_large_answer_is_not_kept() {
    let world = World::keeping(|config| config.max_answer = braid_settings::ByteSize(10));
    let client = client(&[]);
    world.text(PRODUCT, &client).await;
    assert_eq!(world.text(PRODUCT, &client).await.1, Made::Own);
}

#[tokio::test]
async fn clients_are_told_who_may_keep_it() {
    let world = World::keeping(|_| ());
    let plain = client(&[]);
    let control = async |query: &str, client: &Client| {
        let mut out = HeaderMap::new();
        world.ask(query, client).await.unwrap().write_headers(&world.gateway, &mut out);
        out["cache-control"].to_str().unwrap().to_owned()
    };
    // The subgraph sets a cookie, and a rule passes it on to the one who had it asked.
    assert!(control(PRODUCT, &plain).await.ends_with("private"));
    assert!(control(PRODUCT, &plain).await.ends_with("public"), "kept, and without the cookie");
    assert!(control("{ private }", &plain).await.ends_with("private"));
    assert!(control("{ secret }", &somebody()).await.ends_with("private"), "what permissions decide about");
    for query in ["{ uncached }", "{ product(id: 1) uncached }", "{ broken }", "{ secret }", "{ __typename }"] {
        assert_eq!(control(query, &plain).await, "no-store", "{query}");
    }
    assert_eq!(control("mutation { pay }", &plain).await, "no-store");
}
