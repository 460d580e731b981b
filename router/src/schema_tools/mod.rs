//! What the page shows of schemas, for development: the graph, the schemas of subgraphs, and checks of a changed one. Works on threads that
//! can block, and checks one schema at a time. Knows no HTTP connection.
//!
//! | request | answer |
//! |---|---|
//! | `GET /playground/graph.json` | the graph ([`braid_graph_docs::Graph`]) |
//! | `GET /playground/subgraphs.json` | the schemas of the subgraphs, where the router composes them |
//! | `GET /playground/problems.json` | why the newest version of the schema can't be used, if it can't |
//! | `POST /playground/check` with `{"subgraph", "sdl"}` | a report as `braid check` makes it |

mod check;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use braid_composition::SubgraphSdl;
use braid_executor::refuse;
use braid_gateway::Gateway;
use braid_graph_docs::graph;
use braid_graphql::error::GraphQLError;
use braid_server::Route;
use braid_server::config::ExampleQuery;
use braid_supergraph::Supergraph;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::assemble::{Subgraphs, Version};
use crate::problems::Problems;
use braid_config::Config;
use check::{Changed, changed};

/// The most bytes of a schema that is checked.
const MAX_BYTES: usize = 2 << 20;
/// How long somebody waits for an answer.
const TIME: Duration = Duration::from_secs(30);

/// The version with the tools for the page, if the configuration has them. `subgraphs` are what its supergraph was composed from; none if it
/// was composed elsewhere. `problems` are those of versions that come after it.
pub fn with_schema_tools(
    version: Version,
    config: &Config,
    subgraphs: Vec<SubgraphSdl>,
    problems: Problems,
) -> Version {
    let playground = &config.server.playground;
    if !playground.enabled || !playground.schema_tools {
        return version;
    }
    let tools = SchemaTools {
        gateway: version.gateway.clone(),
        subgraphs: subgraphs.into(),
        problems,
        examples: playground.queries.clone(),
        checks: Arc::new(Semaphore::new(1)),
        readings: Arc::new(Semaphore::new(4)),
        graph: OnceLock::new(),
        composed: OnceLock::new(),
    };
    version.with_route(Arc::new(tools))
}

/// The tools for one version.
#[derive(Debug)]
struct SchemaTools {
    gateway: Arc<Gateway<Subgraphs>>,
    subgraphs: Arc<[SubgraphSdl]>,
    problems: Problems,
    examples: Vec<ExampleQuery>,
    /// One check runs at a time; others wait for their turn.
    checks: Arc<Semaphore>,
    readings: Arc<Semaphore>,
    graph: OnceLock<Bytes>,
    /// What the subgraphs compose to; `None` if they don't any more.
    composed: OnceLock<Option<Arc<Supergraph>>>,
}

#[derive(Debug, Clone, Copy)]
enum Tool {
    Graph,
    Subgraphs,
    Problems,
    Check,
}

impl Tool {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/playground/graph.json" => Some(Self::Graph),
            "/playground/subgraphs.json" => Some(Self::Subgraphs),
            "/playground/problems.json" => Some(Self::Problems),
            "/playground/check" => Some(Self::Check),
            _ => None,
        }
    }
}

impl Route for SchemaTools {
    fn method(&self, path: &str) -> Option<Method> {
        Some(match Tool::at(path)? {
            Tool::Graph | Tool::Subgraphs | Tool::Problems => Method::GET,
            Tool::Check => Method::POST,
        })
    }

    fn max_body_bytes(&self) -> usize {
        MAX_BYTES
    }

    /// A page of another site can send no JSON without being allowed to.
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
        let may_be_sent = head.method == Method::GET || head.headers.get(CONTENT_TYPE).is_some_and(is_json);
        (!may_be_sent).then(|| {
            error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_CONTENT_TYPE",
                "Send a content-type of application/json.",
            )
        })
    }

    fn answer(self: Arc<Self>, head: Parts, body: Bytes) -> BoxFuture<'static, Response<Bytes>> {
        Box::pin(async move {
            let permits = if head.method == Method::GET { &self.readings } else { &self.checks };
            let Ok(Ok(permit)) = tokio::time::timeout(TIME, permits.clone().acquire_owned()).await else {
                let message = "The router does only so much of this at a time; try again in a moment.";
                return error(StatusCode::SERVICE_UNAVAILABLE, "REQUEST_CONCURRENCY_LIMITED", message);
            };
            let working = tokio::task::spawn_blocking(move || {
                // Held until the work is done, also if nobody waits for it any more.
                let _permit = permit;
                self.work(head.uri.path(), &body)
            });
            match tokio::time::timeout(TIME, working).await {
                Ok(Ok(response)) => response,
                Ok(Err(panic)) => {
                    tracing::error!(error = %panic, "A tool of the page failed");
                    let message = "This failed because of a bug in the router; please report it.";
                    error(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message)
                }
                Err(_) => error(StatusCode::GATEWAY_TIMEOUT, "GATEWAY_TIMEOUT", "This took too long."),
            }
        })
    }
}

impl SchemaTools {
    fn work(&self, path: &str, body: &Bytes) -> Response<Bytes> {
        match Tool::at(path) {
            Some(Tool::Graph) => {
                let graph = || serde_json::to_vec(&graph(&self.gateway.supergraph)).unwrap_or_default().into();
                json(StatusCode::OK, self.graph.get_or_init(graph).clone())
            }
            Some(Tool::Subgraphs) => {
                let subgraph = |subgraph: &SubgraphSdl| serde_json::json!({ "name": subgraph.name, "url": subgraph.url, "file": subgraph.file, "sdl": subgraph.sdl });
                let all: Vec<_> = self.subgraphs.iter().map(subgraph).collect();
                json(StatusCode::OK, serde_json::json!({ "subgraphs": all }).to_string().into())
            }
            Some(Tool::Problems) => json(StatusCode::OK, self.problems.to_json().to_string().into()),
            Some(Tool::Check) => match serde_json::from_slice::<Changed>(body) {
                Ok(change) => match changed(self, &change) {
                    Ok(report) => json(StatusCode::OK, report.into()),
                    Err(message) => error(StatusCode::BAD_REQUEST, "CHECK_NOT_POSSIBLE", &message),
                },
                Err(cause) => {
                    let message = format!("The body is not {{\"subgraph\", \"sdl\"}}: {cause}");
                    error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", &message)
                }
            },
            None => error(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such tool."),
        }
    }
}

fn error(status: StatusCode, code: &'static str, message: &str) -> Response<Bytes> {
    json(status, refuse(&[GraphQLError::new(code, message.to_owned())]))
}

fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
