//! Subscriptions at one subgraph: each protocol opens a [`Source`] of events, and [`live`] goes from one to the next when a connection is
//! lost. Knows no plan and no client.
//!
//! ```text
//! Subgraph ──▶ live ──▶ Subscriber ──▶ http (sse, multipart) ┐
//!               └─ pace   (by protocol) ├▶ sockets ▶ socket  ├──▶ Queue ──▶ Source
//!                                       └▶ callback          ┘
//! ```
//!
//! Whoever reads from a connection never waits for who takes events: a queue holds a bounded number, and drops the oldest.

pub(crate) mod callback;
mod connection;
mod error;
mod handshake;
mod heartbeats;
mod http;
mod limits;
pub(crate) mod live;
mod multipart;
mod pace;
mod parse;
mod place;
mod queue;
mod socket;
mod sockets;
mod source;
mod sse;
mod urls;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use braid_executor::SubgraphError;
use braid_graphql_ws::Subprotocol;
use braid_net::{Client, Dialer, UrlError, chain};
use braid_request_context::request_id::RequestId;
use braid_telemetry::metrics::UpstreamMetrics;
use braid_telemetry::otlp::Span;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::claims::with_extensions;
use crate::config::{SubscriptionProtocol, SubscriptionTrafficConfig, Traffic};
use callback::Callbacks;
use connection::Observer;
use handshake::Handshake;
use heartbeats::Heartbeats;
use http::{Answer, Posting, Reading, post};
use limits::Limits;
use pace::Pace;
use place::Places;
use queue::Queue;
use socket::SocketSettings;
use sockets::{Identity, Sockets};
use source::Source;

/// What subscribes at a subgraph.
#[derive(Debug)]
pub(crate) struct Subscriber {
    config: SubscriptionTrafficConfig,
    /// The time to the head of a response.
    time: Duration,
    reading: Reading,
    pace: Arc<Pace>,
    places: Arc<Places>,
    callbacks: Arc<Callbacks>,
    /// Made when they are needed: most subgraphs have no subscriptions.
    transports: OnceLock<Result<Transports, String>>,
    settings: (Vec<String>, Traffic),
    /// With `auto`, what has worked.
    worked: AtomicU8,
}

#[derive(Debug)]
struct Transports {
    /// One for each URL, with connections of their own: those of requests are limited, and streams would keep them.
    clients: Vec<Client>,
    sockets: Sockets,
}

/// A subscription as it is sent.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The body, without extensions.
    pub(crate) body: Bytes,
    pub(crate) extensions: Map<String, Value>,
    /// The headers that are forwarded.
    pub(crate) headers: HeaderMap,
    /// Of the request that subscribes. A WebSocket, which several share, has it not.
    pub(crate) id: RequestId,
    /// All that the subgraph sees of the client.
    pub(crate) seen: Vec<u8>,
}

/// How a subscription is opened.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) asked: &'a Asked,
    /// The number of the subgraph's URL.
    pub(crate) url: usize,
    /// Whether its connection was lost.
    pub(crate) was_lost: bool,
    pub(crate) span: Option<&'a Span>,
}

const NOTHING: u8 = 0;
const HTTP: u8 = 1;
const WEBSOCKET: u8 = 2;

const SSE: &str = "text/event-stream, application/graphql-response+json;q=0.9, application/json;q=0.8";
const MULTIPART: &str = "multipart/mixed;subscriptionSpec=1.0, multipart/mixed;q=0.9, \
     application/graphql-response+json;q=0.8, application/json;q=0.7";
const EITHER: &str = "text/event-stream, multipart/mixed;subscriptionSpec=1.0;q=0.9, \
     application/graphql-response+json;q=0.8, application/json;q=0.7";
const CALLBACK: &str = "application/json;callbackSpec=1.0, application/json;q=0.9";

