//! What answers for one subgraph, and in which order it is asked. Knows no other subgraph.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphEvents, SubgraphRequest, SubgraphResponse, refuse};
use braid_graphql::error::GraphQLError;
use braid_mock::Mock;
use braid_record::{RecordError, Recorded, Recordings};
use braid_request_context::headers::SubgraphHeaders;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::events;

pub(crate) type Response = SubgraphResponse<SubgraphHeaders>;

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
pub(crate) enum Step<T> {
    /// This is the answer.
    Answer(T),
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
    pub(crate) async fn first(&self, request: &SubgraphRequest) -> Step<Response> {
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

    /// What comes first for a subscription.
    pub(crate) async fn first_of_events(&self, request: &SubgraphRequest) -> Step<SubgraphEvents> {
        let StandIn { replay, asks, mock, .. } = &self.stand_in;
        if let Some(recordings) = replay {
            return match (recordings.find_events(&self.name, &request.body).await, mock) {
                (Ok(recorded), _) => Step::Answer(events::replayed(recorded)),
                (Err(RecordError::Missing { .. }), Some(mock)) => Step::Mock(mock.clone()),
                (Err(error), _) => Step::Answer(events::single(failed(&error))),
            };
        }
        match mock {
            Some(mock) if !asks => Step::Mock(mock.clone()),
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

    /// The subgraph has begun to send events.
    pub(crate) fn begun(&self, request: SubgraphRequest, events: SubgraphEvents) -> SubgraphEvents {
        match &self.stand_in.record {
            Some(recordings) => events::recorded(self.name.clone(), recordings.clone(), request.body, events),
            None => events,
        }
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
            warn(&self.name, &error);
        }
    }
}

/// Something can't be recorded.
pub(crate) fn warn(subgraph: &str, error: &RecordError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(subgraph, %error, cause, "An answer can't be recorded");
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
    SubgraphResponse::new(200, refuse(&[GraphQLError::new(code, message)]), SubgraphHeaders::default())
}
