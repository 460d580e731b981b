//! The session of a client on a socket: what it may say when, and what runs for it. Knows no GraphQL.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use braid_gateway::Subgraphs;
use braid_gateway::refusal::Refusal;
use braid_gateway::subscriptions::{EndCause, Event};
use braid_graphql::error::GraphQLError;
use braid_graphql_ws::{ClientMessage, ServerMessage, Subprotocol, close};
use braid_request_context::Identity;
use braid_telemetry::metrics::StreamLimit;
use bytes::Bytes;
use futures_util::stream::{AbortHandle, Abortable, SelectAll};
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use http::request::Parts;
use hyper::upgrade::Upgraded;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::channel::{Channel, Gone, Incoming};
use super::init;
use super::operation::{self, Outcome};
use crate::config::{StreamsConfig, WebSocketConfig};
use crate::exchange::Exchange;
use crate::state::Front;
use crate::streams::live::{LiveStream, instant};

/// Who is at the other end of a socket.
pub(super) struct Client {
    /// What each operation begins with.
    pub(super) head: Parts,
    pub(super) peer: Option<SocketAddr>,
    pub(super) subprotocol: Option<Subprotocol>,
}

/// Why a session ends.
enum End {
    /// The socket is closed: with this code, and this reason.
    Close(u16, String, EndCause),
    /// The client is gone.
    Gone,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Serves a client until it leaves, or its socket is closed.
pub(super) async fn run<S: Subgraphs>(front: Arc<Front<S>>, client: Client, connection: Upgraded) {
    let config = front.current().config.streams.clone();
    let mut channel = Channel::new(connection, config.websocket.max_message_bytes.0).await;
    let metrics = front.metrics().clone();
    metrics.streams.sockets.inc();
    let end = match client.subprotocol {
        Some(subprotocol) => {
            let cause = Arc::new(OnceLock::new());
            let mut session = Session::new(front, client.head, client.peer, subprotocol, config, cause.clone());
            let end = session.serve(&mut channel).await;
            let of_streams = match &end {
                End::Close(_, _, cause) => *cause,
                End::Gone => EndCause::ClientLeft,
            };
            // The session drops its streams now, and they say why.
            let _ = cause.set(of_streams);
            end
        }
        None => {
            let reason = "Offer the subprotocol graphql-transport-ws, or the older graphql-ws.";
            End::Close(close::SUBPROTOCOL_NOT_ACCEPTABLE, reason.to_owned(), EndCause::ClientLeft)
        }
    };
    metrics.streams.sockets.dec();
    match end {
        End::Close(code, reason, _) => {
            metrics.streams.socket_closed(code);
            channel.close(code, &reason).await;
        }
        End::Gone => channel.leave().await,
    }
}

struct Session<S> {
    front: Arc<Front<S>>,
    head: Parts,
    peer: Option<SocketAddr>,
    subprotocol: Subprotocol,
    config: StreamsConfig,
    /// Who asks, once the client has begun.
    identity: Option<Identity>,
    /// What runs, by the client's ids.
    running: HashMap<Box<str>, Running>,
    /// Operations that have given no response yet.
    tasks: JoinSet<Finished<S>>,
    streams: SelectAll<Abortable<Numbered<S>>>,
    /// The number of operations so far, by which those with the same id are told apart.
    count: u64,
    /// Why streams end with the socket.
    cause: Arc<OnceLock<EndCause>>,
    /// The client's last sign of life.
    seen: Instant,
    due: Due,
}

/// When something is to be done.
struct Due {
    ping: Instant,
    /// The end of the time to begin.
    init: Option<Instant>,
    /// The end of the client's credentials.
    expires: Option<Instant>,
    /// The end of the socket, since the router stops.
    stop: Option<Instant>,
    /// The end of the socket, since nothing runs on it.
    idle: Option<Instant>,
}

struct Running {
    number: u64,
    work: Work,
}

enum Work {
    Task(tokio::task::AbortHandle),
    Stream(AbortHandle),
}

/// An operation that has given its response, or its stream.
struct Finished<S> {
    id: Box<str>,
    number: u64,
    outcome: Outcome<S>,
}

/// A stream with what it belongs to.
struct Numbered<S> {
    id: Box<str>,
    number: u64,
    events: Box<LiveStream<S>>,
}

impl<S> Stream for Numbered<S> {
    type Item = (Box<str>, u64, Event);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = std::task::ready!(Pin::new(&mut self.events).poll_next(cx));
        Poll::Ready(event.map(|event| (self.id.clone(), self.number, event)))
    }
}

impl Running {
    fn stop(&self) {
        match &self.work {
            Work::Task(task) => task.abort(),
            Work::Stream(stream) => stream.abort(),
        }
    }
}

impl Due {
    fn next(&self) -> Instant {
        [self.init, self.expires, self.stop, self.idle].into_iter().flatten().fold(self.ping, Instant::min)
    }
}

