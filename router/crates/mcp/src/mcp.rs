//! The endpoint for agents of one version of a graph: from an HTTP request to its response. Knows no socket.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use braid_gateway::refusal::Refusal;
use braid_gateway::{Executed, Gateway, Subgraphs};
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_request_context::RequestContext;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use crate::bounds::Bounds;
use crate::config::{McpConfig, Mutations};
use crate::files::{FileError, Text, read};
use crate::handler::Handler;
use crate::resource::ProtectedResource;
use crate::run::{Allowed, Caller, Seen};
use crate::search::Searchable;
use crate::toolset::Toolset;
use crate::view::View;

/// The endpoint for agents of one version.
pub struct Mcp<S> {
    inner: Arc<Inner<S>>,
    service: StreamableHttpService<Handler<S>, NeverSessionManager>,
    resource: Option<ProtectedResource>,
}

/// Why there is no endpoint for agents.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// Files with operations can't be used.
    #[error(transparent)]
    Files(#[from] FileError),
}

/// A response, and what was done for it.
#[derive(Debug)]
pub struct McpReply {
    /// The response.
    pub response: Response<Bytes>,
    /// The operations that were executed.
    pub executed: Vec<Executed>,
    /// The operations that were refused.
    pub refused: Vec<Refusal>,
    /// The tool that was called.
    pub called: Option<String>,
}

/// What calls need of a version.
#[derive(Debug)]
pub(crate) struct Inner<S> {
    pub(crate) config: McpConfig,
    pub(crate) gateway: Arc<Gateway<S>>,
    /// What agents see of the API schema, where it is not all.
    api: Option<Arc<Valid<Schema>>>,
    files: Vec<Text>,
    /// Whether operations can be run by their texts.
    has_execute: bool,
    tools: Mutex<Option<Arc<Toolset>>>,
    /// The list is read by one call at a time.
    reading: tokio::sync::Mutex<()>,
    searchable: OnceLock<Searchable>,
}

/// How long after the deadline of a request its answer may come: what is over then is a bug.
const SLACK: Duration = Duration::from_secs(2);

impl<S: Subgraphs> Mcp<S> {
    /// The endpoint over a gateway. `has_execute` says whether clients can run operations by their texts, and `resource` is what OAuth clients
    /// are told. Reads files, and makes the tools.
    pub fn new(
        config: &McpConfig,
        gateway: Arc<Gateway<S>>,
        has_execute: bool,
        resource: Option<ProtectedResource>,
    ) -> Result<Self, McpError> {
        let files = read(&config.operations.files)?;
        let api = config.graph.as_deref().and_then(|name| gateway.schema_of(name));
        let (tools, reading) = (Mutex::default(), tokio::sync::Mutex::default());
        let inner = Arc::new(Inner {
            config: config.clone(),
            gateway,
            api,
            files,
            has_execute,
            tools,
            reading,
            searchable: OnceLock::new(),
        });
        inner.keep(inner.read_tools());
        // Who may call, and from where, has been checked; and there is nothing to send beside answers.
        let http = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            .disable_allowed_hosts()
            .with_max_request_body_bytes(config.max_body_bytes.0);
        let handled = inner.clone();
        let service = StreamableHttpService::new(
            move || Ok(Handler(handled.clone())),
            Arc::new(NeverSessionManager::default()),
            http,
        );
        Ok(Self { inner, service, resource })
    }

    /// Whether requests to this path are for it.
    pub fn is_path(&self, path: &str) -> bool {
        path == self.inner.config.path || self.resource.as_ref().is_some_and(|resource| resource.is_path(path))
    }

