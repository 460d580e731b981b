//! One invocation: an event becomes a request or a scheduled task, and what comes of it a response. Knows no runtime API.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::SET_COOKIE;
use http::{HeaderValue, Response};
use http_body_util::BodyDataStream;
use lambda_http::lambda_runtime::{Diagnostic, FunctionResponse, MetadataPrelude, StreamResponse};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::util::BoxCloneService;
use lambda_http::{Adapter, Body, Context, LambdaEvent, Request, RequestExt, Service, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::caller::{prepare, takes_parts};

/// How responses are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum InvokeMode {
    /// Whole, up to 6 MB: what calls the function takes no parts.
    #[default]
    Buffered,
    /// As they are produced: what calls the function was set up for that, as a function URL with `InvokeMode: RESPONSE_STREAM`.
    ResponseStream,
}

/// What a function does when a schedule invokes it, in the time that it has. Gives what the invocation returns.
pub type Scheduled = Arc<dyn Fn(Duration) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// A service as a function.
#[derive(Clone)]
pub struct Function<S> {
    /// What answers requests.
    pub service: S,
    /// How responses are sent.
    pub mode: InvokeMode,
    /// What is done when a schedule invokes it. Without it, such an invocation does nothing but keep the function warm.
    pub scheduled: Option<Scheduled>,
    /// What is done after a response was sent and before the function stands still, and once more before it ends.
    pub after: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl<S: Debug> Debug for Function<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("service", &self.service).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// What a function returns if it is not in parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<H> {
    /// A response, in the form that who sent the event takes.
    Http(H),
    /// What came of a scheduled task.
    Scheduled(Value),
}

/// The part of an event that says that a schedule sent it: both of EventBridge's kinds do.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
}

const SCHEDULED: &str = "Scheduled Event";

/// A whole response, in the form that who sent the event takes.
type Whole = <Adapter<'static, Response<Body>, BoxCloneService<Request, Response<Body>, Infallible>> as Service<
    LambdaEvent<LambdaRequest>,
>>::Response;

/// What a function returns.
pub(crate) type Returned<B> = FunctionResponse<Reply<Whole>, BodyDataStream<B>>;

impl<S, B> Function<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Debug,
{
    pub(crate) async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Returned<B>, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let kind: Option<Kind> = serde_json::from_str(payload.get()).ok();
        if kind.is_some_and(|kind| kind.detail_type.as_deref() == Some(SCHEDULED)) {
            return self.run_scheduled(&context).await;
        }
        let request: LambdaRequest = serde_json::from_str(payload.get()).map_err(|error| unknown(&error))?;
        let mut service = self.service.clone();
        if self.mode == InvokeMode::ResponseStream && takes_parts(&request) {
            let response = service.call(prepare(with_context(request, context))).await;
            return Ok(FunctionResponse::StreamingResponse(in_parts(response.unwrap_or_else(|never| match never {}))));
        }
        let answering = Adapter::from(service_fn(move |request| service.call(prepare(request))))
            .call(LambdaEvent::new(request, context));
        let whole = answering.await;
        Ok(FunctionResponse::BufferedResponse(Reply::Http(whole.unwrap_or_else(|never| match never {}))))
    }

    async fn run_scheduled(&self, context: &Context) -> Result<Returned<B>, Diagnostic> {
        let Some(scheduled) = &self.scheduled else {
            return Ok(FunctionResponse::BufferedResponse(Reply::Scheduled(Value::Null)));
        };
        let deadline = UNIX_EPOCH + Duration::from_millis(context.deadline);
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        match scheduled(left.saturating_sub(RESERVE)).await {
            Ok(value) => Ok(FunctionResponse::BufferedResponse(Reply::Scheduled(value))),
            Err(message) => Err(Diagnostic { error_type: "ScheduledTaskFailed".to_owned(), error_message: message }),
        }
    }
}

/// What a scheduled task leaves of the function's time, to say what came of it.
const RESERVE: Duration = Duration::from_secs(1);

fn unknown(error: &serde_json::Error) -> Diagnostic {
    let error_message = format!(
        "the event is neither a request of API Gateway, a load balancer or a function URL, nor a scheduled event of EventBridge: {error}"
    );
    Diagnostic { error_type: "UnknownEvent".to_owned(), error_message }
}

fn with_context(request: LambdaRequest, context: Context) -> Request {
    let mut request = Request::from(request);
    if let Some(trace) = context.xray_trace_id.as_deref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
        request.headers_mut().insert("x-amzn-trace-id", trace);
    }
    request.with_lambda_context(context)
}

/// Cookies are apart from the other headers of a response in parts.
fn in_parts<B>(response: Response<B>) -> StreamResponse<BodyDataStream<B>>
where
    B: http_body::Body,
{
    let (head, body) = response.into_parts();
    let (status_code, mut headers) = (head.status, head.headers);
    let cookies =
        headers.get_all(SET_COOKIE).iter().map(|cookie| String::from_utf8_lossy(cookie.as_bytes()).into_owned());
    let cookies = cookies.collect();
    headers.remove(SET_COOKIE);
    let metadata_prelude = MetadataPrelude { status_code, headers, cookies };
    StreamResponse { metadata_prelude, stream: BodyDataStream::new(body) }
}