impl Subscriber {
    pub(crate) fn new(
        subgraph: &str,
        urls: &[String],
        traffic: &Traffic,
        metrics: UpstreamMetrics,
        callbacks: Arc<Callbacks>,
    ) -> Self {
        let config = traffic.subscriptions.clone();
        if let Some(public_url) = &config.callback.public_url {
            callbacks.listen(public_url, config.max_message_bytes.0);
        }
        let reading = Reading {
            limits: Limits::new(&config, metrics.dropped.clone()),
            dead_after: config.dead_after.0,
            heartbeats: Arc::new(Heartbeats::default()),
            observer: Observer { subgraph: subgraph.into(), metrics },
        };
        Self {
            time: traffic.first_byte_timeout,
            reading,
            pace: Arc::new(Pace::new(&config.reconnect)),
            places: Arc::new(Places::new(config.max)),
            callbacks,
            transports: OnceLock::new(),
            settings: (urls.to_vec(), traffic.clone()),
            worked: AtomicU8::new(NOTHING),
            config,
        }
    }

    /// Subscribes once.
    pub(crate) async fn open(&self, opening: Opening<'_>) -> Result<Source, SubgraphError> {
        let transports = self.transports.get_or_init(|| self.transports().map_err(|error| chain(&error)));
        let transports = transports.as_ref().map_err(|message| error::refused(message.clone()))?;
        match self.config.protocol {
            SubscriptionProtocol::Auto => self.auto(transports, opening).await,
            SubscriptionProtocol::Websocket | SubscriptionProtocol::WebsocketLegacy => {
                self.websocket(transports, opening).await
            }
            SubscriptionProtocol::Sse => events(self.post(transports, opening, SSE).await?),
            SubscriptionProtocol::Multipart => events(self.post(transports, opening, MULTIPART).await?),
            SubscriptionProtocol::Callback => self.callback(transports, opening).await,
        }
    }

    fn transports(&self) -> Result<Transports, UrlError> {
        let (urls, traffic) = &self.settings;
        let urls = urls::for_subscriptions(urls, self.config.url.as_deref());
        let mut client = traffic.client.clone();
        client.keepalive = self.config.ping_interval.0;
        // A stream gets a new connection: it is worth it, and one that was idle may be gone.
        client.max_idle_connections = 0;
        let subprotocols: &[_] = match self.config.protocol {
            SubscriptionProtocol::WebsocketLegacy => &[Subprotocol::Legacy],
            _ => &Subprotocol::ALL,
        };
        let handshake = Handshake {
            dialers: urls.iter().map(|url| Dialer::new(url, &client)).collect::<Result<_, _>>()?,
            subprotocols,
            init: self.config.connection_init.0.clone(),
            headers_in_init: self.config.forward_headers_in_init,
            connect_timeout: client.connect_timeout,
            ack_timeout: self.config.ack_timeout.0,
            max_event: self.config.max_message_bytes.0,
        };
        let settings = SocketSettings {
            handshake,
            limits: self.reading.limits.clone(),
            ping_interval: self.config.ping_interval.0,
            dead_after: self.config.dead_after.0,
            idle: self.config.socket_idle.0,
            observer: self.reading.observer.clone(),
        };
        Ok(Transports {
            clients: urls.iter().map(|url| Client::new(url, &client)).collect::<Result<_, _>>()?,
            sockets: Sockets::new(settings, self.pace.clone()),
        })
    }

    async fn websocket(&self, transports: &Transports, opening: Opening<'_>) -> Result<Source, SubgraphError> {
        let Opening { asked, url, was_lost, .. } = opening;
        let url = url.min(transports.clients.len() - 1);
        let identity = Identity { url, seen: asked.seen.clone() };
        transports.sockets.subscribe(identity, &asked.headers, &asked.whole(None), was_lost).await
    }

    async fn post(
        &self,
        transports: &Transports,
        opening: Opening<'_>,
        accept: &'static str,
    ) -> Result<Answer, SubgraphError> {
        self.send(transports, opening, accept, None).await
    }

    async fn send(
        &self,
        transports: &Transports,
        opening: Opening<'_>,
        accept: &'static str,
        extension: Option<Value>,
    ) -> Result<Answer, SubgraphError> {
        let Opening { asked, url, was_lost, span } = opening;
        if was_lost {
            tokio::time::sleep_until(self.pace.turn()).await;
        }
        let client = &transports.clients[url.min(transports.clients.len() - 1)];
        let mut headers = asked.headers.clone();
        asked.id.write_request(&mut headers);
        if let Some(span) = span {
            span.context().write(&mut headers);
        }
        let body = asked.whole(extension);
        post(Posting { client, headers, body, accept, time: self.time }, &self.reading).await
    }

