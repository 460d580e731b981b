//! The stages at which the coprocessor is asked: what is sent of each, and what becomes of the answer. Knows no connection.

use std::borrow::Cow;

use braid_plugin::{
    ClientOperation, Entries, ExecutedStage, ExecutionStage, GraphQLResponse, JsonObject, OperationStage, Plugin,
    Refused, RequestStage, ResponseStage, Stage, SubgraphRequestStage, SubgraphResponseStage,
};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::call::Coprocessor;
use crate::config::{Common, ResponseFields};
use crate::message::{Message, SentEntries, VERSION, headers, text};
use crate::same::{is_same, is_same_text, unless_changed};
use crate::shared::{Shared, identity};

impl Coprocessor {
    /// What all messages have.
    fn message<'a>(
        &self,
        stage: &'static str,
        fields: Common<'_>,
        shared: &'a Shared,
        sent: Option<&Map<String, Value>>,
        sent_headers: &'a HeaderMap,
    ) -> Message<'a> {
        Message {
            version: VERSION,
            stage,
            control: "continue",
            id: &shared.id,
            headers: fields.headers.then(|| headers(sent_headers)),
            context: sent.map(|entries| SentEntries { entries: entries.clone() }),
            ..Message::default()
        }
    }

    fn sdl(&self, is_sent: bool) -> Option<&RawValue> {
        self.sdl.as_deref().filter(|_| is_sent)
    }

    /// Asks about what was executed, at one of the two stages after it.
    async fn ask_executed(
        &self,
        name: &'static str,
        fields: &ResponseFields,
        stage: &mut ExecutedStage<'_>,
    ) -> Result<(), Refused> {
        if !fields.is_asked() {
            return Ok(());
        }
        let (shared, common) = (Shared::of(stage.context), fields.common());
        let sent = shared.selected(common.context, &stage.context.identity, None);
        let body = common.body.then(|| to_raw_value(&*stage.response).ok()).flatten();
        let message = Message {
            body: body.as_deref(),
            sdl: self.sdl(fields.sdl),
            status_code: fields.status_code.then(|| stage.status.as_u16()),
            ..self.message(name, common, &shared, sent.as_ref(), stage.headers)
        };
        self.ask(common, message, stage.context.trace.as_ref()).await.finish(|reply| {
            let (status, headers) = (reply.status()?, reply.headers(stage.headers)?);
            let response = reply.body.as_deref().map(|body| graphql_response(body, stage.response)).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            *stage.status = status.unwrap_or(*stage.status);
            replace(stage.headers, headers);
            replace(stage.response, response);
            Ok(())
        })
    }
}

impl Plugin for Coprocessor {
    fn stages(&self) -> &[Stage] {
        &self.taken_part_in
    }

