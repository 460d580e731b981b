//! Configuration of subscriptions at subgraphs. Knows no file and no environment.

use std::fmt;

use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Subscriptions at a subgraph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubscriptionTrafficConfig {
    /// How the subgraph sends its events: `auto` finds it out and remembers it. `websocket` offers both subprotocols,
    /// `graphql-transport-ws` and the older `graphql-ws`; `websocket_legacy` offers the older one alone. `sse` are server-sent events in
    /// distinct connections mode; `multipart` is `multipart/mixed`, with `subscriptionSpec=1.0` or without; with `callback`, the subgraph
    /// calls the router.
    pub protocol: SubscriptionProtocol,
    /// Where the subgraph takes subscriptions, if it is not where it takes queries: a URL (`ws://`, `wss://`, `http://`, `https://`,
    /// `unix://`), or a path (`/subscriptions`) at the subgraph's URLs. With `auto`, a `ws://` or `wss://` URL means a WebSocket.
    pub url: Option<String>,
    /// The maximum number of subscriptions at the subgraph; further ones fail with `SUBREQUEST_OVERLOADED`.
    pub max: usize,
    /// The number of events of one subscription that wait to be taken. Beyond it the oldest is dropped, and clients are told of a gap.
    pub buffer: usize,
    /// The size of the events of one subscription that wait to be taken; one is always kept.
    pub buffer_bytes: ByteSize,
    /// The maximum size of an event. A larger one ends its subscription with `SUBREQUEST_RESPONSE_TOO_LARGE`; on a WebSocket, one that is
    /// four times as large ends the connection.
    pub max_message_bytes: ByteSize,
    /// How often a WebSocket is pinged, and TCP asks after the other machine where nothing else shows that it is there.
    pub ping_interval: Duration,
    /// The time without a sign of life after which a connection is given up as dead. Signs are whatever comes on a WebSocket, such as the
    /// answer to a ping; for the other protocols, events and heartbeats, of subgraphs that send heartbeats.
    pub dead_after: Duration,
    /// The time that a subgraph may take to accept a WebSocket and to acknowledge the connection.
    pub ack_timeout: Duration,
    /// The time after which a WebSocket without subscriptions is closed.
    pub socket_idle: Duration,
    /// What is sent when a WebSocket has been opened: the payload of `connection_init`.
    pub connection_init: InitPayload,
    /// Whether the headers that are forwarded to the subgraph are also members of that payload, beside being sent with the upgrade request.
    pub forward_headers_in_init: bool,
    /// How a lost connection is made again.
    pub reconnect: ReconnectConfig,
    /// The protocol `callback`.
    pub callback: CallbackConfig,
}

/// How a subgraph sends its events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionProtocol {
    /// What works is found out.
    #[default]
    Auto,
    /// A WebSocket.
    Websocket,
    /// A WebSocket with the older subprotocol.
    WebsocketLegacy,
    /// Server-sent events.
    Sse,
    /// Parts of a response.
    Multipart,
    /// The subgraph calls the router.
    Callback,
}

/// How a lost connection is made again, and with it the subscription. Clients are told of a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReconnectConfig {
    /// The number of attempts without success after which a subscription fails; 0: a lost connection ends its subscriptions.
    pub attempts: u32,
    /// The longest pause before the first attempt. It doubles with each attempt; the pause itself is drawn at random below it.
    pub min_delay: Duration,
    /// The longest pause before any attempt.
    pub max_delay: Duration,
    /// The number of connections to the subgraph that are made again in a second; others wait for their turn.
    pub max_per_second: u32,
}

/// The protocol `callback`: the router sends the subscription with an address, and the subgraph sends events there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackConfig {
    /// The URL at which the subgraph reaches this very router, with the path for callbacks: `http://router-1.internal:4000/callback`. The
    /// router answers requests to its path.
    pub public_url: Option<String>,
    /// How often the subgraph shall say that it is still there; `0s`: it need not.
    pub heartbeat: Duration,
}

/// A payload whose values logs don't show.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct InitPayload(pub Map<String, Value>);

impl fmt::Debug for InitPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} secrets]", self.0.len())
    }
}

impl Default for SubscriptionTrafficConfig {
    fn default() -> Self {
        Self {
            protocol: SubscriptionProtocol::Auto,
            url: None,
            max: 50_000,
            buffer: 256,
            buffer_bytes: ByteSize(4 << 20),
            max_message_bytes: ByteSize(4 << 20),
            ping_interval: Duration::seconds(15),
            dead_after: Duration::seconds(30),
            ack_timeout: Duration::seconds(10),
            socket_idle: Duration::seconds(10),
            connection_init: InitPayload::default(),
            forward_headers_in_init: false,
            reconnect: ReconnectConfig::default(),
            callback: CallbackConfig::default(),
        }
    }
}

impl Default for ReconnectConfig {
    fn default() -> Self {
        Self {
            attempts: 20,
            min_delay: Duration(std::time::Duration::from_millis(500)),
            max_delay: Duration::seconds(10),
            max_per_second: 100,
        }
    }
}

impl Default for CallbackConfig {
    fn default() -> Self {
        Self { public_url: None, heartbeat: Duration::seconds(5) }
    }
}
