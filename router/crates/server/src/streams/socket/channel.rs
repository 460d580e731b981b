//! Messages over a WebSocket (RFC 6455). Knows no message.

use std::time::Duration;

use braid_graphql_ws::close;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

/// An open socket.
pub(super) struct Channel(WebSocketStream<TokioIo<Upgraded>>);

/// What comes from a client.
pub(super) enum Incoming {
    /// A message.
    Text(Bytes),
    /// A sign of life.
    Alive,
    /// The client has left.
    Left,
    /// Something that the socket is closed for: the code, and why.
    Invalid(u16, &'static str),
}

/// The client is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone;

/// Larger messages are sent in frames of this size: what a socket has once written it keeps room for.
const FRAME: usize = 16 << 10;

/// The room that a socket keeps for what it reads. A larger message gets its own.
const READ: usize = 2 << 10;

/// The most that may wait to be written: a frame, and answers to pings.
const MOST_UNWRITTEN: usize = 4 * FRAME;

/// How long a client has to take note of a close.
const LINGER: Duration = Duration::from_secs(1);

impl Channel {
    /// The socket of a connection that was upgraded. An idle one keeps little room.
    pub(super) async fn new(connection: Upgraded, max_message: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(0)
            .max_write_buffer_size(MOST_UNWRITTEN)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        Self(WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, Some(config)).await)
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text.into()),
            Some(Ok(Message::Binary(_))) => Incoming::Invalid(close::BAD_REQUEST, "Messages are sent as text."),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Alive,
            Some(Ok(Message::Close(_) | Message::Frame(_))) | None => Incoming::Left,
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Incoming::Invalid(
                close::TOO_BIG,
                "The message is larger than server.streams.websocket.max_message_bytes.",
            ),
            Some(Err(Error::Utf8(_))) => Incoming::Invalid(close::INVALID_DATA, "The message is not UTF-8."),
            Some(Err(Error::Protocol(error))) if !is_end(&error) => {
                Incoming::Invalid(close::PROTOCOL_ERROR, "What was sent is not a WebSocket frame.")
            }
            Some(Err(_)) => Incoming::Left,
        }
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, text: Bytes) -> Result<(), Gone> {
        let mut rest = text;
        let mut code = OpCode::Data(Data::Text);
        loop {
            let piece = rest.split_to(rest.len().min(FRAME));
            let frame = Frame::message(piece, code, rest.is_empty());
            self.0.send(Message::Frame(frame)).await.map_err(|_| Gone)?;
            if rest.is_empty() {
                return Ok(());
            }
            code = OpCode::Data(Data::Continue);
        }
    }

    /// Asks whether the client is there.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        self.0.send(Message::Ping(Bytes::new())).await.map_err(|_| Gone)
    }

    /// Lets a client that has closed the socket know that it is closed: otherwise it would look as if it had broken.
    pub(super) async fn leave(mut self) {
        let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = self.0.next().await {} }).await;
    }

    /// Closes the socket, and gives the client time to read why: a connection that is dropped while something comes in is reset, and takes
    /// what was sent with it.
    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: close::reason(reason).into() };
        if self.0.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        let _ = tokio::time::timeout(LINGER, async {
            while let Some(Ok(_)) = self.0.next().await {}
            let connection = self.0.get_mut();
            if connection.shutdown().await.is_ok() {
                let mut ignored = [0; 1024];
                while matches!(connection.read(&mut ignored).await, Ok(1..)) {}
            }
        })
        .await;
    }
}

/// Whether a connection has ended, and has not said anything wrong.
fn is_end(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError::{ReceivedAfterClosing, ResetWithoutClosingHandshake};
    matches!(error, ReceivedAfterClosing | ResetWithoutClosingHandshake)
}