    async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
        let RequestStage { context, body } = stage;
        let shared = Shared::new(Entries::lay(context));
        context.extensions.insert(shared.clone());
        let fields = &self.config.router.request;
        if !fields.is_asked() {
            return Ok(());
        }
        let common = fields.common();
        let sent = shared.selected(common.context, &context.identity, None);
        let sent_body = common.body.then(|| to_raw_value(&String::from_utf8_lossy(body)).ok()).flatten();
        let message = Message {
            body: sent_body.as_deref(),
            sdl: self.sdl(fields.sdl),
            method: fields.method.then(|| context.method.as_str()),
            path: fields.path.then(|| context.uri.path()),
            ..self.message("RouterRequest", common, &shared, sent.as_ref(), &context.headers)
        };
        self.ask(common, message, context.trace.as_ref()).await.finish(|reply| {
            let headers = reply.headers(&context.headers)?;
            let identity = identity(common.context, sent.as_ref(), &reply, &context.identity)?;
            let new_body = reply.body.as_deref().map(plain_body).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            replace(&mut context.headers, headers);
            replace(&mut context.identity, identity);
            replace(*body, new_body);
            Ok(())
        })
    }

    async fn operation(&self, stage: &mut OperationStage<'_>) -> Result<(), Refused> {
        let OperationStage { context, operation } = stage;
        let (shared, fields) = (Shared::of(context), &self.config.supergraph.request);
        let common = fields.common();
        let sent = shared.selected(common.context, &context.identity, None);
        let body = common.body.then(|| operation_body(operation)).flatten();
        let message = Message {
            body: body.as_deref(),
            sdl: self.sdl(fields.sdl),
            method: fields.method.then(|| context.method.as_str()),
            ..self.message("SupergraphRequest", common, &shared, sent.as_ref(), &context.headers)
        };
        self.ask(common, message, context.trace.as_ref()).await.finish(|reply| {
            let headers = reply.headers(&context.headers)?;
            let identity = identity(common.context, sent.as_ref(), &reply, &context.identity)?;
            let changed = reply.body.as_deref().map(|body| changed_operation(body, operation)).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            replace(&mut context.headers, headers);
            replace(&mut context.identity, identity);
            replace(*operation, changed);
            Ok(())
        })
    }

    async fn execution(&self, stage: &mut ExecutionStage<'_>) -> Result<(), Refused> {
        let ExecutionStage { context, operation, name, kind } = stage;
        let (shared, fields) = (Shared::of(context), &self.config.execution.request);
        let common = fields.common();
        let sent = shared.selected(common.context, &context.identity, Some((*name, *kind)));
        let body = common.body.then(|| operation_body(operation)).flatten();
        let message = Message {
            body: body.as_deref(),
            sdl: self.sdl(fields.sdl),
            method: fields.method.then(|| context.method.as_str()),
            ..self.message("ExecutionRequest", common, &shared, sent.as_ref(), &context.headers)
        };
        self.ask(common, message, context.trace.as_ref()).await.finish(|reply| {
            let headers = reply.headers(&context.headers)?;
            if let Some(body) = &reply.body
                && changed_operation(body, operation)? != ***operation
            {
                return Err("it changed the body, which is planned already; change it at supergraph.request".to_owned());
            }
            shared.take_over(common.context, sent.as_ref(), &reply);
            replace(&mut context.headers, headers);
            Ok(())
        })
    }

    async fn subgraph_request(&self, stage: &mut SubgraphRequestStage<'_>) -> Result<(), Refused> {
        let (shared, fields) = (Shared::of(stage.context), &self.config.subgraph.all.request);
        let common = fields.common();
        let sent = shared.selected(common.context, &stage.context.identity, None);
        let body = common.body.then(|| raw(stage.body)).flatten();
        let message = Message {
            body: body.as_deref(),
            method: fields.method.then_some("POST"),
            uri: fields.uri.then_some(stage.url),
            service_name: fields.service_name.then_some(stage.subgraph),
            subgraph_request_id: fields.subgraph_request_id.then(|| id(stage.number)),
            ..self.message("SubgraphRequest", common, &shared, sent.as_ref(), stage.headers)
        };
        self.ask(common, message, stage.context.trace.as_ref()).await.finish(|reply| {
            let headers = reply.headers(stage.headers)?;
            let extensions = reply.body.as_deref().map(|body| added_extensions(body, stage.body)).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            replace(stage.headers, headers);
            stage.extensions.extend(extensions.unwrap_or_default());
            Ok(())
        })
    }

    async fn subgraph_response(&self, stage: &mut SubgraphResponseStage<'_>) -> Result<(), Refused> {
        let (shared, fields) = (Shared::of(stage.context), &self.config.subgraph.all.response);
        let common = fields.common();
        let sent = shared.selected(common.context, &stage.context.identity, None);
        let body = common.body.then(|| raw_or_text(stage.body)).flatten();
        let message = Message {
            body: body.as_deref(),
            service_name: fields.service_name.then_some(stage.subgraph),
            status_code: fields.status_code.then_some(*stage.status),
            subgraph_request_id: fields.subgraph_request_id.then(|| id(stage.number)),
            ..self.message("SubgraphResponse", common, &shared, sent.as_ref(), stage.headers)
        };
        self.ask(common, message, stage.context.trace.as_ref()).await.finish(|mut reply| {
            let (status, headers) = (reply.status()?, reply.headers(stage.headers)?);
            let back = reply.body.take();
            let body = back.filter(|back| body.as_ref().is_none_or(|sent| !is_same_text(sent.get(), back.get())));
            let body = body.as_deref().map(plain_body).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            *stage.status = status.map_or(*stage.status, |status| status.as_u16());
            replace(stage.headers, headers);
            replace(stage.body, body);
            Ok(())
        })
    }

    async fn executed(&self, stage: &mut ExecutedStage<'_>) -> Result<(), Refused> {
        self.ask_executed("ExecutionResponse", &self.config.execution.response, stage).await?;
        self.ask_executed("SupergraphResponse", &self.config.supergraph.response, stage).await
    }

    async fn response(&self, stage: &mut ResponseStage<'_>) -> Result<(), Refused> {
        let (shared, fields) = (Shared::of(stage.context), &self.config.router.response);
        let common = fields.common();
        let sent = shared.selected(common.context, &stage.context.identity, None);
        let body = stage.body.as_deref().filter(|_| common.body);
        let body = body.and_then(|body| to_raw_value(&String::from_utf8_lossy(body)).ok());
        let message = Message {
            body: body.as_deref(),
            sdl: self.sdl(fields.sdl),
            status_code: fields.status_code.then(|| stage.status.as_u16()),
            ..self.message("RouterResponse", common, &shared, sent.as_ref(), stage.headers)
        };
        self.ask(common, message, stage.context.trace.as_ref()).await.finish(|reply| {
            let (status, headers) = (reply.status()?, reply.headers(stage.headers)?);
            let new_body = reply.body.as_deref().map(plain_body).transpose()?;
            shared.take_over(common.context, sent.as_ref(), &reply);
            *stage.status = status.unwrap_or(*stage.status);
            replace(stage.headers, headers);
            if let Some(body) = &mut stage.body {
                replace(*body, new_body);
            }
            Ok(())
        })
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn id(number: u64) -> String {
    format!("{number:016x}")
}

/// An operation as it is sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "nothing")]
    variables: Option<Cow<'a, JsonObject>>,
    #[serde(default, skip_serializing_if = "nothing")]
    extensions: Option<Cow<'a, JsonObject>>,
}

