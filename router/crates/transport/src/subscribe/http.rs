//! Subscriptions whose events come in the response to their request: server-sent events, or parts. Each has a connection of its own.
//! Knows no reconnection.

use std::sync::Arc;
use std::time::Duration;

use braid_executor::SubgraphError;
use braid_net::receive::{self, BodyError};
use braid_net::{Client, ResponseBody, chain};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::select;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{Connection, Observer};
use super::error;
use super::heartbeats::{Heard, Heartbeats};
use super::limits::Limits;
use super::multipart::Multipart;
use super::parse::{Parser, Piece, Unreadable};
use super::queue::{End, Queue};
use super::source::Source;
use super::sse::Sse;
use crate::exchange::is_json;

/// A subscription to be sent.
pub(crate) struct Posting<'a> {
    pub(crate) client: &'a Client,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What of responses is taken.
    pub(crate) accept: &'static str,
    /// The time to the head of the response.
    pub(crate) time: Duration,
}

/// How streams are read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) limits: Limits,
    pub(crate) dead_after: Duration,
    pub(crate) heartbeats: Arc<Heartbeats>,
    pub(crate) observer: Observer,
}

/// What a subgraph answers to a subscription.
pub(crate) enum Answer {
    /// Its events.
    Events(Source),
    /// One response as JSON.
    Whole(StatusCode, Bytes),
}

/// Sends a subscription.
pub(crate) async fn post(posting: Posting<'_>, reading: &Reading) -> Result<Answer, SubgraphError> {
    let Posting { client, mut headers, body, accept, time } = posting;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    let response = timeout(time, client.request(request)).await;
    let response = response.map_err(|_| error::timeout("the response did not start in time".to_owned()))?;
    let (head, body) = response.map_err(|error| error::lost(chain(&error)))?.into_parts();
    let content_type = head.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    if is_json(content_type) {
        let whole = timeout(time, receive::body(&head, body, reading.limits.message)).await;
        let whole = whole.map_err(|_| error::timeout("the response did not end in time".to_owned()))?;
        return Ok(Answer::Whole(head.status, whole.map_err(|error| unreadable_body(&error, &reading.limits))?));
    }
    if !head.status.is_success() {
        let message = format!("the response is {} with the content-type \"{content_type}\"", head.status);
        return Err(if head.status.is_server_error() { error::lost(message) } else { error::refused(message) });
    }
    if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity" && encoding != "none") {
        return Err(error::malformed("the stream is compressed, which was not asked for".to_owned()));
    }
    let max = reading.limits.message;
    let (parser, protocol) = match Multipart::new(content_type, max) {
        Some(multipart) => (Parser::Multipart(multipart), "multipart"),
        None if is_event_stream(content_type) => (Parser::Sse(Sse::new(max)), "sse"),
        None => {
            let message = format!("the response has the content-type \"{content_type}\", which brings no events");
            return Err(error::malformed(message));
        }
    };
    Ok(Answer::Events(events(body, parser, reading, reading.observer.opened(protocol))))
}

fn is_event_stream(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/event-stream")
}

fn unreadable_body(problem: &BodyError, limits: &Limits) -> SubgraphError {
    match problem {
        BodyError::TooLarge(_) => error::too_large(limits.message),
        BodyError::UnknownEncoding(_) | BodyError::Corrupt(_) => error::malformed(chain(problem)),
        BodyError::Incomplete(_) => error::lost(chain(problem)),
    }
}

/// Reads the stream in a task: it goes on while nobody takes events, so heartbeats are seen and nothing piles up at the subgraph.
fn events(body: ResponseBody, parser: Parser, reading: &Reading, connection: Connection) -> Source {
    let queue = Arc::new(Queue::new(reading.limits.clone()));
    let stream = Stream { body, parser, queue: queue.clone(), heard: Heard::default(), reading: reading.clone() };
    let task = tokio::spawn(stream.run(connection)).abort_handle();
    Source::new(queue, Task(task))
}

/// A task that ends when this is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Stream {
    body: ResponseBody,
    parser: Parser,
    queue: Arc<Queue>,
    heard: Heard,
    reading: Reading,
}

impl Stream {
    async fn run(mut self, connection: Connection) {
        let end = self.read().await;
        if let End::Failed(error) = &end {
            connection.lost(error);
        }
        self.queue.end(end);
    }

    async fn read(&mut self) -> End {
        let mut last = Instant::now();
        loop {
            let silence = self.reading.heartbeats.silence(self.reading.dead_after);
            let frame = select! {
                biased;
                frame = self.body.frame() => frame,
                () = sleep_until(last + silence.unwrap_or_default()), if silence.is_some() => {
                    self.reading.heartbeats.missed();
                    let message = format!("nothing came for {:?}, not even a heartbeat", silence.unwrap_or_default());
                    return End::Failed(error::timeout(message));
                }
            };
            last = Instant::now();
            let data = match frame {
                None => return End::Failed(error::lost("the response ended before the subscription".to_owned())),
                Some(Err(problem)) => return End::Failed(error::lost(chain(&*problem))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_trailers) => continue,
                },
            };
            self.parser.push(&data);
            if let Some(end) = self.pieces(last) {
                return end;
            }
        }
    }

    /// Takes the pieces that are whole. Returns the end, if one of them is.
    fn pieces(&mut self, now: Instant) -> Option<End> {
        loop {
            match self.parser.next() {
                Ok(None) => return None,
                Ok(Some(Piece::Next(event))) => self.queue.push(event),
                Ok(Some(Piece::Heartbeat)) => {
                    self.reading.heartbeats.beat(&mut self.heard, now, self.reading.dead_after);
                }
                Ok(Some(Piece::Fatal(errors))) => {
                    self.queue.refuse(&errors);
                    return Some(End::Completed);
                }
                Ok(Some(Piece::Complete)) => return Some(End::Completed),
                Err(Unreadable::TooLarge) => return Some(End::Failed(error::too_large(self.reading.limits.message))),
                Err(Unreadable::Malformed(problem)) => {
                    let message = format!("the stream can't be read: {problem}");
                    return Some(End::Failed(error::malformed(message)));
                }
            }
        }
    }
}
