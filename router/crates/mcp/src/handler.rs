//! What rmcp asks: which tools there are, and to call one. Knows no HTTP but the head that comes with a call.

use std::borrow::Cow;
use std::sync::Arc;

use braid_gateway::Subgraphs;
use braid_gateway::request::GraphQLRequest;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::Value;

use crate::config::Mutations;
use crate::mcp::Inner;
use crate::operations::{OperationTool, Sent};
use crate::run::{Caller, Outcome, plan, run};
use crate::toolset::{General, Named};
use crate::words::shortened;
use crate::{introspect, search};

/// Answers for one version of the graph.
#[derive(Debug)]
pub(crate) struct Handler<S>(pub(crate) Arc<Inner<S>>);

/// For how long clients may keep the list of tools, in milliseconds.
const TOOLS_TTL: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    query: String,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntrospectArguments {
    name: Option<String>,
    depth: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecuteArguments {
    query: String,
    variables: Option<JsonObject>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl<S: Subgraphs> ServerHandler for Handler<S> {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("braid", env!("CARGO_PKG_VERSION"));
        let info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(server);
        match &self.0.config.instructions {
            Some(instructions) => info.with_instructions(instructions.clone()),
            None => info,
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.0.toolset().await;
        let mut listed = ListToolsResult::with_all_items(tools.all().cloned().collect());
        listed.ttl_ms = Some(TOOLS_TTL);
        Ok(listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = context.extensions.get::<Parts>().and_then(|head| head.extensions.get::<Caller>());
        let Some(caller) = caller else {
            return Err(ErrorData::internal_error("The call has no client.", None));
        };
        caller.see(|seen| seen.called = Some(shortened(&request.name, 64)));
        // A client that leaves gives its call up.
        tokio::select! {
            result = self.call(&request.name, request.arguments, caller) => result.map(Into::into),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("The call was given up.", None)),
        }
    }
}

impl<S: Subgraphs> Handler<S> {
    async fn call(
        &self,
        name: &str,
        arguments: Option<JsonObject>,
        caller: &Caller,
    ) -> Result<CallToolResult, ErrorData> {
        let tools = self.0.toolset().await;
        match tools.named(name) {
            Some(Named::Operation(operation)) => Ok(self.operation(operation, arguments, caller).await),
            Some(Named::General(General::Search)) => match read(arguments) {
                Ok(SearchArguments { query, limit }) => Ok(self.search(query, limit).await),
                Err(problem) => Ok(failed(problem)),
            },
            Some(Named::General(General::Introspect)) => match read(arguments) {
                Ok(IntrospectArguments { name, depth }) => Ok(self.introspect(name, depth).await),
                Err(problem) => Ok(failed(problem)),
            },
            Some(Named::General(General::Execute)) => match read(arguments) {
                Ok(arguments) => Ok(self.execute(arguments, caller).await),
                Err(problem) => Ok(failed(problem)),
            },
            None => {
                let message = format!("There is no tool \"{}\"; list the tools again.", shortened(name, 80));
                Err(ErrorData::invalid_params(message, None))
            }
        }
    }

    async fn operation(&self, tool: &OperationTool, arguments: Option<JsonObject>, caller: &Caller) -> CallToolResult {
        let (query, document_id) = match &tool.sent {
            Sent::Text(text) => (Some(Cow::Borrowed(&**text)), None),
            Sent::Id(id) => (None, Some(Cow::Borrowed(&**id))),
        };
        let request = GraphQLRequest {
            query,
            document_id,
            operation_name: Some(Cow::Borrowed(&*tool.operation_name)),
            variables: arguments.as_ref().and_then(raw),
            extensions: None,
        };
        let mutations = self.0.config.mutations != Mutations::None;
        answered(run(&self.0.gateway, &request, caller, self.0.allowed(mutations)).await)
    }

    async fn execute(&self, arguments: ExecuteArguments, caller: &Caller) -> CallToolResult {
        let in_json = |text: &str| Cow::Owned(Value::from(text).to_string());
        let request = GraphQLRequest {
            query: Some(in_json(&arguments.query)),
            document_id: None,
            operation_name: arguments.operation_name.as_deref().map(in_json),
            variables: arguments.variables.as_ref().and_then(raw),
            extensions: None,
        };
        let allowed = self.0.allowed(self.0.config.mutations == Mutations::All);
        answered(match arguments.dry_run {
            true => plan(&self.0.gateway, &request, caller, allowed).await,
            false => run(&self.0.gateway, &request, caller, allowed).await,
        })
    }

    async fn search(&self, question: String, limit: Option<usize>) -> CallToolResult {
        let inner = self.0.clone();
        let searching = move || {
            let most = limit.unwrap_or(search::USUAL);
            inner.searchable().search(inner.view(), &question, most)
        };
        // The first search reads the whole schema.
        match tokio::task::spawn_blocking(searching).await {
            Ok(found) => said(found),
            Err(error) => broken(&error),
        }
    }

    async fn introspect(&self, name: Option<String>, depth: Option<usize>) -> CallToolResult {
        let inner = self.0.clone();
        let describing =
            move || introspect::introspect(inner.view(), name.as_deref(), depth.unwrap_or(introspect::USUAL));
        match tokio::task::spawn_blocking(describing).await {
            Ok(Ok(text)) => said(text),
            Ok(Err(problem)) => failed(problem),
            Err(error) => broken(&error),
        }
    }
}

/// The arguments of a call, or what is wrong with them: an agent that reads it can call again.
fn read<A: for<'de> Deserialize<'de>>(arguments: Option<JsonObject>) -> Result<A, String> {
    serde_json::from_value(Value::Object(arguments.unwrap_or_default()))
        .map_err(|error| format!("The arguments don't fit the tool's inputSchema: {error}"))
}

fn raw(arguments: &JsonObject) -> Option<Cow<'static, serde_json::value::RawValue>> {
    serde_json::value::to_raw_value(arguments).ok().map(Cow::Owned)
}

fn answered(outcome: Outcome) -> CallToolResult {
    let content = vec![ContentBlock::text(outcome.answer.text)];
    let mut result = if outcome.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(outcome.answer.value);
    result
}

fn said(text: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn failed(problem: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(problem)])
}

fn broken(error: &tokio::task::JoinError) -> CallToolResult {
    tracing::error!(%error, "A tool panicked, which is a bug");
    failed("The tool failed because of a bug in the router.".to_owned())
}