fn nothing(object: &Option<Cow<'_, JsonObject>>) -> bool {
    object.as_ref().is_none_or(|object| object.is_empty())
}

fn operation_body(operation: &ClientOperation) -> Option<Box<RawValue>> {
    use Cow::Borrowed;
    let ClientOperation { query, document_id, operation_name, variables, extensions } = operation;
    let body = OperationBody {
        query: query.as_deref().map(Borrowed),
        document_id: document_id.as_deref().map(Borrowed),
        operation_name: operation_name.as_deref().map(Borrowed),
        variables: Some(Borrowed(variables)),
        extensions: Some(Borrowed(extensions)),
    };
    to_raw_value(&body).ok()
}

/// An operation as it came back. The id of a document stays, unless there is another one: services don't know it.
fn changed_operation(body: &RawValue, before: &ClientOperation) -> Result<ClientOperation, String> {
    let body: OperationBody<'_> = serde_json::from_str(body.get())
        .map_err(|error| format!("its answer has a body that is no GraphQL request: {error}"))?;
    Ok(ClientOperation {
        query: body.query.map(Into::into),
        document_id: body.document_id.map(Into::into).or_else(|| before.document_id.clone()),
        operation_name: body.operation_name.map(Into::into),
        variables: object(body.variables, &before.variables),
        extensions: object(body.extensions, &before.extensions),
    })
}

