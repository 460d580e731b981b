//! What answers for one subgraph, and in which order it is asked. Knows no other subgraph.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{
    SubgraphError, SubgraphErrorKind, SubgraphEvent, SubgraphEvents, SubgraphRequest, SubgraphResponse, refuse,
};
use braid_graphql::error::GraphQLError;
use braid_mock::Mock;
use braid_record::{RecordError, Recorded, Recordings};
use braid_request_context::headers::SubgraphHeaders;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};

type Response = SubgraphResponse<SubgraphHeaders>;

/// The stand-ins of a router, by the names of subgraphs.
pub type StandIns = BTreeMap<String, StandIn>;

/// What answers for a subgraph.
#[derive(Debug, Clone, Default)]
pub struct StandIn {
    /// What was recorded is given before anybody is asked.
    pub replay: Option<Recordings>,
    /// Whether the subgraph itself is asked.
    pub asks: bool,
    /// Answers if nothing is recorded, and the subgraph is not asked or can't be reached.
    pub mock: Option<Arc<Mock>>,
    /// Where answers of the subgraph itself are kept.
    pub record: Option<Recordings>,
}

/// A stand-in and what it remembers.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) stand_in: StandIn,
    /// Whether the subgraph could not be reached when it was asked last.
    is_away: AtomicBool,
}

/// What to do with a request.
pub(crate) enum Step {
    /// This is the answer.
    Answer(Response),
    /// The subgraph itself is asked.
    Ask,
    /// The mock is asked.
    Mock(Arc<Mock>),
}

impl Standing {
    pub(crate) fn new(name: &str, stand_in: StandIn) -> Self {
        Self { name: name.to_owned(), stand_in, is_away: AtomicBool::new(false) }
    }

    /// What comes first.
    pub(crate) async fn first(&self, request: &SubgraphRequest) -> Step {
        let StandIn { replay, asks, mock, .. } = &self.stand_in;
        if let Some(recordings) = replay {
            return match (recordings.find(&self.name, &request.body).await, mock) {
                (Ok(recorded), _) => Step::Answer(replayed(recorded)),
                (Err(RecordError::Missing { .. }), Some(mock)) => Step::Mock(mock.clone()),
                (Err(error), _) => Step::Answer(failed(&error)),
            };
        }
        match mock {
            Some(mock) if !asks => Step::Mock(mock.clone()),
            _ => Step::Ask,
        }
    }

    /// What comes first for a subscription: events are not recorded.
    pub(crate) fn first_of_events(&self) -> Step {
        let StandIn { replay, asks, mock, .. } = &self.stand_in;
        match mock {
            Some(mock) if replay.is_some() || !asks => Step::Mock(mock.clone()),
            None if replay.is_some() => {
                let message = format!("Events of \"{}\" are not recorded; mock it with --mock {0}.", self.name);
                Step::Answer(refused("REPLAY_NOT_RECORDED", message))
            }
            _ => Step::Ask,
        }
    }

    /// The mock instead of a subgraph that can't be reached.
    pub(crate) fn instead(&self, error: &SubgraphError) -> Option<Arc<Mock>> {
        let mock = self.stand_in.mock.as_ref()?;
        if !matches!(error.kind, SubgraphErrorKind::Transport | SubgraphErrorKind::CircuitOpen) {
            return None;
        }
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                subgraph = self.name,
                reason = error.message,
                "A subgraph can't be reached: its mock answers"
            );
        }
        Some(mock.clone())
    }

    /// The subgraph has answered.
    pub(crate) async fn answered(&self, request: &SubgraphRequest, response: &Response) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!(subgraph = self.name, "A subgraph can be reached again: it answers itself");
        }
        let Some(recordings) = &self.stand_in.record else { return };
        let none = HeaderMap::new();
        let headers = response.meta.headers().unwrap_or(&none).iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let kept = recordings.keep(&self.name, &request.body, response.status, headers, &response.body).await;
        if let Err(error) = kept {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(subgraph = self.name, %error, cause, "An answer can't be recorded");
        }
    }
}

/// The answer of a mock, after the time that it takes.
pub(crate) async fn mocked(mock: &Mock, request: &SubgraphRequest) -> Result<Response, SubgraphError> {
    let answer = mock.answer(&request.body, 0);
    wait(answer.delay, request.deadline).await?;
    Ok(SubgraphResponse::new(200, answer.body.into(), SubgraphHeaders::default()))
}

/// Ends as a request does that nobody answers in time.
async fn wait(delay: Duration, deadline: Option<Instant>) -> Result<(), SubgraphError> {
    if delay.is_zero() {
        return Ok(());
    }
    match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())).filter(|left| *left < delay) {
        Some(left) => {
            tokio::time::sleep(left).await;
            let message = format!("its mock takes {delay:?}, which is longer than the request may take");
            Err(SubgraphError { kind: SubgraphErrorKind::Timeout, message, retryable: false })
        }
        None => {
            tokio::time::sleep(delay).await;
            Ok(())
        }
    }
}

/// The events of a mock: one after each interval, without an end.
pub(crate) fn events(mock: Arc<Mock>, body: Bytes) -> SubgraphEvents {
    let interval = mock.interval(&body);
    Box::pin(stream::unfold(1u64, move |number| {
        let (mock, body) = (mock.clone(), body.clone());
        async move {
            tokio::time::sleep(interval).await;
            Some((SubgraphEvent::Next(mock.answer(&body, number).body.into()), number + 1))
        }
    }))
}

/// One event with an answer: the subscription is refused.
pub(crate) fn single(response: Response) -> SubgraphEvents {
    Box::pin(stream::once(std::future::ready(SubgraphEvent::Next(response.body))))
}

fn replayed(recorded: Recorded) -> Response {
    let header = |(name, value): (&String, &String)| {
        Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
    };
    let headers: HeaderMap = recorded.headers.iter().filter_map(header).collect();
    SubgraphResponse::new(recorded.status, recorded.body.into(), SubgraphHeaders::new(headers))
}

fn failed(error: &RecordError) -> Response {
    let code = match error {
        RecordError::Missing { .. } => "REPLAY_NOT_RECORDED",
        _ => "REPLAY_FAILED",
    };
    let mut message = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        message = format!("{message}: {cause}");
    }
    refused(code, message)
}

fn refused(code: &'static str, message: String) -> Response {
    SubgraphResponse::new(200, refuse(&[GraphQLError::new(code, message)]), SubgraphHeaders::default())
}
