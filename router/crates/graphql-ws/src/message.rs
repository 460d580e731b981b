//! The messages. Those of the two subprotocols differ in names, which are all here.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Subprotocol;
use crate::Subprotocol::{Legacy, TransportWs};

/// What a client sends. Payloads are JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// Begins: `connection_init`.
    Init(Option<Bytes>),
    /// Begins an operation: `subscribe`, or `start`. The payload is a GraphQL request.
    Subscribe {
        /// What the client calls the operation.
        id: Box<str>,
        /// The request.
        payload: Bytes,
    },
    /// Ends an operation: `complete`, or `stop`.
    Complete {
        /// What the client calls the operation.
        id: Box<str>,
    },
    /// Asks whether the server is there. Not in the older subprotocol.
    Ping(Option<Bytes>),
    /// The client is there. Not in the older subprotocol.
    Pong(Option<Bytes>),
    /// Ends the connection: `connection_terminate`, of the older subprotocol alone.
    Terminate,
}

/// What a server sends. Payloads are JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage {
    /// The connection may be used: `connection_ack`.
    Ack(Option<Bytes>),
    /// The connection is refused: `connection_error`, of the older subprotocol alone. The payload is an object with a `message`.
    Refused(Bytes),
    /// A response of an operation: `next`, or `data`.
    Next {
        /// What the client calls the operation.
        id: Box<str>,
        /// The response.
        payload: Bytes,
    },
    /// The operation is refused, or has failed. Nothing more comes of it.
    Error {
        /// What the client calls the operation.
        id: Box<str>,
        /// The GraphQL errors, an array. The older subprotocol sends the first of them.
        errors: Bytes,
    },
    /// The operation has ended: `complete`.
    Complete {
        /// What the client calls the operation.
        id: Box<str>,
    },
    /// Asks whether the client is there. Not in the older subprotocol.
    Ping(Option<Bytes>),
    /// The server is there. Not in the older subprotocol.
    Pong(Option<Bytes>),
    /// The server is there: `ka`, of the older subprotocol alone.
    KeepAlive,
}

/// Why a message can't be read. The text fits into the reason of a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// It is not JSON, or no object with a `type`, or a member has a value of the wrong kind.
    #[error("The message is not a JSON object with a \"type\", and perhaps an \"id\" and a \"payload\".")]
    Malformed,
    /// The subprotocol has no such message.
    #[error("The message is of a type that this subprotocol does not have.")]
    UnknownType,
    /// The `id` is missing or empty.
    #[error("The message has no \"id\".")]
    NoId,
    /// The `payload` is missing.
    #[error("The message has no \"payload\".")]
    NoPayload,
    /// The `payload` is something else than an object, or, for errors, than an array.
    #[error("The \"payload\" of the message is of the wrong kind.")]
    InvalidPayload,
}

impl ClientMessage {
    /// Reads the text of a message. Payloads share its memory.
    pub fn parse(subprotocol: Subprotocol, text: &Bytes) -> Result<Self, InvalidMessage> {
        let read = Envelope::read(text)?;
        Ok(match (&*read.kind, subprotocol) {
            ("connection_init", _) => Self::Init(read.object(text)?),
            ("subscribe", TransportWs) | ("start", Legacy) => {
                let payload = read.object(text)?.ok_or(InvalidMessage::NoPayload)?;
                Self::Subscribe { id: read.id()?, payload }
            }
            ("complete", TransportWs) | ("stop", Legacy) => Self::Complete { id: read.id()? },
            ("ping", TransportWs) => Self::Ping(read.object(text)?),
            ("pong", TransportWs) => Self::Pong(read.object(text)?),
            ("connection_terminate", Legacy) => Self::Terminate,
            _ => return Err(InvalidMessage::UnknownType),
        })
    }

    /// The text of the message; `None` if the subprotocol does not have it.
    pub fn write(&self, subprotocol: Subprotocol) -> Option<Bytes> {
        Some(match (self, subprotocol) {
            (Self::Init(payload), _) => text("connection_init", None, payload.as_ref()),
            (Self::Subscribe { id, payload }, TransportWs) => text("subscribe", Some(id), Some(payload)),
            (Self::Subscribe { id, payload }, Legacy) => text("start", Some(id), Some(payload)),
            (Self::Complete { id }, TransportWs) => text("complete", Some(id), None),
            (Self::Complete { id }, Legacy) => text("stop", Some(id), None),
            (Self::Ping(payload), TransportWs) => text("ping", None, payload.as_ref()),
            (Self::Pong(payload), TransportWs) => text("pong", None, payload.as_ref()),
            (Self::Terminate, Legacy) => text("connection_terminate", None, None),
            (Self::Ping(_) | Self::Pong(_), Legacy) | (Self::Terminate, TransportWs) => return None,
        })
    }
}

