//! The messages of GraphQL over WebSocket, in both subprotocols that are in use: read and written, for the side of the server and for that
//! of the client. Knows no socket, no order of messages and no GraphQL: payloads stay the JSON that they were sent as.
//!
//! - `graphql-transport-ws`: PROTOCOL.md of <https://github.com/enisdenjo/graphql-ws>
//! - `graphql-ws`, the older one: PROTOCOL.md of npm's `subscriptions-transport-ws`
//!
//! The older one has the same messages under other names, and a few less. So there is one set of messages, and the subprotocol is said
//! where they are read or written.

pub mod close;
mod message;
mod subprotocol;

pub use message::{ClientMessage, InvalidMessage, ServerMessage};
pub use subprotocol::Subprotocol;
