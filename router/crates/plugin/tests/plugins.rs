//! Which plugins are asked, in which order, and what becomes of what they change about requests to subgraphs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_graphql::OperationType;
use braid_plugin::{
    Plugin, Plugins, Refused, RequestStage, ResponseStage, Stage, StatusCode, SubgraphRequestStage,
    SubgraphResponseStage, WithRequestStage, WithResponseStage,
};
use braid_request_context::headers::{HeaderPlans, SubgraphHeaders};
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down where it is asked, and does what its name says.
struct Named(&'static str, &'static [Stage], Log);

impl Named {
    fn note(&self, stage: &str) -> Result<(), Refused> {
        self.2.lock().unwrap().push(format!("{} {stage}", self.0));
        match self.0 {
            "refuses" => Err(Refused::new(StatusCode::CONFLICT, "NO", "No.")),
            _ => Ok(()),
        }
    }
}

impl Plugin for Named {
    fn stages(&self) -> &[Stage] {
        self.1
    }

    async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
        stage.context.headers.append("x-seen", HeaderValue::from_static(self.0));
        self.note("request")
    }

    async fn response(&self, _: &mut ResponseStage<'_>) -> Result<(), Refused> {
        self.note("response")
    }

    async fn subgraph_request(&self, stage: &mut SubgraphRequestStage<'_>) -> Result<(), Refused> {
        assert_eq!((stage.subgraph, stage.url), ("a", "http://a/"));
        if self.0 == "changes" {
            stage.headers.insert("x-set", HeaderValue::from_static("1"));
            stage.headers.insert("content-length", HeaderValue::from_static("1"));
            stage.extensions.insert("b".to_owned(), 2.into());
        }
        self.note(&format!("subgraph_request {}", stage.number != 0))
    }

    async fn subgraph_response(&self, stage: &mut SubgraphResponseStage<'_>) -> Result<(), Refused> {
        *stage.status += 1;
        stage.headers.insert("x-back", HeaderValue::from_static("1"));
        *stage.body = Bytes::from_static(b"changed");
        self.note(&format!("subgraph_response {}", stage.number != 0))
    }
}

/// Answers with what it was asked.
struct Echo;

impl SubgraphService for Echo {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let headers = context.headers(request.subgraph);
        let shown =
            format!("{headers:?} {:?} {}", context.extensions(), context.forwards_credentials(request.subgraph));
        Ok(SubgraphResponse::new(200, shown.into(), SubgraphHeaders::new(HeaderMap::new())))
    }

    fn seen_of(&self, _: SubgraphId, _: &SubgraphContext) -> Option<Vec<u8>> {
        Some(Vec::new())
    }
}

fn context() -> RequestContext {
    let (head, ()) = http::Request::new(()).into_parts();
    let plans = HeaderPlans::new(&Default::default(), ["a"].into_iter()).unwrap();
    RequestContext::new(head, None, Duration::from_secs(9), Arc::new(plans))
}

fn supergraph() -> Supergraph {
    let (name, sdl) = ("a".to_owned(), "type Query { a: Int }".to_owned());
    let subgraph = SubgraphSdl { name, sdl, url: "http://a/".to_owned(), ..SubgraphSdl::default() };
    Supergraph::read(&compose(&[subgraph]).result.unwrap().supergraph_sdl).unwrap()
}

fn request() -> SubgraphRequest {
    SubgraphRequest {
        subgraph: SubgraphId::new(0),
        kind: OperationType::Query,
        operation: OperationType::Query,
        body: Bytes::from_static(b"{\"query\":\"{a}\"}"),
        deadline: None,
        values: Default::default(),
    }
}

#[tokio::test]
async fn plugins_are_asked_in_order_and_back_in_the_opposite_one() {
    let log = Log::default();
    const BOTH: &[Stage] = &[Stage::Request, Stage::Response];
    let plugins = Plugins::default()
        .with(Named("first", BOTH, log.clone()))
        .with(Named("silent", &[], log.clone()))
        .with(Named("second", BOTH, log.clone()));
    let (mut context, mut body) = (context(), Bytes::new());
    plugins.request(RequestStage { context: &mut context, body: &mut body }).await.unwrap();
    let seen: Vec<_> = context.headers.get_all("x-seen").iter().collect();
    assert_eq!(seen, ["first", "second"]);
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    let context = Arc::new(context);
    let stage = ResponseStage { context: &context, status: &mut status, headers: &mut headers, body: None };
    plugins.response(stage).await.unwrap();
    assert_eq!(*log.lock().unwrap(), ["first request", "second request", "second response", "first response"]);
    assert!(!plugins.take_part_in(Stage::SubgraphRequest));
    assert_eq!(format!("{plugins:?}"), "{Request: 2, Response: 2}");
}

#[tokio::test]
async fn who_refuses_is_the_last_to_be_asked() {
    let log = Log::default();
    let plugins = Plugins::default().with(Named("refuses", &[Stage::Request], log.clone())).with(Named(
        "second",
        &[Stage::Request],
        log.clone(),
    ));
    let (mut context, mut body) = (context(), Bytes::new());
    let refused = plugins.request(RequestStage { context: &mut context, body: &mut body }).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body(), r#"{"errors":[{"message":"No.","extensions":{"code":"NO"}}]}"#);
    assert_eq!(*log.lock().unwrap(), ["refuses request"]);
}

#[tokio::test]
async fn the_stages_of_subgraphs_change_what_is_asked_and_what_comes() {
    let log = Log::default();
    let context = SubgraphContext::new(Arc::new(context()));
    let over = async |name, stages| {
        let (plugins, supergraph) = (Plugins::default().with(Named(name, stages, log.clone())), supergraph());
        let subgraphs = WithResponseStage::new(Echo, &plugins, &supergraph);
        let subgraphs = WithRequestStage::new(subgraphs, &plugins, &supergraph);
        let response = subgraphs.call(request(), &context).await.unwrap();
        let has_back = response.meta.headers().unwrap().contains_key("x-back");
        let shared = subgraphs.seen_of(SubgraphId::new(0), &context).is_some();
        (response.status, String::from_utf8(response.body.to_vec()).unwrap(), has_back, shared)
    };
    let nothing = "None None false".to_owned();
    assert_eq!(over("nobody", &[]).await, (200, nothing.clone(), false, true));
    assert_eq!(over("looks", &[Stage::SubgraphRequest]).await, (200, nothing, false, false));
    let (status, body, _, _) = over("changes", &[Stage::SubgraphRequest]).await;
    assert_eq!(status, 200);
    assert_eq!(body, r#"Some({"x-set": "1"}) Some(Object {"b": Number(2)}) true"#.replace("Object ", ""));
    assert_eq!(over("looks", &[Stage::SubgraphResponse]).await, (201, "changed".to_owned(), true, true));
    let error = r#"{"errors":[{"message":"No.","extensions":{"code":"NO"}}]}"#.to_owned();
    assert_eq!(over("refuses", &[Stage::SubgraphRequest]).await, (409, error.clone(), false, false));
    assert_eq!(over("refuses", &[Stage::SubgraphResponse]).await, (409, error, false, true));
    assert!(log.lock().unwrap().contains(&"changes subgraph_request true".to_owned()));
    assert!(log.lock().unwrap().contains(&"refuses subgraph_response false".to_owned()));
}
