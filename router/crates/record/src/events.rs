//! The events of a subscription as they were recorded: what came, and when. Knows no stream.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::recordings::{RecordError, Recordings, write};

/// The most events that are kept of a subscription.
const MAX_EVENTS: usize = 1000;
/// The most bytes of events that are kept of a subscription.
const MAX_BYTES: usize = 8 << 20;

/// What came of a subscription: the first events, as many as are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedEvents {
    events: Vec<RecordedEvent>,
    bytes: usize,
    is_full: bool,
    /// Whether the subgraph has completed the subscription after the last of them.
    pub completes: bool,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The time from the beginning of the subscription.
    pub after: Duration,
    /// The response to it, which is JSON.
    pub body: Vec<u8>,
}

/// What is in a file.
#[derive(Serialize, Deserialize)]
struct File {
    subgraph: String,
    request: Value,
    events: Vec<Event>,
    #[serde(default)]
    completes: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    after_ms: u64,
    body: Box<RawValue>,
}

impl RecordedEvents {
    /// Adds an event. Returns false if there is no room for it: then none that comes later is kept either, so that none is missing in between.
    pub fn push(&mut self, after: Duration, body: &[u8]) -> bool {
        self.is_full |= self.events.len() >= MAX_EVENTS || self.bytes + body.len() > MAX_BYTES;
        if !self.is_full {
            self.bytes += body.len();
            self.events.push(RecordedEvent { after, body: body.to_vec() });
        }
        !self.is_full
    }

    /// Whether events came that are not kept.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && !self.completes
    }

    /// The events, in the order in which they came.
    pub fn into_events(self) -> Vec<RecordedEvent> {
        self.events
    }
}

impl Recordings {
    /// Keeps the events of a subscription; those of an earlier one to the same request are replaced. An event that is not JSON is an error.
    pub async fn keep_events(
        &self,
        subgraph: &str,
        request: &[u8],
        recorded: &RecordedEvents,
    ) -> Result<(), RecordError> {
        let (file, request) = self.file_of(subgraph, request)?;
        let event = |event: &RecordedEvent| {
            let body = serde_json::from_slice(&event.body).map_err(|_| RecordError::NotJson)?;
            Ok(Event { after_ms: u64::try_from(event.after.as_millis()).unwrap_or(u64::MAX), body })
        };
        let events = recorded.events.iter().map(event).collect::<Result<_, RecordError>>()?;
        // All that came was not kept, so it did not end where the recording does.
        let completes = recorded.completes && !recorded.is_full;
        write(file, &File { subgraph: subgraph.to_owned(), request, events, completes }).await
    }

    /// The events of a subscription.
    pub async fn find_events(&self, subgraph: &str, request: &[u8]) -> Result<RecordedEvents, RecordError> {
        let File { events, completes, .. } = self.read(subgraph, request).await?;
        let event = |Event { after_ms, body }| RecordedEvent {
            after: Duration::from_millis(after_ms),
            body: Box::<str>::from(body).into_string().into_bytes(),
        };
        let events: Vec<_> = events.into_iter().map(event).collect();
        let bytes = events.iter().map(|event| event.body.len()).sum();
        Ok(RecordedEvents { events, bytes, is_full: false, completes })
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const REQUEST: &[u8] =
        br#"{"query":"subscription Sold($of: ID) { sold(of: $of) { sku } }","variables":{"of":"1"}}"#;

    fn recorded(events: &[(u64, &str)], completes: bool) -> RecordedEvents {
        let mut recorded = RecordedEvents { completes, ..RecordedEvents::default() };
        for (after, body) in events {
            assert!(recorded.push(Duration::from_millis(*after), body.as_bytes()));
        }
        recorded
    }

    #[tokio::test]
    async fn events_are_found_again_in_their_order_and_with_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        let events = [(5, r#"{"data":{"price":12.50}}"#), (5, r#"{"data":null}"#), (70_000, "{}")];
        for completes in [true, false] {
            recordings.keep_events("products", REQUEST, &recorded(&events, completes)).await.unwrap();
            let found = recordings.find_events("products", REQUEST).await.unwrap();
            assert_eq!(found.completes, completes);
            let compact = |event: RecordedEvent| {
                let body = String::from_utf8(event.body).unwrap();
                (event.after.as_millis() as u64, body.split_whitespace().collect::<String>())
            };
            let found: Vec<_> = found.into_events().into_iter().map(compact).collect();
            assert_eq!(found, events.map(|(after, body)| (after, body.to_owned())));
        }
        let file = std::fs::read_dir(folder.path().join("products")).unwrap().next().unwrap().unwrap();
        assert!(file.file_name().to_str().unwrap().starts_with("Sold-"), "{file:?}");
        let missing = recordings.find_events("other", REQUEST).await.unwrap_err();
        assert!(matches!(missing, RecordError::Missing { .. }), "{missing}");
        let no_json = recordings.keep_events("products", REQUEST, &recorded(&[(0, "{")], false)).await.unwrap_err();
        assert!(matches!(no_json, RecordError::NotJson), "{no_json}");
    }

    #[tokio::test]
    async fn the_first_events_are_kept_and_not_all() {
        let mut many = RecordedEvents::default();
        let kept = (0..MAX_EVENTS + 5).filter(|at| many.push(Duration::from_millis(*at as u64), b"{}")).count();
        assert_eq!((kept, many.is_full()), (MAX_EVENTS, true));
        let mut large = RecordedEvents::default();
        let body = vec![b' '; MAX_BYTES / 2];
        let kept = [&body[..], &body[..], b"{}", b"{}"].map(|body| large.push(Duration::ZERO, body));
        assert_eq!(kept, [true, true, false, false]);
        let mut gap = RecordedEvents::default();
        assert_eq!(
            [&body[..], &[b' '; MAX_BYTES], b"{}"].map(|body| gap.push(Duration::ZERO, body)),
            [true, false, false]
        );
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        many.completes = true;
        recordings.keep_events("a", REQUEST, &many).await.unwrap();
        assert!(!recordings.find_events("a", REQUEST).await.unwrap().completes, "it did not end there");
    }
}
