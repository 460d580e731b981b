//! The transport of a supergraph with one subgraph, and what its subscriptions bring.

use std::sync::Arc;
use std::time::Duration;

use braid_executor::request::RequestValues;
use braid_executor::{
    SubgraphError, SubgraphEvent, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService as _,
};
use braid_graphql::OperationType;
use braid_request_context::headers::{HeaderPlans, SubgraphHeaders};
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use braid_transport::HttpSubgraphs;
use braid_transport::config::TrafficConfig;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Request};
use tokio::time::timeout;

const SDL: &str = include_str!("../supergraph.graphql");
pub const QUERY: &str = r#"{"query":"subscription { changed }"}"#;

pub struct World {
    pub subgraphs: HttpSubgraphs,
    pub subgraph: SubgraphId,
    metrics: Arc<Metrics>,
    plans: Arc<HeaderPlans>,
}

impl World {
    /// `subscriptions`: options, separated by commas.
    pub fn new(url: &str, subscriptions: &str) -> Self {
        Self::with_traffic(url, &format!("subscriptions: {{ {subscriptions} }}"), None)
    }

    /// `traffic`: all options of the subgraph besides its URL.
    pub fn with_traffic(url: &str, traffic: &str, previous: Option<&Self>) -> Self {
        let yaml = format!("subgraphs: {{ users: {{ url: \"{url}\", {traffic} }} }}");
        let config: TrafficConfig = braid_settings::from_yaml(&yaml).unwrap();
        config.check().unwrap();
        let supergraph = Supergraph::read(SDL).unwrap();
        let headers = serde_json::from_str(r#"{"all":{"request":[{"propagate":{"name":"x-user"}}]}}"#).unwrap();
        let metrics = previous.map(|previous| previous.metrics.clone()).unwrap_or_default();
        let older = previous.map(|previous| &previous.subgraphs);
        Self {
            subgraphs: HttpSubgraphs::new(&supergraph, &config, &metrics, older).unwrap(),
            subgraph: supergraph.subgraph_ids().next().unwrap(),
            metrics,
            plans: Arc::new(HeaderPlans::new(&headers, ["users"].into_iter()).unwrap()),
        }
    }

    pub fn context(&self, user: &str) -> SubgraphContext {
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers = HeaderMap::from_iter([("x-user".parse().unwrap(), user.parse().unwrap())]);
        SubgraphContext::new(Arc::new(RequestContext::new(head, None, Duration::from_secs(60), self.plans.clone())))
    }

    fn request(&self, kind: OperationType) -> SubgraphRequest {
        let (subgraph, body) = (self.subgraph, Bytes::from_static(QUERY.as_bytes()));
        SubgraphRequest { subgraph, kind, operation: kind, body, deadline: None, values: RequestValues::default() }
    }

    pub async fn try_subscribe(&self, user: &str) -> Result<Events, SubgraphError> {
        let request = self.request(OperationType::Subscription);
        let context = self.context(user);
        let opening = self.subgraphs.subscribe(request, &context);
        timeout(Duration::from_secs(10), opening).await.expect("it is opened in time").map(Events)
    }

    pub async fn subscribe(&self, user: &str) -> Events {
        self.try_subscribe(user).await.unwrap()
    }

    pub async fn query(&self) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.subgraphs.call(self.request(OperationType::Query), &self.context("ada")).await
    }

    /// The value of a metric, `braid_<name>`.
    pub fn metric(&self, name: &str) -> f64 {
        let (text, start) = (self.metrics.encode(), format!("braid_{name}"));
        let line = text.lines().find(|line| line.starts_with(&start) && !line.starts_with('#'));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }
}

pub struct Events(pub SubgraphEvents);

impl Events {
    /// The next event as text: the response, `GAP`, `FAILED` with a code, or `END`.
    pub async fn next(&mut self) -> String {
        match timeout(Duration::from_secs(10), self.0.next()).await.expect("an event in time") {
            None => "END".to_owned(),
            Some(SubgraphEvent::Gap) => "GAP".to_owned(),
            Some(SubgraphEvent::Next(body)) => String::from_utf8(body.to_vec()).unwrap(),
            Some(SubgraphEvent::Failed(error)) => {
                assert!(!error.retryable, "{error}");
                format!("FAILED {}", error.kind.code())
            }
        }
    }

    pub async fn nothing_comes(&mut self, time: Duration) {
        let came = timeout(time, self.0.next()).await;
        assert!(came.is_err(), "{came:?}");
    }
}

/// The response to an event.
pub fn data(text: &str) -> String {
    format!(r#"{{"data":{{"changed":"{text}"}}}}"#)
}

pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
