//! WebSockets of clients, on the path of the endpoint: many operations on each, of any kind. Knows no GraphQL.
//!
//! ```text
//! upgrade (whose page asks, which subprotocol) ──▶ session ──▶ init (who asks)
//!                                                    ├──▶ operation, a task each ──▶ a response, or a stream
//!                                                    └──▶ channel: messages over the socket
//! ```

mod channel;
mod init;
mod operation;
mod session;
mod upgrade;

pub(crate) use upgrade::{is_asked, respond};