    /// What anybody may read at a path.
    pub fn file(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response<Bytes>> {
        let resource = self.resource.as_ref().filter(|resource| resource.is_path(uri.path()))?;
        Some(resource.metadata(uri, headers))
    }

    /// How it was configured.
    pub fn config(&self) -> &McpConfig {
        &self.inner.config
    }

    /// A challenge to a client that has to say who it is.
    pub fn challenge(&self, challenge: HeaderValue, uri: &Uri, headers: &HeaderMap) -> HeaderValue {
        let made = self.resource.as_ref().and_then(|resource| resource.challenge(&challenge, uri, headers));
        made.unwrap_or(challenge)
    }

    /// Answers a request whose client is known.
    pub async fn answer(&self, context: &Arc<RequestContext>, body: Bytes) -> McpReply {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let caller = Caller { context: context.clone(), seen: seen.clone() };
        let response = match malformed(context, &body) {
            Some(response) => response,
            None => self.handle(context, caller, body).await,
        };
        let Seen { executed, refused, called } =
            std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        McpReply { response, executed, refused, called }
    }

    async fn handle(&self, context: &RequestContext, caller: Caller, body: Bytes) -> Response<Bytes> {
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut()) = (context.method.clone(), context.uri.clone());
        *request.headers_mut() = context.headers.clone();
        request.extensions_mut().insert(caller);
        let deadline = context.deadline + SLACK;
        let answering = async {
            let (head, body) = self.service.handle(request).await.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Response::from_parts(head, body)
        };
        let response = tokio::time::timeout_at(deadline.into(), answering)
            .await
            .unwrap_or_else(|_| json_rpc(StatusCode::GATEWAY_TIMEOUT, -32603, "The request took too long."));
        // JSON that is no message of the protocol is no matter of its media type.
        let is_json =
            context.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        match response.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE if is_json => {
                json_rpc(StatusCode::BAD_REQUEST, -32600, "The body is no message of the Model Context Protocol.")
            }
            _ => response,
        }
    }
}

/// The refusal of a body that is not one JSON object.
fn malformed(context: &RequestContext, body: &[u8]) -> Option<Response<Bytes>> {
    if context.method != Method::POST {
        return None;
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
        return Some(json_rpc(StatusCode::BAD_REQUEST, -32700, "The body is not JSON."));
    }
    let is_batch = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    is_batch.then(|| json_rpc(StatusCode::BAD_REQUEST, -32600, "Send one message per request: there are no batches."))
}

fn json_rpc(status: StatusCode, code: i32, message: &str) -> Response<Bytes> {
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl<S> Inner<S> {
    /// What agents may see.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            supergraph: &self.gateway.supergraph,
            api: self.api.as_deref().unwrap_or(&self.gateway.supergraph.api_schema),
            requirements: self.gateway.requirements(),
            mutations: self.config.mutations == Mutations::All,
        }
    }

    /// What agents may do.
    pub(crate) fn allowed(&self, mutations: bool) -> Allowed {
        let bounds = Bounds { max_items: self.config.max_items, max_bytes: self.config.max_answer_bytes.0 };
        Allowed { mutations, max_cost: self.config.max_cost, bounds }
    }

    /// What a search needs. The first search makes it.
    pub(crate) fn searchable(&self) -> &Searchable {
        self.searchable.get_or_init(|| Searchable::new(self.view()))
    }

    /// The number of the list of operations that is in use.
    fn list_number(&self) -> u64 {
        self.gateway.documents.store().map_or(0, |store| store.list().number())
    }

    fn known_tools(&self) -> Option<Arc<Toolset>> {
        let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        (tools.list == self.list_number()).then_some(tools)
    }

    fn keep(&self, tools: Toolset) -> Arc<Toolset> {
        let tools = Arc::new(tools);
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = Some(tools.clone());
        tools
    }

    fn read_tools(&self) -> Toolset {
        let list = self.gateway.documents.store().map(|store| store.list().clone());
        Toolset::new(&self.config, self.view(), &self.files, list.as_deref(), self.has_execute)
    }
}

impl<S: Subgraphs> Inner<S> {
    /// The tools of the list of operations that is in use. A list can change without the version.
    pub(crate) async fn toolset(self: &Arc<Self>) -> Arc<Toolset> {
        if let Some(known) = self.known_tools() {
            return known;
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(known) = self.known_tools() {
            return known;
        }
        let inner = self.clone();
        let read = tokio::task::spawn_blocking(move || inner.keep(inner.read_tools())).await;
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "The tools can't be made because of a bug in the router");
            let view = self.view();
            Arc::new(Toolset::new(&self.config, view, &[], None, self.has_execute))
        })
    }
}

impl<S> fmt::Debug for Mcp<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp").field("path", &self.inner.config.path).finish_non_exhaustive()
    }
}