impl<S: Subgraphs> Session<S> {
    fn new(
        front: Arc<Front<S>>,
        head: Parts,
        peer: Option<SocketAddr>,
        subprotocol: Subprotocol,
        config: StreamsConfig,
        cause: Arc<OnceLock<EndCause>>,
    ) -> Self {
        let now = Instant::now();
        let (ping, init) = (now + interval(&config.websocket), Some(now + config.websocket.init_timeout.0));
        Self {
            front,
            head,
            peer,
            subprotocol,
            config,
            identity: None,
            running: HashMap::new(),
            tasks: JoinSet::new(),
            streams: SelectAll::new(),
            count: 0,
            cause,
            seen: now,
            due: Due { ping, init, expires: None, stop: None, idle: None },
        }
    }

    async fn serve(&mut self, channel: &mut Channel) -> End {
        let stopping = self.front.streams.stopping().clone();
        let mut stopping = pin!(stopping.cancelled_owned());
        let mut timer = pin!(tokio::time::sleep_until(self.due.next()));
        loop {
            self.note_idle();
            let next = self.due.next();
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            let done = tokio::select! {
                incoming = channel.next() => self.take(channel, incoming).await,
                Some(finished) = self.tasks.join_next() => match finished {
                    Ok(finished) => self.finish(channel, finished).await,
                    Err(error) if error.is_panic() => Err(close(close::INTERNAL_ERROR, "INTERNAL_SERVER_ERROR")),
                    // The client has ended it.
                    Err(_) => Ok(()),
                },
                Some((id, number, event)) = self.streams.next(), if !self.streams.is_empty() => {
                    self.tell(channel, id, number, event).await
                }
                () = &mut timer => self.tick(channel).await,
                () = &mut stopping, if self.due.stop.is_none() => {
                    self.due.stop = Some(Instant::now() + self.front.streams.last_wait());
                    Ok(())
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// While nothing runs, the time runs after which the socket is closed.
    fn note_idle(&mut self) {
        self.due.idle = match self.config.idle_timeout {
            Some(time) if self.running.is_empty() => self.due.idle.or_else(|| Some(Instant::now() + time.0)),
            _ => None,
        };
    }

    async fn tick(&mut self, channel: &mut Channel) -> Result<(), End> {
        let now = Instant::now();
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_over(self.due.stop) {
            let reason = "SUBSCRIPTION_SHUTDOWN".to_owned();
            return Err(End::Close(close::GOING_AWAY, reason, EndCause::Shutdown));
        }
        if is_over(self.due.expires) {
            let reason = "SUBSCRIPTION_CREDENTIALS_EXPIRED".to_owned();
            return Err(End::Close(close::FORBIDDEN, reason, EndCause::CredentialsExpired));
        }
        if is_over(self.due.init) {
            return Err(close(close::INIT_TIMEOUT, "Connection initialisation timeout"));
        }
        if is_over(self.due.idle) {
            return Err(close(close::NORMAL, "SUBSCRIPTION_IDLE"));
        }
        if self.due.ping <= now {
            if now - self.seen >= self.config.websocket.ping_timeout.0 {
                return Err(End::Gone);
            }
            self.due.ping = now + interval(&self.config.websocket);
            channel.ping().await?;
            if self.subprotocol == Subprotocol::Legacy && self.identity.is_some() {
                self.send(channel, &ServerMessage::KeepAlive).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, channel: &mut Channel, incoming: Incoming) -> Result<(), End> {
        self.seen = Instant::now();
        let text = match incoming {
            Incoming::Text(text) => text,
            Incoming::Alive => return Ok(()),
            Incoming::Left => return Err(End::Gone),
            Incoming::Invalid(code, reason) => return Err(close(code, reason)),
        };
        let message = ClientMessage::parse(self.subprotocol, &text);
        match message.map_err(|error| close(close::BAD_REQUEST, &error.to_string()))? {
            ClientMessage::Init(payload) => self.begin(channel, payload.as_ref()).await,
            ClientMessage::Subscribe { id, payload } => self.subscribe(channel, id, payload).await,
            ClientMessage::Complete { id } => {
                if let Some(running) = self.running.remove(&id) {
                    running.stop();
                }
                Ok(())
            }
            ClientMessage::Ping(payload) => self.send(channel, &ServerMessage::Pong(payload)).await,
            ClientMessage::Pong(_) => Ok(()),
            ClientMessage::Terminate => Err(close(close::NORMAL, "")),
        }
    }

    async fn begin(&mut self, channel: &mut Channel, payload: Option<&Bytes>) -> Result<(), End> {
        // Once the time to begin is set, the client has not begun.
        if self.due.init.take().is_none() {
            return Err(close(close::TOO_MANY_INITS, "Too many initialisation requests"));
        }
        let version = self.front.current();
        let begun = Box::pin(init::begin(&version, &mut self.head, self.peer, payload)).await;
        let identity = match begun {
            Ok(identity) => identity,
            Err(refusal) => return self.refuse(channel, &refusal).await,
        };
        let principal = identity.principal();
        self.front.metrics().authenticated(principal.map_or("none", |principal| principal.kind.name()));
        self.due.expires = principal.and_then(|principal| principal.expires).map(instant);
        self.identity = Some(identity);
        self.send(channel, &ServerMessage::Ack(None)).await?;
        if self.subprotocol == Subprotocol::Legacy {
            self.send(channel, &ServerMessage::KeepAlive).await?;
        }
        Ok(())
    }

    /// The client may not begin.
    async fn refuse(&mut self, channel: &mut Channel, refusal: &Refusal) -> Result<(), End> {
        let Some(error) = refusal.errors.first() else { return Err(End::Gone) };
        let reason = error.code().unwrap_or_default();
        self.front.metrics().error(reason);
        if self.subprotocol == Subprotocol::Legacy {
            let payload = serde_json::to_vec(error).unwrap_or_default();
            self.send(channel, &ServerMessage::Refused(payload.into())).await?;
        }
        Err(match refusal.status {
            status if status == braid_gateway::refusal::RefusalStatus::Fixed(StatusCode::BAD_REQUEST) => {
                close(close::BAD_REQUEST, &error.message)
            }
            _ => close(close::FORBIDDEN, reason),
        })
    }

    async fn subscribe(&mut self, channel: &mut Channel, id: Box<str>, payload: Bytes) -> Result<(), End> {
        let Some(identity) = self.identity.clone() else {
            return Err(close(close::UNAUTHORIZED, "Unauthorized: begin with connection_init"));
        };
        match (self.running.get(&id), self.subprotocol) {
            (Some(_), Subprotocol::TransportWs) => {
                return Err(close(close::SUBSCRIBER_EXISTS, &format!("Subscriber for {id} already exists")));
            }
            // The older protocol has the new one take the place of the old one.
            (Some(running), Subprotocol::Legacy) => running.stop(),
            (None, _) if self.running.len() >= self.config.websocket.max_operations => {
                self.front.metrics().streams.refused(StreamLimit::Socket);
                let message = "As many operations run on the socket as may; end one of them first.";
                let error = GraphQLError::new("SOCKET_OPERATION_LIMIT_REACHED", message);
                self.front.metrics().error("SOCKET_OPERATION_LIMIT_REACHED");
                return self.send(channel, &errors(id, &[error])).await;
            }
            (None, _) => {}
        }
        let version = self.front.current();
        let mut exchange = Exchange::begin(version, &self.front.observers, self.head.clone(), self.peer);
        if exchange.identify_as(identity).is_err() {
            return Err(close(close::INTERNAL_ERROR, "INTERNAL_SERVER_ERROR"));
        }
        self.count += 1;
        let (number, protocol) = (self.count, self.subprotocol.name());
        let operation = operation::run(self.front.clone(), exchange, payload, protocol, self.cause.clone());
        let finished = id.clone();
        let task = self.tasks.spawn(async move { Finished { id: finished, number, outcome: operation.await } });
        self.running.insert(id, Running { number, work: Work::Task(task) });
        Ok(())
    }

    async fn finish(&mut self, channel: &mut Channel, finished: Finished<S>) -> Result<(), End> {
        let Finished { id, number, outcome } = finished;
        // The client may have ended it meanwhile, and begun another with the same id.
        let Entry::Occupied(mut running) = self.running.entry(id.clone()) else { return Ok(()) };
        if running.get().number != number {
            return Ok(());
        }
        match outcome {
            Outcome::Stream(events) => {
                let (abort, registration) = AbortHandle::new_pair();
                running.get_mut().work = Work::Stream(abort);
                self.streams.push(Abortable::new(Numbered { id, number, events }, registration));
                Ok(())
            }
            Outcome::Whole(payload) => {
                running.remove();
                self.send(channel, &ServerMessage::Next { id: id.clone(), payload }).await?;
                self.send(channel, &ServerMessage::Complete { id }).await
            }
            Outcome::Refused(refusal) => {
                running.remove();
                self.send(channel, &errors(id, &refusal.errors)).await
            }
        }
    }

    async fn tell(&mut self, channel: &mut Channel, id: Box<str>, number: u64, event: Event) -> Result<(), End> {
        if self.running.get(&id).is_none_or(|running| running.number != number) {
            return Ok(());
        }
        let message = match event {
            Event::Next(payload) => ServerMessage::Next { id, payload },
            Event::Ended(ended) => {
                self.running.remove(&id);
                match &ended.errors[..] {
                    [] => ServerMessage::Complete { id },
                    given => errors(id, given),
                }
            }
        };
        self.send(channel, &message).await
    }

    async fn send(&self, channel: &mut Channel, message: &ServerMessage) -> Result<(), End> {
        match message.write(self.subprotocol) {
            Some(text) => Ok(channel.send(text).await?),
            None => Ok(()),
        }
    }
}

/// A timer needs some time.
fn interval(config: &WebSocketConfig) -> Duration {
    config.ping_interval.0.max(Duration::from_millis(10))
}

fn close(code: u16, reason: &str) -> End {
    End::Close(code, reason.to_owned(), EndCause::ClientLeft)
}

fn errors(id: Box<str>, errors: &[GraphQLError]) -> ServerMessage {
    let errors = serde_json::to_vec(errors).map_or_else(|_| Bytes::from_static(b"[]"), Bytes::from);
    ServerMessage::Error { id, errors }
}
