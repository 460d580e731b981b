//! What plugins see at each stage, and what they may change. Knows no plugin.

use std::sync::Arc;

use braid_graphql::OperationType;
use braid_request_context::RequestContext;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::json::{ClientOperation, GraphQLResponse};

/// Where plugins take part in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A client's request has come.
    Request,
    /// What it asks has been read, and not been looked for yet.
    Operation,
    /// The operation may be run, and no subgraph was asked yet.
    Execution,
    /// A request is about to be made to a subgraph.
    SubgraphRequest,
    /// A subgraph has answered.
    SubgraphResponse,
    /// The operation was run.
    Executed,
    /// The response is about to be sent.
    Response,
}

impl Stage {
    /// All stages, in the order in which a request passes them.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Operation,
        Self::Execution,
        Self::SubgraphRequest,
        Self::SubgraphResponse,
        Self::Executed,
        Self::Response,
    ];

    /// Whether it is on the way back to the client.
    pub(crate) fn is_on_the_way_out(self) -> bool {
        matches!(self, Self::SubgraphResponse | Self::Executed | Self::Response)
    }
}

/// A client's request: its head was accepted, who asks is known, rate limits let it pass, and its body has come. Each operation on a
/// WebSocket is a request, with the head of the connection.
#[derive(Debug)]
pub struct RequestStage<'a> {
    /// What is known of the request. Headers, identity and extensions are meant to be changed; what reads them from here on, such as
    /// header rules, override labels and authorization, sees them as they are then.
    pub context: &'a mut RequestContext,
    /// The body as it came; empty for GET, and for requests with files.
    pub body: &'a mut Bytes,
}

/// One operation of a client. A request that is a batch has several.
#[derive(Debug)]
pub struct OperationStage<'a> {
    /// What is known of the request. Headers, identity and extensions are meant to be changed; in a batch, for this operation alone.
    pub context: &'a mut RequestContext,
    /// What is asked. Any part of it may be replaced: it has not been parsed yet.
    pub operation: &'a mut ClientOperation,
}

/// An operation that is valid, and that its client may run.
#[derive(Debug)]
pub struct ExecutionStage<'a> {
    /// What is known of the request. Changing the headers changes what header rules forward.
    pub context: &'a mut RequestContext,
    /// What is asked, as it was read; after the stage [`Stage::Operation`].
    pub operation: &'a Arc<ClientOperation>,
    /// The name of the operation, where it has one.
    pub name: Option<&'a str>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
}

/// A request to a subgraph. Answers that are in the cache pass this stage too: what a plugin sets decides whose they are.
#[derive(Debug)]
pub struct SubgraphRequestStage<'a> {
    /// What is known of the client's request.
    pub context: &'a Arc<RequestContext>,
    /// The name of the subgraph.
    pub subgraph: &'a str,
    /// Its URL, where the supergraph says it.
    pub url: &'a str,
    /// Query, mutation or subscription. Entities are looked up by queries for all three.
    pub kind: OperationType,
    /// The number of this request, the same when its response comes.
    pub number: u64,
    /// The body, `{"query":…,"variables":…}`. The response is read by the shape of what is asked, so it stays as it is.
    pub body: &'a Bytes,
    /// What header rules forward. Headers of the connection and of the body are the router's own, and are removed.
    pub headers: &'a mut HeaderMap,
    /// What the body gets in `extensions`.
    pub extensions: &'a mut Map<String, Value>,
}

/// The response of a subgraph, before it is kept and read. What the cache had is no response.
#[derive(Debug)]
pub struct SubgraphResponseStage<'a> {
    /// What is known of the client's request.
    pub context: &'a Arc<RequestContext>,
    /// The name of the subgraph.
    pub subgraph: &'a str,
    /// The number of the request.
    pub number: u64,
    /// The status.
    pub status: &'a mut u16,
    /// The headers, as cache and header rules read them.
    pub headers: &'a mut HeaderMap,
    /// The body. One that does not fit what was asked is treated as if the subgraph had sent it.
    pub body: &'a mut Bytes,
}

/// An operation that was run. Answers in parts and events of subscriptions don't pass this stage.
#[derive(Debug)]
pub struct ExecutedStage<'a> {
    /// What is known of the request.
    pub context: &'a Arc<RequestContext>,
    /// The name of the operation, where it has one.
    pub name: Option<&'a str>,
    /// The response.
    pub response: &'a mut GraphQLResponse,
    /// The status of the HTTP response that it is sent with, unless it is a part of a batch or sent on a WebSocket.
    pub status: &'a mut StatusCode,
    /// The headers of that HTTP response which depend on the operation.
    pub headers: &'a mut HeaderMap,
}

/// The HTTP response to a client, also one that refuses the request. Operations on WebSockets have none.
#[derive(Debug)]
pub struct ResponseStage<'a> {
    /// What is known of the request.
    pub context: &'a Arc<RequestContext>,
    /// The status.
    pub status: &'a mut StatusCode,
    /// The headers; those about compression come after this stage.
    pub headers: &'a mut HeaderMap,
    /// The body; `None` where it is sent as it comes.
    pub body: Option<&'a mut Bytes>,
}
