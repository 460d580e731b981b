//! Subgraphs whose behaviour can be changed, and the transport that calls them.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_executor::request::RequestValues;
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService as _};
use braid_graphql::OperationType;
use braid_request_context::headers::{HeaderPlans, SubgraphHeaders};
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use braid_transport::HttpSubgraphs;
use braid_transport::config::TrafficConfig;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

const SDL: &str = include_str!("../supergraph.graphql");

/// How a subgraph answers.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    Good,
    /// 503 that is not JSON.
    Busy,
    /// Takes the request and never responds.
    Hangs,
    /// A good response after so many milliseconds.
    Slow(u64),
    GraphQLErrors,
    /// 404 that is not JSON.
    NotFound,
    /// 200 that is not JSON.
    Html,
    /// More than 5,000 bytes.
    Large,
}

/// A subgraph.
pub struct Peer {
    pub url: String,
    state: Arc<State>,
}

struct State {
    behaviour: Mutex<Behaviour>,
    requests: AtomicUsize,
    in_flight: AtomicUsize,
}

struct InFlight(Arc<State>);

impl Peer {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self::new(format!("http://{}/graphql", listener.local_addr().unwrap()), behaviour);
        let state = peer.state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(TokioIo::new(stream), state.clone()));
            }
        });
        peer
    }

    pub fn unix(socket: &Path, behaviour: Behaviour) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let peer = Self::new(format!("unix://{}?path=/graphql", socket.display()), behaviour);
        let state = peer.state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(TokioIo::new(stream), state.clone()));
            }
        });
        peer
    }

    fn new(url: String, behaviour: Behaviour) -> Self {
        let (requests, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { url, state: Arc::new(State { behaviour: Mutex::new(behaviour), requests, in_flight }) }
    }

    pub fn set(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
    }

    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    pub fn in_flight(&self) -> usize {
        self.state.in_flight.load(Ordering::Relaxed)
    }
}

async fn speak(stream: impl Read + Write + Unpin + Send + 'static, state: Arc<State>) {
    let service = service_fn(|_: Request<Incoming>| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(state).await) }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
}

async fn answer(state: Arc<State>) -> Response<Full<Bytes>> {
    state.requests.fetch_add(1, Ordering::Relaxed);
    state.in_flight.fetch_add(1, Ordering::Relaxed);
    let behaviour = *state.behaviour.lock().unwrap();
    let _in_flight = InFlight(state);
    const JSON: &str = "application/json";
    let (status, content_type, body) = match behaviour {
        Behaviour::Good => (200, JSON, r#"{"data":{}}"#.to_owned()),
        Behaviour::Busy => (503, "text/plain", "busy".to_owned()),
        Behaviour::Hangs => std::future::pending().await,
        Behaviour::Slow(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            (200, JSON, r#"{"data":{}}"#.to_owned())
        }
        Behaviour::GraphQLErrors => (200, JSON, r#"{"errors":[{"message":"no"}]}"#.to_owned()),
        Behaviour::NotFound => (404, "text/plain", "nothing here".to_owned()),
        Behaviour::Html => (200, "text/html", "<p>".to_owned()),
        Behaviour::Large => (200, JSON, format!("{{\"data\":\"{}\"}}", "x".repeat(5000))),
    };
    let body = Full::new(Bytes::from(body));
    Response::builder().status(status).header("content-type", content_type).body(body).unwrap()
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A URL that refuses connections for as long as the socket is held.
pub fn refusing() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    (socket, url)
}

/// The transport of a supergraph with one subgraph, users.
pub struct World {
    subgraphs: HttpSubgraphs,
    subgraph: SubgraphId,
    metrics: Arc<Metrics>,
    context: SubgraphContext,
}

impl World {
    /// `traffic`: the options of the subgraph besides `urls`, separated by commas.
    pub fn new(urls: &[&str], traffic: &str) -> Self {
        Self::build(urls, traffic, Arc::default(), None)
    }

    /// The next version.
    pub fn reloaded(&self, urls: &[&str], traffic: &str) -> Self {
        Self::build(urls, traffic, self.metrics.clone(), Some(&self.subgraphs))
    }

    fn build(urls: &[&str], traffic: &str, metrics: Arc<Metrics>, previous: Option<&HttpSubgraphs>) -> Self {
        let yaml = format!("subgraphs: {{ users: {{ urls: {urls:?}, deduplicate: false, {traffic} }} }}");
        let config: TrafficConfig = braid_settings::from_yaml(&yaml).unwrap();
        config.check().unwrap();
        let supergraph = Supergraph::read(SDL).unwrap();
        let (head, ()) = Request::new(()).into_parts();
        let plans = HeaderPlans::new(&Default::default(), ["users"].into_iter()).unwrap();
        let context = RequestContext::new(head, None, Duration::from_secs(60), Arc::new(plans));
        Self {
            subgraphs: HttpSubgraphs::new(&supergraph, &config, &metrics, previous).unwrap(),
            subgraph: supergraph.subgraph_ids().next().unwrap(),
            metrics,
            context: SubgraphContext::new(Arc::new(context)),
        }
    }

    pub async fn call(&self, kind: OperationType) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let subgraph = self.subgraph;
        let body = Bytes::from_static(br#"{"query":"{ me { id } }"}"#);
        let request =
            SubgraphRequest { subgraph, kind, operation: kind, body, deadline: None, values: RequestValues::default() };
        self.subgraphs.call(request, &self.context).await
    }

    pub fn in_flight(&self) -> usize {
        self.subgraphs.state(self.subgraph).unwrap().under_way
    }

    /// The value of `braid_subgraph_<name>` for the subgraph.
    pub fn metric(&self, name: &str) -> f64 {
        self.metric_of(name, "")
    }

    /// The value of the one that has this label too.
    pub fn metric_of(&self, name: &str, label: &str) -> f64 {
        let (text, start) = (self.metrics.encode(), format!("braid_subgraph_{name}{{"));
        let line = text.lines().find(|line| line.starts_with(&start) && line.contains(label));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }
}

pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
