//! What can be set about streams to clients. Knows no file and no environment.

use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Responses that are streams: the events of a subscription. They are counted apart from requests: an open stream is no request in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StreamsConfig {
    /// The maximum number of open streams; further ones are refused with STREAM_LIMIT_REACHED.
    pub max: usize,
    /// The maximum number of open streams of one client, who is known by their identity, else by their address; further ones are refused
    /// with CLIENT_STREAM_LIMIT_REACHED.
    pub max_per_client: Option<usize>,
    /// The longest time a stream can last; then it ends with SUBSCRIPTION_MAX_DURATION.
    pub max_duration: Option<Duration>,
    /// The longest time without an event; then the stream ends with SUBSCRIPTION_IDLE. A WebSocket on which nothing runs for so long is
    /// closed.
    pub idle_timeout: Option<Duration>,
    /// The time without an event after which a stream over HTTP gets a sign of life.
    pub heartbeat: Duration,
    /// WebSockets.
    pub websocket: WebSocketConfig,
}

/// WebSockets on the path of the endpoint, with the subprotocol `graphql-transport-ws` or the older `graphql-ws`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocketConfig {
    /// Whether clients can open WebSockets.
    pub enabled: bool,
    /// The time for a client to send connection_init; then the socket is closed with 4408.
    pub init_timeout: Duration,
    /// The maximum size of a message from a client; the socket of a larger one is closed with 1009.
    pub max_message_bytes: ByteSize,
    /// The maximum number of operations that run on one socket; further ones are refused with SOCKET_OPERATION_LIMIT_REACHED.
    pub max_operations: usize,
    /// How often a client is asked whether it is there.
    pub ping_interval: Duration,
    /// The time without a sign of life after which a client is gone.
    pub ping_timeout: Duration,
    /// The headers that a client can give in the payload of connection_init, for header rules: browsers can't set headers of a WebSocket. They
    /// replace those of the upgrade request.
    pub init_headers: Vec<String>,
}

impl Default for StreamsConfig {
    fn default() -> Self {
        Self {
            max: 50_000,
            max_per_client: None,
            max_duration: None,
            idle_timeout: None,
            heartbeat: Duration::seconds(5),
            websocket: WebSocketConfig::default(),
        }
    }
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            init_timeout: Duration::seconds(10),
            max_message_bytes: ByteSize(256 << 10),
            max_operations: 100,
            ping_interval: Duration::seconds(15),
            ping_timeout: Duration::seconds(30),
            init_headers: Vec::new(),
        }
    }
}
