//! A call to the coprocessor, within bounds of time, size and number. Knows no stage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_net::{Endpoint, UrlError, chain};
use braid_plugin::{Refused, Stage, StatusCode};
use braid_telemetry::metrics::{CallOutcome, CoprocessorMetrics, Metrics};
use braid_telemetry::otlp::Span;
use braid_telemetry::trace::TraceContext;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Semaphore;

use crate::config::{Common, CoprocessorConfig, OnError};
use crate::message::{Message, Reply};

/// An HTTP service that takes part in requests.
#[derive(Debug)]
pub struct Coprocessor {
    pub(crate) config: CoprocessorConfig,
    /// The supergraph, as a JSON string; only where it is sent.
    pub(crate) sdl: Option<Box<RawValue>>,
    pub(crate) taken_part_in: Vec<Stage>,
    endpoint: Endpoint,
    headers: HeaderMap,
    calls: Semaphore,
    metrics: CoprocessorMetrics,
}

/// Why the coprocessor can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum CoprocessorError {
    /// It can't be reached under its URL.
    #[error("coprocessor.url can't be used")]
    Url(#[from] UrlError),
    /// A header can't be sent.
    #[error("coprocessor.http_headers: the header \"{0}\" can't be sent")]
    Header(String),
    /// Stages are configured, and nobody is there to ask.
    #[error("coprocessor: stages are configured, so set url")]
    NoUrl,
    /// There is nothing to ask.
    #[error("coprocessor: url is set, so select at least one field of a stage, as in router.request.headers: true")]
    NoStage,
}

impl Coprocessor {
    /// The coprocessor as configured; `None` if there is none.
    pub fn new(
        config: &CoprocessorConfig,
        supergraph_sdl: &str,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Self>, CoprocessorError> {
        let Some(url) = &config.url else {
            return if config.is_asked() { Err(CoprocessorError::NoUrl) } else { Ok(None) };
        };
        if !config.is_asked() {
            return Err(CoprocessorError::NoStage);
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        for (name, value) in &config.http_headers {
            let pair = (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>());
            let (Ok(parsed), Ok(mut value)) = pair else { return Err(CoprocessorError::Header(name.clone())) };
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        let longest = config.stages().filter_map(|stage| stage.timeout).map(|timeout| timeout.0).max();
        let longest = longest.unwrap_or_default().max(config.timeout.0);
        Ok(Some(Self {
            taken_part_in: config.taken_part_in(),
            sdl: config.sends_sdl().then(|| to_raw_value(supergraph_sdl).ok()).flatten(),
            endpoint: Endpoint::new(url, &config.tls, config.max_response_bytes.0, longest)?,
            headers,
            calls: Semaphore::new(config.max_concurrent_calls.clamp(1, Semaphore::MAX_PERMITS)),
            metrics: metrics.coprocessor.clone(),
            config: config.clone(),
        }))
    }

    /// Asks. What comes of it is known when it is finished.
    pub(crate) async fn ask(
        &self,
        fields: Common<'_>,
        message: Message<'_>,
        trace: Option<&TraceContext>,
    ) -> Asked<'_> {
        let (stage, started) = (message.stage, Instant::now());
        let mut span = trace.map(|trace| trace.call(|| "coprocessor"));
        let mut headers = self.headers.clone();
        if let Some(span) = &mut span {
            span.context().write(&mut headers);
            span.set("coprocessor.stage", stage);
        }
        let timeout = fields.timeout.unwrap_or(self.config.timeout).0;
        let replied = self.reply(message, headers, timeout).await;
        Asked { metrics: &self.metrics, on_error: fields.on_error, stage, started, span, replied }
    }

    async fn reply(&self, message: Message<'_>, headers: HeaderMap, timeout: Duration) -> Result<Reply, String> {
        let body = serde_json::to_vec(&message).map_err(|error| error.to_string())?;
        let exchange = async {
            let _permit = self.calls.acquire().await.map_err(|error| error.to_string())?;
            self.endpoint.post(headers, Bytes::from(body)).await.map_err(|error| chain(&error))
        };
        let (status, body) =
            tokio::time::timeout(timeout, exchange).await.map_err(|_| format!("no answer within {timeout:?}"))??;
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        Reply::parse(&body, message.stage)
    }
}

/// A call that has ended.
pub(crate) struct Asked<'a> {
    metrics: &'a CoprocessorMetrics,
    on_error: OnError,
    stage: &'static str,
    started: Instant,
    span: Option<Span>,
    replied: Result<Reply, String>,
}

impl Asked<'_> {
    /// Lets `apply` use the answer, unless it refuses the request. `apply` changes something or gives an error, and never both: so where errors
    /// are ignored, nothing is half done.
    pub(crate) fn finish(self, apply: impl FnOnce(Reply) -> Result<(), String>) -> Result<(), Refused> {
        let Self { metrics, on_error, stage, started, mut span, replied } = self;
        let done = replied.and_then(|reply| match reply.refusal()? {
            Some(refused) => Ok(Some(refused)),
            None => apply(reply).map(|()| None),
        });
        metrics.called(stage, CallOutcome::of(&done), started.elapsed());
        let error = match done {
            Ok(None) => return Ok(()),
            Ok(Some(refused)) => {
                if let Some(span) = &mut span {
                    span.set("coprocessor.refused", i64::from(refused.status.as_u16()));
                }
                return Err(refused);
            }
            Err(error) => error,
        };
        span.iter_mut().for_each(|span| span.fail(FAILED));
        match on_error {
            OnError::Refuse => {
                tracing::warn!(stage, error, "The coprocessor failed: refused");
                let message = "A service that takes part in requests failed; try again in a moment.";
                Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, FAILED, message))
            }
            OnError::Continue => {
                tracing::warn!(stage, error, "The coprocessor failed: the request goes on without it");
                Ok(())
            }
        }
    }
}

