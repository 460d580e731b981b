//! The events of subscriptions: of a mock, recorded while they come, and given again. Knows no schema.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphEvent, SubgraphEvents};
use braid_mock::Mock;
use braid_record::{RecordedEvents, Recordings};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

use crate::stand_in::{Response, warn};

/// The longest time between two events that are given again.
const LONGEST_GAP: Duration = Duration::from_secs(1);

/// How long after an event it is written at the latest. Those that come meanwhile are written with it.
const WRITTEN_WITHIN: Duration = Duration::from_millis(250);

/// The events of a mock: one after each interval, without an end.
pub(crate) fn mocked(mock: Arc<Mock>, body: Bytes) -> SubgraphEvents {
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

/// What was recorded, with the time between events, as far as that is not too long to wait for. It ends if the subgraph had completed it; otherwise nothing
/// more comes.
pub(crate) fn replayed(recorded: RecordedEvents) -> SubgraphEvents {
    let completes = recorded.completes;
    let events = recorded.into_events().into_iter();
    let events = stream::unfold((events, Duration::ZERO), |(mut events, before)| async move {
        let event = events.next()?;
        tokio::time::sleep(event.after.saturating_sub(before).min(LONGEST_GAP)).await;
        Some((SubgraphEvent::Next(event.body.into()), (events, event.after)))
    });
    match completes {
        true => Box::pin(events),
        false => Box::pin(events.chain(stream::pending())),
    }
}

/// The same events, which are recorded while they pass. Must be called on a runtime.
pub(crate) fn recorded(
    subgraph: String,
    recordings: Recordings,
    request: Bytes,
    events: SubgraphEvents,
) -> SubgraphEvents {
    let (recording, written) = watch::channel(RecordedEvents::default());
    tokio::spawn(write(subgraph, recordings, request, written));
    Box::pin(Recording { events, started: Instant::now(), recording })
}

struct Recording {
    events: SubgraphEvents,
    started: Instant,
    /// Who writes them ends when it is dropped.
    recording: watch::Sender<RecordedEvents>,
}

impl Stream for Recording {
    type Item = SubgraphEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SubgraphEvent>> {
        let polled = self.events.poll_next_unpin(cx);
        match &polled {
            Poll::Ready(Some(SubgraphEvent::Next(body))) => {
                let after = self.started.elapsed();
                self.recording.send_if_modified(|recorded| {
                    // After the first that is not kept, none is.
                    let is_new = !recorded.is_full();
                    recorded.push(after, body);
                    is_new
                });
            }
            Poll::Ready(None) => self.recording.send_modify(|recorded| recorded.completes = true),
            _ => {}
        }
        polled
    }
}

/// Writes the events whenever there are more of them.
async fn write(
    subgraph: String,
    recordings: Recordings,
    request: Bytes,
    mut recorded: watch::Receiver<RecordedEvents>,
) {
    let mut is_told = false;
    while recorded.changed().await.is_ok() {
        tokio::time::sleep(WRITTEN_WITHIN).await;
        let events = recorded.borrow_and_update().clone();
        if events.is_full() && !is_told {
            is_told = true;
            tracing::info!(subgraph, "Only the first events of a subscription are recorded: more came than are kept");
        }
        if let Err(error) = recordings.keep_events(&subgraph, &request, &events).await {
            warn(&subgraph, &error);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &SubgraphEvent) -> String {
        match event {
            SubgraphEvent::Next(body) => String::from_utf8_lossy(body).split_whitespace().collect(),
            other => format!("{other:?}"),
        }
    }

    fn sent(bodies: &[&'static str]) -> Vec<SubgraphEvent> {
        bodies.iter().map(|body| SubgraphEvent::Next(Bytes::from_static(body.as_bytes()))).collect()
    }

    const REQUEST: &[u8] = b"{\"query\":\"subscription { sold }\"}";

    async fn kept(recordings: &Recordings, count: usize) -> RecordedEvents {
        for _ in 0..400 {
            if let Ok(found) = recordings.find_events("shop", REQUEST).await
                && found.clone().into_events().len() == count
            {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} events were never written");
    }

    #[tokio::test]
    async fn what_passes_is_recorded_while_it_passes() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        let request = Bytes::from_static(REQUEST);
        let open = stream::iter(sent(&["{\"a\":1}", "{\"a\":2}"])).chain(stream::pending());
        let mut events = recorded("shop".to_owned(), recordings.clone(), request.clone(), Box::pin(open));
        assert_eq!(text(&events.next().await.unwrap()), "{\"a\":1}");
        kept(&recordings, 1).await;
        assert_eq!(text(&events.next().await.unwrap()), "{\"a\":2}");
        drop(events);
        assert!(!kept(&recordings, 2).await.completes, "the client has left");
        let ended = stream::iter(sent(&["{}"]));
        let all: Vec<_> = recorded("shop".to_owned(), recordings.clone(), request, Box::pin(ended)).collect().await;
        assert_eq!(all.len(), 1);
        assert!(kept(&recordings, 1).await.completes, "the later subscription takes the place of the earlier");
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_given_again_in_their_order_and_no_gap_is_long() {
        let mut recording = RecordedEvents::default();
        for (after, body) in [(20, "{\"a\":1}"), (90, "{\"a\":2}"), (3_600_000, "{\"a\":3}")] {
            recording.push(Duration::from_millis(after), body.as_bytes());
        }
        for completes in [true, false] {
            recording.completes = completes;
            let mut events = replayed(recording.clone());
            let started = tokio::time::Instant::now();
            for (after, body) in [(20, "{\"a\":1}"), (90, "{\"a\":2}"), (1090, "{\"a\":3}")] {
                assert_eq!(text(&events.next().await.unwrap()), body);
                assert_eq!(started.elapsed().as_millis(), after);
            }
            let end = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
            assert_eq!(end.is_ok_and(|event| event.is_none()), completes);
        }
    }
}
