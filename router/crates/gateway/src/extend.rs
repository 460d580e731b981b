//! Where plugins take part in a request: what they get of it, and what becomes of their changes. Knows no plugin.
//!
//! Each function begins with one look at whether anybody takes part. What follows is boxed, so that requests are no larger without plugins.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_executor::CompiledOperation;
use braid_plugin::{
    ClientOperation, ExecutedStage, ExecutionStage, GraphQLResponse, JsonObject, OperationStage, Refused, RequestStage,
    ResponseStage, Stage,
};
use braid_request_context::RequestContext;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use serde_json::value::RawValue;

use crate::answer::Executed;
use crate::find::in_time;
use crate::gateway::Gateway;
use crate::refusal::{GivenResponse, Refusal, RefusalStatus};
use crate::request::{GraphQLRequest, Unreadable};

/// A client's request has come.
pub async fn request<S>(
    gateway: &Gateway<S>,
    context: &mut Arc<RequestContext>,
    body: &mut Bytes,
) -> Result<(), Refusal> {
    if !gateway.plugins.take_part_in(Stage::Request) {
        return Ok(());
    }
    Box::pin(async {
        let deadline = context.deadline;
        let own = RequestContext::to_change(context);
        let asked = gateway.plugins.request(RequestStage { context: &mut *own, body });
        in_time(deadline, async { Ok(asked.await?) }).await?;
        own.override_labels = gateway.labels.decide(&own.inputs());
        Ok(())
    })
    .await
}

/// What a client asks has been read.
pub async fn operation<S>(
    gateway: &Gateway<S>,
    context: &mut Arc<RequestContext>,
    request: &mut GraphQLRequest<'_>,
) -> Result<(), Refusal> {
    if !gateway.plugins.take_part_in(Stage::Operation) {
        return Ok(());
    }
    Box::pin(async {
        let deadline = context.deadline;
        let own = RequestContext::to_change(context);
        let before = client_operation(request)?;
        let mut operation = before.clone();
        let asked = gateway.plugins.operation(OperationStage { context: &mut *own, operation: &mut operation });
        in_time(deadline, async { Ok(asked.await?) }).await?;
        own.override_labels = gateway.labels.decide(&own.inputs());
        take_over(request, &before, operation)
    })
    .await
}

/// An operation is about to be run. Returns the context that it is run with, if that is another one.
pub(crate) async fn execution<S>(
    gateway: &Gateway<S>,
    context: &Arc<RequestContext>,
    request: &GraphQLRequest<'_>,
    compiled: &CompiledOperation,
) -> Result<Option<Arc<RequestContext>>, Refusal> {
    if !gateway.plugins.take_part_in(Stage::Execution) {
        return Ok(None);
    }
    Box::pin(async {
        let mut changed = context.clone();
        let operation = &Arc::new(client_operation(request)?);
        let (name, kind) = (compiled.name(), compiled.kind());
        let stage = ExecutionStage { context: RequestContext::to_change(&mut changed), operation, name, kind };
        let asked = gateway.plugins.execution(stage);
        in_time(context.deadline, async { Ok(asked.await?) }).await?;
        Ok(Some(changed))
    })
    .await
}

/// An operation was run.
pub async fn executed<S>(
    gateway: &Gateway<S>,
    context: &Arc<RequestContext>,
    executed: &mut Executed,
) -> Result<(), Refusal> {
    if !gateway.plugins.take_part_in(Stage::Executed) {
        return Ok(());
    }
    Box::pin(async {
        let (mut status, mut headers) = (executed.status(), HeaderMap::new());
        executed.write_headers(gateway, &mut headers);
        let Executed { response, operation, head, .. } = executed;
        // What the executor writes can be read.
        let Some(mut changed) = GraphQLResponse::parse(&response.bytes) else { return Ok(()) };
        let name = operation.result.as_ref().ok().and_then(|compiled| compiled.name());
        let (answered, set) = (&mut changed, (&mut status, &mut headers));
        let stage = ExecutedStage { context, name, response: answered, status: set.0, headers: set.1 };
        let asked = gateway.plugins.executed(stage);
        in_time(late(context), async { Ok(asked.await?) }).await?;
        let codes = changed.errors.iter().filter_map(|error| error.get("extensions")?.get("code")?.as_str());
        for code in codes {
            if !response.error_codes.iter().any(|known| known == code) {
                response.error_codes.push(code.to_owned());
            }
        }
        response.replace(changed.to_bytes(), changed.errors.len(), !changed.extensions.is_empty());
        remove_own(&mut headers);
        *head = Some(Box::new((status, headers)));
        Ok(())
    })
    .await
}

/// A response is about to be sent.
pub async fn response<S>(
    gateway: &Gateway<S>,
    context: &Arc<RequestContext>,
    status: &mut StatusCode,
    headers: &mut HeaderMap,
    body: Option<&mut Bytes>,
) -> Result<(), Refusal> {
    if !gateway.plugins.take_part_in(Stage::Response) {
        return Ok(());
    }
    Box::pin(async {
        let asked = gateway.plugins.response(ResponseStage { context, status, headers: &mut *headers, body });
        let changed = in_time(late(context), async { Ok(asked.await?) }).await;
        remove_own(headers);
        changed
    })
    .await
}

/// When plugins must be done with a response. The time for the request may be over, which is what the response says then.
fn late(context: &RequestContext) -> Instant {
    context.deadline.max(Instant::now() + Duration::from_secs(5))
}

/// Removes the headers that are the server's own: about the connection and how long the body is.
fn remove_own(headers: &mut HeaderMap) {
    for name in [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let Refused { status, errors, headers, body } = refused;
        let mut given = GivenResponse { headers, body };
        remove_own(&mut given.headers);
        Self { status: RefusalStatus::Fixed(status), errors, challenge: None, given: Some(Box::new(given)) }
    }
}

fn client_operation(request: &GraphQLRequest<'_>) -> Result<ClientOperation, Unreadable> {
    let object =
        |raw: &Option<Cow<'_, RawValue>>| raw.as_ref().and_then(|raw| JsonObject::parse(raw.get())).unwrap_or_default();
    Ok(ClientOperation {
        query: request.query.is_some().then(|| request.text()).transpose()?,
        document_id: request.document_id.as_deref().map(str::to_owned),
        operation_name: request.operation()?,
        variables: object(&request.variables),
        extensions: object(&request.extensions),
    })
}

/// Changes what is other than before: the rest stays as it was written.
fn take_over(
    request: &mut GraphQLRequest<'_>,
    before: &ClientOperation,
    operation: ClientOperation,
) -> Result<(), Refusal> {
    let in_json = |text: Option<String>| {
        let json = text.map(|text| serde_json::to_string(&text)).transpose();
        json.map(|json| json.map(Cow::Owned)).map_err(|error| Refusal::from(Unreadable::Invalid(error.to_string())))
    };
    let object = |object: &JsonObject| (!object.is_empty()).then(|| Cow::Owned(object.to_raw()));
    if operation.query != before.query {
        request.query = in_json(operation.query)?;
    }
    if operation.document_id != before.document_id {
        request.document_id = operation.document_id.map(Cow::Owned);
    }
    if operation.operation_name != before.operation_name {
        request.operation_name = in_json(operation.operation_name)?;
    }
    if operation.variables != before.variables {
        request.variables = object(&operation.variables);
    }
    if operation.extensions != before.extensions {
        request.extensions = object(&operation.extensions);
    }
    Ok(())
}
