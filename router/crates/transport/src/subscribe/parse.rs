//! What the bodies of streaming responses say, whichever their form. Knows no connection.

use bytes::Bytes;

use super::multipart::Multipart;
use super::sse::Sse;

/// A piece of a streaming response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The response to an event.
    Next(Bytes),
    /// The subgraph is still there.
    Heartbeat,
    /// The subgraph gives up for these reasons, an array of GraphQL errors.
    Fatal(Bytes),
    /// All has been said.
    Complete,
}

/// Why a body can't be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A piece is larger than it may be.
    TooLarge,
    /// It is not in the form that the response's head says.
    Malformed(&'static str),
}

/// Reads a body as it comes, in chunks of any size.
#[derive(Debug)]
pub(crate) enum Parser {
    /// `text/event-stream`
    Sse(Sse),
    /// `multipart/mixed`
    Multipart(Multipart),
}

impl Parser {
    /// Adds what has come. [`Self::next`] then gives the pieces that are whole.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Sse(sse) => sse.push(chunk),
            Self::Multipart(multipart) => multipart.push(chunk),
        }
    }

    /// The next whole piece.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Unreadable> {
        match self {
            Self::Sse(sse) => sse.next(),
            Self::Multipart(multipart) => multipart.next(),
        }
    }
}