impl ServerMessage {
    /// Reads the text of a message. Payloads share its memory, but for errors of the older subprotocol.
    pub fn parse(subprotocol: Subprotocol, text: &Bytes) -> Result<Self, InvalidMessage> {
        let read = Envelope::read(text)?;
        Ok(match (&*read.kind, subprotocol) {
            ("connection_ack", _) => Self::Ack(read.object(text)?),
            ("connection_error", Legacy) => Self::Refused(read.payload(text).ok_or(InvalidMessage::NoPayload)?),
            ("next", TransportWs) | ("data", Legacy) => {
                let payload = read.object(text)?.ok_or(InvalidMessage::NoPayload)?;
                Self::Next { id: read.id()?, payload }
            }
            ("error", _) => Self::Error { id: read.id()?, errors: read.errors(subprotocol, text)? },
            ("complete", _) => Self::Complete { id: read.id()? },
            ("ping", TransportWs) => Self::Ping(read.object(text)?),
            ("pong", TransportWs) => Self::Pong(read.object(text)?),
            ("ka", Legacy) => Self::KeepAlive,
            _ => return Err(InvalidMessage::UnknownType),
        })
    }

    /// The text of the message; `None` if the subprotocol does not have it.
    pub fn write(&self, subprotocol: Subprotocol) -> Option<Bytes> {
        Some(match (self, subprotocol) {
            (Self::Ack(payload), _) => text("connection_ack", None, payload.as_ref()),
            (Self::Refused(payload), Legacy) => text("connection_error", None, Some(payload)),
            (Self::Next { id, payload }, TransportWs) => text("next", Some(id), Some(payload)),
            (Self::Next { id, payload }, Legacy) => text("data", Some(id), Some(payload)),
            (Self::Error { id, errors }, TransportWs) => text("error", Some(id), Some(errors)),
            (Self::Error { id, errors }, Legacy) => text("error", Some(id), Some(&first(errors))),
            (Self::Complete { id }, _) => text("complete", Some(id), None),
            (Self::Ping(payload), TransportWs) => text("ping", None, payload.as_ref()),
            (Self::Pong(payload), TransportWs) => text("pong", None, payload.as_ref()),
            (Self::KeepAlive, Legacy) => text("ka", None, None),
            (Self::Refused(_) | Self::KeepAlive, TransportWs) | (Self::Ping(_) | Self::Pong(_), Legacy) => return None,
        })
    }
}

/// A message as it stands in its text.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(text: &'a [u8]) -> Result<Self, InvalidMessage> {
        serde_json::from_slice(text).map_err(|_| InvalidMessage::Malformed)
    }

    fn id(&self) -> Result<Box<str>, InvalidMessage> {
        let id = self.id.as_deref().filter(|id| !id.is_empty());
        id.map(Into::into).ok_or(InvalidMessage::NoId)
    }

    fn payload(&self, text: &Bytes) -> Option<Bytes> {
        let payload = self.payload.filter(|payload| payload.get() != "null")?;
        Some(text.slice_ref(payload.get().as_bytes()))
    }

    fn object(&self, text: &Bytes) -> Result<Option<Bytes>, InvalidMessage> {
        match self.payload(text) {
            Some(payload) if payload.first() != Some(&b'{') => Err(InvalidMessage::InvalidPayload),
            payload => Ok(payload),
        }
    }

    /// Servers of the older subprotocol send one error, or, though it is not written anywhere, several.
    fn errors(&self, subprotocol: Subprotocol, text: &Bytes) -> Result<Bytes, InvalidMessage> {
        let payload = self.payload(text).ok_or(InvalidMessage::NoPayload)?;
        match (payload.first(), subprotocol) {
            (Some(b'['), _) => Ok(payload),
            (Some(b'{'), Legacy) => Ok([b"[", &payload[..], b"]"].concat().into()),
            _ => Err(InvalidMessage::InvalidPayload),
        }
    }
}

