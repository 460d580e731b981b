//! Opens a WebSocket to a subgraph: a connection, the upgrade with the client's headers, the negotiation of the subprotocol, and the
//! acknowledgement. Knows no subscription.

use std::time::Duration;

use braid_executor::SubgraphError;
use braid_graphql_ws::{ClientMessage, ServerMessage, Subprotocol};
use braid_net::{Dialer, chain};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Uri};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::error;

/// A WebSocket over any connection.
pub(crate) type WebSocket = WebSocketStream<Box<dyn Transport>>;

/// A connection.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// How sockets to a subgraph are opened.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// One for each URL.
    pub(crate) dialers: Vec<Dialer>,
    /// What is offered, the best first.
    pub(crate) subprotocols: &'static [Subprotocol],
    /// The payload of `connection_init`.
    pub(crate) init: Map<String, Value>,
    /// Whether headers are added to it.
    pub(crate) headers_in_init: bool,
    /// The time to open a connection.
    pub(crate) connect_timeout: Duration,
    /// The time for the upgrade, and again for the acknowledgement.
    pub(crate) ack_timeout: Duration,
    /// The size of an event.
    pub(crate) max_event: usize,
}

impl Handshake {
    /// The size of a message that is still read, so that its subscription alone ends.
    pub(crate) fn max_message(&self) -> usize {
        self.max_event.saturating_mul(4)
    }

    /// Opens a socket that subscriptions can be made on.
    pub(crate) async fn open(
        &self,
        url: usize,
        headers: &HeaderMap,
    ) -> Result<(WebSocket, Subprotocol), SubgraphError> {
        let Some(dialer) = self.dialers.get(url) else {
            return Err(error::refused("the subgraph has no such URL".to_owned()));
        };
        // TLS takes part of the second.
        let dialed = timeout(self.connect_timeout + self.ack_timeout, dialer.dial()).await;
        let dialed = dialed.map_err(|_| error::timeout("no connection could be opened in time".to_owned()))?;
        let stream = dialed.map_err(|error| error::lost(format!("no connection could be opened: {error}")))?;
        let request = self.request(dialer, headers)?;
        let upgrade = client_async_with_config(request, Box::new(stream) as Box<dyn Transport>, Some(self.config()));
        let upgraded = timeout(self.ack_timeout, upgrade).await;
        let upgraded = upgraded.map_err(|_| error::timeout("the WebSocket was not accepted in time".to_owned()))?;
        let (mut socket, response) = upgraded.map_err(|problem| not_upgraded(&problem))?;
        let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|name| name.to_str().ok());
        let Some(subprotocol) = chosen.and_then(Subprotocol::named) else {
            return Err(error::refused("the subgraph chose none of the WebSocket's subprotocols".to_owned()));
        };
        let acknowledged = timeout(self.ack_timeout, self.begin(&mut socket, subprotocol, headers)).await;
        acknowledged.map_err(|_| {
            error::timeout("the WebSocket was not acknowledged in time (subscriptions.ack_timeout)".to_owned())
        })??;
        Ok((socket, subprotocol))
    }

    fn config(&self) -> WebSocketConfig {
        // A socket is silent most of the time, and there may be many.
        WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            // Room for the largest request of a client, and for answers to pings.
            .max_write_buffer_size(16 << 20)
            .max_message_size(Some(self.max_message()))
            .max_frame_size(Some(self.max_message()))
    }

    fn request(&self, dialer: &Dialer, headers: &HeaderMap) -> Result<Request<()>, SubgraphError> {
        let path = dialer.address().path_and_query().map_or("/", |path| path.as_str());
        // The host is in the header; the library looks at the scheme alone.
        let uri = Uri::builder().scheme("ws").authority("subgraph").path_and_query(path).build();
        let mut request = Request::new(());
        *request.uri_mut() = uri.map_err(|error| error::refused(chain(&error)))?;
        let names: Vec<_> = self.subprotocols.iter().map(|subprotocol| subprotocol.name()).collect();
        let own = [
            (header::HOST, Ok(dialer.host().clone())),
            (header::CONNECTION, Ok(HeaderValue::from_static("Upgrade"))),
            (header::UPGRADE, Ok(HeaderValue::from_static("websocket"))),
            (header::SEC_WEBSOCKET_VERSION, Ok(HeaderValue::from_static("13"))),
            (header::SEC_WEBSOCKET_KEY, HeaderValue::try_from(generate_key())),
            (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::try_from(names.join(", "))),
        ];
        let request_headers = request.headers_mut();
        *request_headers = headers.clone();
        for (name, value) in own {
            request_headers.insert(name, value.map_err(|error| error::refused(chain(&error)))?);
        }
        request_headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
        Ok(request)
    }

    async fn begin(
        &self,
        socket: &mut WebSocket,
        subprotocol: Subprotocol,
        headers: &HeaderMap,
    ) -> Result<(), SubgraphError> {
        let lost = |problem: &tungstenite::Error| error::lost(chain(problem));
        let init = ClientMessage::Init(self.payload(headers)).write(subprotocol).map(Utf8Bytes::try_from);
        if let Some(Ok(init)) = init {
            socket.send(Message::Text(init)).await.map_err(|problem| lost(&problem))?;
        }
        loop {
            let text: Bytes = match socket.next().await {
                Some(Ok(Message::Text(text))) => text.into(),
                Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
                Some(Ok(_)) => continue,
                Some(Err(problem)) => return Err(lost(&problem)),
                None => return Err(error::lost("the WebSocket ended before it was acknowledged".to_owned())),
            };
            match ServerMessage::parse(subprotocol, &text) {
                Ok(ServerMessage::Ack(_)) => return Ok(()),
                Ok(ServerMessage::Refused(payload)) => return Err(refused(&payload)),
                Ok(ServerMessage::Ping(payload)) => {
                    if let Some(Ok(pong)) = ClientMessage::Pong(payload).write(subprotocol).map(Utf8Bytes::try_from) {
                        socket.send(Message::Text(pong)).await.map_err(|problem| lost(&problem))?;
                    }
                }
                Ok(ServerMessage::KeepAlive | ServerMessage::Pong(_)) => {}
                Ok(_) => return Err(error::malformed("a message came before the acknowledgement".to_owned())),
                Err(problem) => return Err(error::malformed(problem.to_string())),
            }
        }
    }

    fn payload(&self, headers: &HeaderMap) -> Option<Bytes> {
        let mut payload = self.init.clone();
        if self.headers_in_init {
            for (name, value) in headers {
                let Ok(value) = value.to_str() else { continue };
                // A header that occurs several times is as good as one with the values in a row.
                let member = payload.entry(name.as_str()).or_insert(Value::Null);
                *member = match member.as_str() {
                    Some(before) if !self.init.contains_key(name.as_str()) => format!("{before}, {value}").into(),
                    _ => value.into(),
                };
            }
        }
        (!payload.is_empty()).then(|| Value::Object(payload).to_string().into())
    }
}