/// The code of a request that is refused because the coprocessor failed.
const FAILED: &str = "COPROCESSOR_FAILED";

impl CoprocessorConfig {
    /// What is selected of the stages at which it is asked.
    pub(crate) fn stages(&self) -> impl Iterator<Item = Common<'_>> {
        let Self { router, supergraph, execution, subgraph, .. } = self;
        let (all, of) = (&subgraph.all, |is_asked: bool, common| is_asked.then_some(common));
        [
            of(router.request.is_asked(), router.request.common()),
            of(router.response.is_asked(), router.response.common()),
            of(supergraph.request.is_asked(), supergraph.request.common()),
            of(supergraph.response.is_asked(), supergraph.response.common()),
            of(execution.request.is_asked(), execution.request.common()),
            of(execution.response.is_asked(), execution.response.common()),
            of(all.request.is_asked(), all.request.common()),
            of(all.response.is_asked(), all.response.common()),
        ]
        .into_iter()
        .flatten()
    }

    /// The first stage in any case: there a request gets its id.
    fn taken_part_in(&self) -> Vec<Stage> {
        let Self { supergraph, execution, subgraph, router, .. } = self;
        let executed = execution.response.is_asked() || supergraph.response.is_asked();
        let asked = [
            (Stage::Request, true),
            (Stage::Operation, supergraph.request.is_asked()),
            (Stage::Execution, execution.request.is_asked()),
            (Stage::SubgraphRequest, subgraph.all.request.is_asked()),
            (Stage::SubgraphResponse, subgraph.all.response.is_asked()),
            (Stage::Executed, executed),
            (Stage::Response, router.response.is_asked()),
        ];
        asked.into_iter().filter_map(|(stage, is_asked)| is_asked.then_some(stage)).collect()
    }

    fn is_asked(&self) -> bool {
        self.stages().next().is_some()
    }

    fn sends_sdl(&self) -> bool {
        let Self { router, supergraph, execution, .. } = self;
        let requests = [router.request.sdl, supergraph.request.sdl, execution.request.sdl];
        let responses = [router.response.sdl, supergraph.response.sdl, execution.response.sdl];
        requests.into_iter().chain(responses).any(|is_sent| is_sent)
    }
}
