//! The endpoint for agents (`mcp`) as an endpoint of the server. Knows no protocol.

use std::sync::Arc;

use braid_authentication::config::AuthenticationConfig;
use braid_gateway::Gateway;
use braid_mcp::{Mcp, McpError, ProtectedResource};
use braid_persisted_operations::config::Mode;
use braid_request_context::RequestContext;
use braid_server::{Call, Endpoint, EndpointReply};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Response};

use crate::assemble::Subgraphs;
use braid_config::Config;

/// Tools for agents at a path of the server.
#[derive(Debug)]
struct Agents {
    mcp: Mcp<Subgraphs>,
    needs_credentials: bool,
    graph: Option<Arc<str>>,
}

/// The endpoint over a gateway, if there is to be one.
pub(crate) fn endpoint(
    config: &Config,
    gateway: &Arc<Gateway<Subgraphs>>,
) -> Result<Option<Arc<dyn Endpoint<Subgraphs>>>, McpError> {
    if !config.mcp.enabled {
        return Ok(None);
    }
    let AuthenticationConfig { jwt, required, .. } = &config.authentication;
    let issuers = jwt.providers.iter().flat_map(|provider| &provider.issuers).map(String::as_str);
    let resource = ProtectedResource::new(&config.mcp, issuers, config.server.tls.is_some());
    let has_execute = matches!(config.persisted_operations.mode, Mode::Allow | Mode::LogUnknown);
    let mcp = Mcp::new(&config.mcp, gateway.clone(), has_execute, resource)?;
    let needs_credentials = *required || config.mcp.require_credentials;
    let graph = config.mcp.graph.as_deref().map(Into::into);
    Ok(Some(Arc::new(Agents { mcp, needs_credentials, graph })))
}

impl Endpoint<Subgraphs> for Agents {
    fn protocol(&self) -> &'static str {
        "mcp"
    }

    fn is_path(&self, path: &str) -> bool {
        self.mcp.is_path(path)
    }

    fn file(&self, context: &RequestContext) -> Option<Response<Bytes>> {
        self.mcp.file(&context.uri, &context.headers)
    }

    fn graph(&self) -> Option<Arc<str>> {
        self.graph.clone()
    }

    fn max_body_bytes(&self) -> usize {
        self.mcp.config().max_body_bytes.0
    }

    fn needs_credentials(&self) -> bool {
        self.needs_credentials
    }

    fn challenge(&self, challenge: HeaderValue, context: &RequestContext) -> HeaderValue {
        self.mcp.challenge(challenge, &context.uri, &context.headers)
    }

    fn is_own_host(&self, host: &str) -> bool {
        self.mcp.config().hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    fn answer<'a>(&'a self, call: Call<'a, Subgraphs>) -> BoxFuture<'a, EndpointReply> {
        Box::pin(async move {
            let reply = self.mcp.answer(call.context, call.body).await;
            EndpointReply {
                response: reply.response,
                executed: reply.executed,
                refused: reply.refused,
                called: reply.called,
            }
        })
    }
}