/// The first of an array of errors.
fn first(errors: &Bytes) -> Bytes {
    let all: Vec<&RawValue> = serde_json::from_slice(errors).unwrap_or_default();
    let first = all.first().map(|first| errors.slice_ref(first.get().as_bytes()));
    first.unwrap_or_else(|| Bytes::from_static(br#"{"message":"The operation has failed."}"#))
}

fn text(kind: &str, id: Option<&str>, payload: Option<&Bytes>) -> Bytes {
    let mut out = Vec::with_capacity(48 + kind.len() + id.map_or(0, str::len) + payload.map_or(0, Bytes::len));
    out.extend_from_slice(br#"{"type":""#);
    out.extend_from_slice(kind.as_bytes());
    out.push(b'"');
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        // A string can always be written, and to memory.
        let _ = serde_json::to_writer(&mut out, id);
    }
    if let Some(payload) = payload {
        out.extend_from_slice(br#","payload":"#);
        out.extend_from_slice(payload);
    }
    out.push(b'}');
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[test]
    fn messages_of_clients_are_read_as_they_are_written() {
        let (id, payload): (Box<str>, Bytes) = ("a\"1".into(), bytes(r#"{"query":"{a}"}"#));
        let both = [
            ClientMessage::Init(None),
            ClientMessage::Init(Some(bytes("{}"))),
            ClientMessage::Subscribe { id: id.clone(), payload },
            ClientMessage::Complete { id },
        ];
        for subprotocol in Subprotocol::ALL {
            for message in &both {
                let text = message.write(subprotocol).unwrap();
                assert_eq!(ClientMessage::parse(subprotocol, &text).as_ref(), Ok(message));
            }
        }
        for (message, subprotocol, other) in [
            (ClientMessage::Ping(None), TransportWs, Legacy),
            (ClientMessage::Pong(Some(bytes(r#"{"a":1}"#))), TransportWs, Legacy),
            (ClientMessage::Terminate, Legacy, TransportWs),
        ] {
            let text = message.write(subprotocol).unwrap();
            assert_eq!(ClientMessage::parse(subprotocol, &text), Ok(message.clone()));
            assert_eq!(ClientMessage::parse(other, &text), Err(InvalidMessage::UnknownType));
            assert_eq!(message.write(other), None);
        }
    }

    #[test]
    fn messages_of_servers_are_read_as_they_are_written() {
        let id: Box<str> = "1".into();
        let both = [
            ServerMessage::Ack(None),
            ServerMessage::Next { id: id.clone(), payload: bytes(r#"{"data":null}"#) },
            ServerMessage::Error { id: id.clone(), errors: bytes(r#"[{"message":"no"}]"#) },
            ServerMessage::Complete { id },
        ];
        for subprotocol in Subprotocol::ALL {
            for message in &both {
                let text = message.write(subprotocol).unwrap();
                assert_eq!(ServerMessage::parse(subprotocol, &text).as_ref(), Ok(message));
            }
        }
        for (message, subprotocol, other) in [
            (ServerMessage::Ping(None), TransportWs, Legacy),
            (ServerMessage::Pong(None), TransportWs, Legacy),
            (ServerMessage::KeepAlive, Legacy, TransportWs),
            (ServerMessage::Refused(bytes(r#"{"message":"no"}"#)), Legacy, TransportWs),
        ] {
            let text = message.write(subprotocol).unwrap();
            assert_eq!(ServerMessage::parse(subprotocol, &text), Ok(message.clone()));
            assert_eq!(message.write(other), None);
        }
    }

    #[test]
    fn the_older_subprotocol_sends_one_error() {
        let errors = bytes(r#"[{"message":"a","path":[1]},{"message":"b"}]"#);
        let message = ServerMessage::Error { id: "1".into(), errors };
        let text = message.write(Legacy).unwrap();
        assert_eq!(text, r#"{"type":"error","id":"1","payload":{"message":"a","path":[1]}}"#);
        let none = ServerMessage::Error { id: "1".into(), errors: bytes("[]") }.write(Legacy).unwrap();
        assert!(matches!(ServerMessage::parse(Legacy, &none), Ok(ServerMessage::Error { .. })));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        use InvalidMessage::{InvalidPayload, Malformed, NoId, NoPayload, UnknownType};
        for (text, expected) in [
            ("", Malformed),
            (r#"{"type":"subscribe""#, Malformed),
            ("[]", Malformed),
            (r#"{"id":"1"}"#, Malformed),
            (r#"{"type":1}"#, Malformed),
            (r#"{"type":"ping","type":"pong"}"#, Malformed),
            (r#"{"type":"subscribe","id":1,"payload":{}}"#, Malformed),
            (r#"{"type":"start","id":"1","payload":{}}"#, UnknownType),
            (r#"{"type":"next","id":"1","payload":{}}"#, UnknownType),
            (r#"{"type":"subscribe","payload":{}}"#, NoId),
            (r#"{"type":"subscribe","id":"","payload":{}}"#, NoId),
            (r#"{"type":"complete"}"#, NoId),
            (r#"{"type":"subscribe","id":"1"}"#, NoPayload),
            (r#"{"type":"subscribe","id":"1","payload":null}"#, NoPayload),
            (r#"{"type":"subscribe","id":"1","payload":[]}"#, InvalidPayload),
            (r#"{"type":"connection_init","payload":"token"}"#, InvalidPayload),
            (r#"{"type":"ping","payload":1}"#, InvalidPayload),
        ] {
            assert_eq!(ClientMessage::parse(TransportWs, &bytes(text)), Err(expected), "{text}");
            assert!(expected.to_string().len() <= crate::close::MAX_REASON);
        }
        let not_utf8 = Bytes::from_static(b"{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}");
        assert_eq!(ClientMessage::parse(TransportWs, &not_utf8), Err(Malformed));
        for text in
            [r#"{"type":"error","id":"1","payload":{"message":"a"}}"#, r#"{"type":"next","id":"1","payload":1}"#]
        {
            assert_eq!(ServerMessage::parse(TransportWs, &bytes(text)), Err(InvalidPayload), "{text}");
        }
    }

    #[test]
    fn payloads_are_not_copied() {
        let text = bytes(r#"{"id":"1","type":"next","payload":{"data":{"a":1}}}"#);
        let Ok(ServerMessage::Next { payload, .. }) = ServerMessage::parse(TransportWs, &text) else { panic!() };
        assert!(text.as_ptr_range().contains(&payload.as_ptr()));
    }
}