fn not_upgraded(problem: &tungstenite::Error) -> SubgraphError {
    match problem {
        tungstenite::Error::Http(response) => {
            let message = format!("the WebSocket was not accepted: the response is {}", response.status());
            match response.status().is_server_error() && response.status() != http::StatusCode::NOT_IMPLEMENTED {
                true => error::lost(message),
                false => error::refused(message),
            }
        }
        tungstenite::Error::Io(_) => error::lost(chain(problem)),
        // HTTP that is none, another subprotocol, and the like.
        _ => error::refused(format!("the WebSocket was not accepted: {}", chain(problem))),
    }
}

/// The subgraph has refused the connection with this payload.
pub(crate) fn refused(payload: &[u8]) -> SubgraphError {
    let message: Value = serde_json::from_slice(payload).unwrap_or_default();
    let said = message["message"].as_str().unwrap_or_default();
    error::refused(format!("the subgraph refused the connection: {}", shortened(said)))
}

/// The subgraph has closed the socket. Some codes say that another socket would be closed too.
pub(crate) fn closed(frame: Option<CloseFrame>) -> SubgraphError {
    let Some(CloseFrame { code, reason }) = frame else {
        return error::lost("the subgraph closed the WebSocket".to_owned());
    };
    let code = u16::from(code);
    let message = format!("the subgraph closed the WebSocket with {code} {}", shortened(&reason));
    // 1003, 1007 to 1010: it can't take what was sent. 4004, 4005, 44xx and 4500 are of the subprotocols.
    match code {
        1003 | 1007..=1010 | 4004 | 4005 | 4400..=4499 | 4500 => error::refused(message),
        _ => error::lost(message),
    }
}

fn shortened(text: &str) -> &str {
    text.split_at_checked(200).map_or(text, |(start, _)| start)
}
