//! The codes that sockets are closed with. Those from 4400 on are of `graphql-transport-ws`; the older subprotocol defines none, and is
//! closed with the same ones.

/// All is done.
pub const NORMAL: u16 = 1000;
/// The server stops, or the client leaves.
pub const GOING_AWAY: u16 = 1001;
/// What came is no WebSocket, or no message that the subprotocol knows.
pub const PROTOCOL_ERROR: u16 = 1002;
/// A kind of data that is not taken: binary messages.
pub const UNSUPPORTED_DATA: u16 = 1003;
/// A text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// A message that is larger than is taken.
pub const TOO_BIG: u16 = 1009;
/// The server restarts.
pub const SERVICE_RESTART: u16 = 1012;
/// The server has too much to do.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// A message that can't be read, or is not expected.
pub const BAD_REQUEST: u16 = 4400;
/// Something was asked for before the connection was acknowledged.
pub const UNAUTHORIZED: u16 = 4401;
/// The connection is refused: credentials are missing or not accepted.
pub const FORBIDDEN: u16 = 4403;
/// No subprotocol that both know.
pub const SUBPROTOCOL_NOT_ACCEPTABLE: u16 = 4406;
/// The client did not begin in time.
pub const INIT_TIMEOUT: u16 = 4408;
/// The id of an operation that runs is used again.
pub const SUBSCRIBER_EXISTS: u16 = 4409;
/// A second `connection_init`.
pub const TOO_MANY_INITS: u16 = 4429;
/// The server has failed.
pub const INTERNAL_ERROR: u16 = 4500;
/// The server did not acknowledge in time: a client closes with it.
pub const ACK_TIMEOUT: u16 = 4504;

/// The most bytes that the reason of a close may have (RFC 6455 §5.5).
pub const MAX_REASON: usize = 123;

/// The beginning of `text` that fits into the reason of a close.
pub fn reason(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_REASON)]
}
