//! How a stream is written into the body of a response: the framing says how, the body when. Knows no GraphQL and no socket.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use braid_gateway::subscriptions::{Ended, Event};
use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep};

/// How the events of a stream are written.
pub(crate) trait Framing {
    /// What comes before all events.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// A response, `{"data":…}`.
    fn next(&mut self, response: &[u8], out: &mut Vec<u8>);
    /// The end, and what it is due to.
    fn end(&mut self, ended: &Ended, out: &mut Vec<u8>);
    /// That the router is there still.
    fn heartbeat(&mut self, out: &mut Vec<u8>);
}

/// A stream as the body of a response. Whatever is said starts the time to the next heartbeat anew.
pub(crate) struct FramedBody<E, F> {
    /// None once the end was written.
    events: Option<E>,
    framing: F,
    has_begun: bool,
    every: Duration,
    heartbeat: Pin<Box<Sleep>>,
}

impl<E, F> FramedBody<E, F> {
    /// The body of these events, with a heartbeat after so much time without any.
    pub(crate) fn new(events: E, framing: F, every: Duration) -> Self {
        // Less would be a loop.
        let every = every.max(Duration::from_millis(10));
        Self { events: Some(events), framing, has_begun: false, every, heartbeat: Box::pin(tokio::time::sleep(every)) }
    }
}

impl<E: Stream<Item = Event> + Unpin, F: Framing + Unpin> Body for FramedBody<E, F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { events, framing, has_begun, every, heartbeat } = &mut *self;
        let Some(open) = events else { return Poll::Ready(None) };
        let mut out = Vec::new();
        if !std::mem::replace(has_begun, true) {
            framing.begin(&mut out);
        }
        match Pin::new(open).poll_next(cx) {
            Poll::Ready(Some(Event::Next(response))) => framing.next(&response, &mut out),
            Poll::Ready(Some(Event::Ended(ended))) => {
                framing.end(&ended, &mut out);
                *events = None;
            }
            Poll::Ready(None) => *events = None,
            Poll::Pending if out.is_empty() => {
                if heartbeat.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                framing.heartbeat(&mut out);
            }
            Poll::Pending => {}
        }
        if out.is_empty() {
            return Poll::Ready(None);
        }
        heartbeat.as_mut().reset(Instant::now() + *every);
        Poll::Ready(Some(Ok(Frame::data(out.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_none()
    }
}

#[cfg(test)]
mod tests {
    use braid_gateway::subscriptions::EndCause;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::super::multipart::Multipart;
    use super::super::sse::Sse;
    use super::*;

    fn next(text: &'static str) -> Event {
        Event::Next(Bytes::from_static(text.as_bytes()))
    }

    async fn written<F: Framing + Unpin>(framing: F, events: Vec<Event>) -> String {
        let body = FramedBody::new(stream::iter(events), framing, Duration::from_secs(5));
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn events_are_sent_by_the_server() {
        let events = vec![next("{\"data\":{\"a\":1}}"), Event::Ended(Ended::for_cause(EndCause::Completed))];
        let expected = ":\n\nevent: next\ndata: {\"data\":{\"a\":1}}\n\nevent: complete\ndata:\n\n";
        assert_eq!(written(Sse, events).await, expected);
        // A scalar may have line ends, which would end the event.
        let events = vec![next("{\"data\":{\"a\":[1,\r\n2,\r3]}}"), Event::Ended(Ended::for_cause(EndCause::Idle))];
        let text = written(Sse, events).await;
        assert!(text.contains("data: {\"data\":{\"a\":[1,\ndata: 2,\ndata: 3]}}\n\n"), "{text}");
        assert!(text.contains("event: next\ndata: {\"errors\":[{\"message\":"), "{text}");
        assert!(text.ends_with("\"code\":\"SUBSCRIPTION_IDLE\"}}]}\n\nevent: complete\ndata:\n\n"), "{text}");
    }

    #[tokio::test]
    async fn each_part_is_delimited_at_once() {
        let body = FramedBody::new(
            stream::iter([next("{\"data\":1}")]).chain(stream::pending()),
            Multipart::SUBSCRIPTION,
            Duration::from_millis(20),
        );
        let mut body = std::pin::pin!(body);
        let mut parts = Vec::new();
        for _ in 0..3 {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            parts.push(String::from_utf8(data.to_vec()).unwrap());
        }
        let part = |json: &str| format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql");
        let first = format!("--graphql{}", part("{\"payload\":{\"data\":1}}"));
        assert_eq!(parts, [first, part("{}"), part("{}")]);
    }

    #[tokio::test]
    async fn the_end_of_parts_is_delimited() {
        let completed = Event::Ended(Ended::for_cause(EndCause::Completed));
        assert_eq!(written(Multipart::SUBSCRIPTION, vec![completed.clone()]).await, "--graphql--\r\n");
        let plain = written(Multipart::INCREMENTAL, vec![next("{\"last\":true}"), completed]).await;
        let (head, rest) = plain.split_once("\r\n\r\n").unwrap();
        assert_eq!(head, ["--graphql", "content-type: application/json"].join("\r\n"));
        assert_eq!(rest, ["{\"last\":true}", "--graphql--", ""].join("\r\n"));
        let failed = written(Multipart::SUBSCRIPTION, vec![Event::Ended(Ended::for_cause(EndCause::Shutdown))]).await;
        assert!(failed.contains("\r\n\r\n{\"payload\":null,\"errors\":[{\"message\":\"The router stops"), "{failed}");
        assert!(failed.ends_with("]}\r\n--graphql--\r\n"), "{failed}");
    }
}