    async fn callback(&self, transports: &Transports, opening: Opening<'_>) -> Result<Source, SubgraphError> {
        let config = &self.config.callback;
        let Some(public_url) = &config.public_url else {
            return Err(error::refused("subscriptions.callback.public_url is not set".to_owned()));
        };
        let queue = Arc::new(Queue::new(self.reading.limits.clone()));
        let call = self.callbacks.expect(queue.clone())?;
        let extension = call.extension(public_url, config.heartbeat.0);
        match self.send(transports, opening, CALLBACK, Some(extension)).await? {
            // What it has sent is the answer to a request that it took for another one.
            Answer::Events(source) => Ok(source),
            Answer::Whole(status, body) if !status.is_success() || has_errors(&body) => {
                events(Answer::Whole(status, body))
            }
            Answer::Whole(..) if !call.is_checked() => {
                let message = format!(
                    "the subgraph did not call {public_url}: it must speak the callback protocol 1.0 and reach this router"
                );
                Err(error::refused(message))
            }
            Answer::Whole(..) => {
                let silence = (!config.heartbeat.0.is_zero()).then_some(self.config.dead_after.0);
                Ok(Source::new(queue, call).with_silence(silence))
            }
        }
    }

    /// Finds out what works. A subgraph that answers with events over HTTP is asked so; otherwise a WebSocket is tried.
    async fn auto(&self, transports: &Transports, opening: Opening<'_>) -> Result<Source, SubgraphError> {
        let is_websocket = self.config.url.as_deref().is_some_and(urls::is_websocket);
        if is_websocket {
            return self.websocket(transports, opening).await;
        }
        match self.worked.load(Ordering::Relaxed) {
            HTTP => {
                let answer = self.post(transports, opening, EITHER).await;
                if answer.as_ref().is_err_and(|error| !error.retryable) {
                    self.worked.store(NOTHING, Ordering::Relaxed);
                }
                return events(answer?);
            }
            WEBSOCKET => {
                let source = self.websocket(transports, opening).await;
                if source.as_ref().is_err_and(|error| !error.retryable) {
                    self.worked.store(NOTHING, Ordering::Relaxed);
                }
                return source;
            }
            _ => {}
        }
        let over_http = match self.post(transports, opening, EITHER).await {
            Ok(Answer::Events(source)) => {
                self.worked.store(HTTP, Ordering::Relaxed);
                return Ok(source);
            }
            Ok(Answer::Whole(status, body)) => events(Answer::Whole(status, body)),
            // There is nobody to be asked otherwise.
            Err(error) if error.retryable => return Err(error),
            Err(error) => Err(error),
        };
        match self.websocket(transports, opening).await {
            Ok(source) => {
                self.worked.store(WEBSOCKET, Ordering::Relaxed);
                Ok(source)
            }
            Err(other) => over_http.map_err(|mut error| {
                error.message = format!("over HTTP: {}; over a WebSocket: {other}", error.message);
                error
            }),
        }
    }
}

impl Asked {
    /// The body with all extensions.
    fn whole(&self, subscription: Option<Value>) -> Bytes {
        let mut extensions = self.extensions.clone();
        extensions.extend(subscription.map(|told| ("subscription".to_owned(), told)));
        with_extensions(&self.body, extensions)
    }
}

/// The events of an answer: a whole response is the only one, and a refusal if it has no data.
fn events(answer: Answer) -> Result<Source, SubgraphError> {
    match answer {
        Answer::Events(source) => Ok(source),
        Answer::Whole(status, _) if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            Err(error::lost(format!("the response is {status}")))
        }
        Answer::Whole(_, body) if is_response(&body) => Ok(Source::answered(body)),
        Answer::Whole(status, _) => {
            Err(error::malformed(format!("the response, {status}, is JSON, but neither events nor a GraphQL response")))
        }
    }
}

/// The members of a GraphQL response.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

fn is_response(body: &[u8]) -> bool {
    serde_json::from_slice::<Members<'_>>(body).is_ok_and(|body| body.data.is_some() || body.errors.is_some())
}

fn has_errors(body: &[u8]) -> bool {
    serde_json::from_slice::<Members<'_>>(body).is_ok_and(|body| body.errors.is_some())
}
