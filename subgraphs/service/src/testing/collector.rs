//! A collector of spans, in process. Knows OTLP and no service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tokio::net::TcpListener;

/// A collector that keeps what it gets. Clones share it.
#[derive(Debug, Clone)]
pub struct TestCollector {
    /// The endpoint for traces.
    pub url: String,
    spans: Arc<Mutex<Vec<TestSpan>>>,
}

/// A span as the collector got it. Ids are hexadecimal.
#[derive(Debug, Clone)]
pub struct TestSpan {
    /// `service.name` of the sender.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// The id of its trace.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of its parent; empty if it begins the trace.
    pub parent: String,
    /// Why it failed; empty if it did not.
    pub failure: String,
    /// `service.version` of the sender.
    pub version: String,
    attributes: Vec<KeyValue>,
}

impl TestSpan {
    /// An attribute as text; empty if there is none.
    pub fn attribute(&self, key: &str) -> String {
        text(&self.attributes, key)
    }
}

impl TestCollector {
    /// Listens on a free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1/traces", listener.local_addr()?);
        let spans = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&spans);
        let take = post(move |body: Bytes| {
            let taken = Arc::clone(&taken);
            async move {
                let Ok(batch) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
                locked(&taken).extend(read(batch));
                StatusCode::OK
            }
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", take)).await });
        Ok(Self { url, spans })
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<TestSpan> {
        locked(&self.spans).clone()
    }

    /// The spans of a trace, once `enough` of them are there; after ten seconds, what there is.
    pub async fn spans_of(&self, trace: &str, enough: impl Fn(&[TestSpan]) -> bool) -> Vec<TestSpan> {
        let mut found = Vec::new();
        for _ in 0..200 {
            found = self.spans().into_iter().filter(|span| span.trace == trace).collect();
            if enough(&found) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        found
    }
}

fn read(batch: ExportTraceServiceRequest) -> Vec<TestSpan> {
    let mut spans = Vec::new();
    for sender in batch.resource_spans {
        let resource = sender.resource.unwrap_or_default().attributes;
        for span in sender.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(TestSpan {
                service: text(&resource, "service.name"),
                version: text(&resource, "service.version"),
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                failure: span.status.unwrap_or_default().message,
                attributes: span.attributes,
            });
        }
    }
    spans
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn locked(spans: &Mutex<Vec<TestSpan>>) -> MutexGuard<'_, Vec<TestSpan>> {
    spans.lock().unwrap_or_else(PoisonError::into_inner)
}