fn object(back: Option<Cow<'_, JsonObject>>, before: &JsonObject) -> JsonObject {
    let back = back.map(Cow::into_owned).unwrap_or_default();
    if is_same_text(back.to_raw().get(), before.to_raw().get()) { before.clone() } else { back }
}

fn graphql_response(body: &RawValue, before: &GraphQLResponse) -> Result<GraphQLResponse, String> {
    let back = GraphQLResponse::parse(body.get().as_bytes())
        .ok_or_else(|| "its answer has a body that is no GraphQL response".to_owned())?;
    Ok(GraphQLResponse { data: unless_changed(back.data, before.data.as_deref()), ..back })
}

/// The extensions that a body has which came back for one without; the rest of it must be as it was.
fn added_extensions(body: &RawValue, before: &Bytes) -> Result<Map<String, Value>, String> {
    let not_read =
        |error: serde_json::Error| format!("its answer has a body that is no request to a subgraph: {error}");
    let mut after: Map<String, Value> = serde_json::from_str(body.get()).map_err(not_read)?;
    let extensions = after.remove("extensions");
    let before: Map<String, Value> = serde_json::from_slice(before).map_err(not_read)?;
    if !is_same(&Value::Object(after), &Value::Object(before)) {
        return Err("it changed what the subgraph is asked, which is planned already; only headers and body.extensions can be changed".to_owned());
    }
    match extensions {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(extensions)) => Ok(extensions),
        Some(_) => Err("its answer has body.extensions that are no object".to_owned()),
    }
}

/// A body that came back: the text of a string, or JSON as it is.
fn plain_body(body: &RawValue) -> Result<Bytes, String> {
    match body.get() {
        json if json.starts_with('{') => Ok(Bytes::copy_from_slice(json.as_bytes())),
        json => text(json).map(Bytes::from),
    }
}

fn raw(json: &Bytes) -> Option<Box<RawValue>> {
    serde_json::from_slice(json).ok()
}

fn raw_or_text(body: &Bytes) -> Option<Box<RawValue>> {
    raw(body).or_else(|| to_raw_value(&String::from_utf8_lossy(body)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn operations_go_there_and_back() {
        let operation = ClientOperation {
            query: Some("{ a }".to_owned()),
            document_id: Some("1".to_owned()),
            variables: JsonObject::parse(r#"{"n":1e400}"#).unwrap(),
            ..ClientOperation::default()
        };
        let sent = operation_body(&operation).unwrap();
        assert_eq!(sent.get(), r#"{"query":"{ a }","documentId":"1","variables":{"n":1e400}}"#);
        assert_eq!(changed_operation(&sent, &operation), Ok(operation.clone()));
        let back = changed_operation(&body(r#"{"query":"{ b }","variables":null,"more":1}"#), &operation).unwrap();
        assert_eq!((back.query.as_deref(), back.document_id.as_deref()), (Some("{ b }"), Some("1")));
        assert!(back.variables.is_empty());
        assert!(changed_operation(&body("[]"), &operation).unwrap_err().contains("no GraphQL request"));
    }

    #[test]
    fn of_a_subgraph_request_only_extensions_change() {
        let before = Bytes::from(r#"{"query":"{a}","variables":{"b":1}}"#);
        let after = |json: &str| added_extensions(&body(json), &before);
        assert_eq!(after(r#"{"variables":{"b":1},"query":"{a}"}"#), Ok(Map::new()));
        let added = after(r#"{"query":"{a}","variables":{"b":1},"extensions":{"c":2}}"#).unwrap();
        assert_eq!(added["c"], 2);
        assert!(after(r#"{"query":"{b}","variables":{"b":1}}"#).unwrap_err().contains("planned already"));
        assert!(after(r#"{"query":"{a}","variables":{"b":1},"extensions":1}"#).unwrap_err().contains("no object"));
        assert!(after("[]").unwrap_err().contains("no request to a subgraph"));
    }
}
