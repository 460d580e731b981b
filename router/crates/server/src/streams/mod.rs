//! Responses that are streams, on their way to clients. Knows neither who makes the events nor what they say.
//!
//! ```text
//! EventStream ──▶ live (limits of a stream, its line in the access log) ──▶ framing: sse | multipart ──▶ body of a response
//!                                                                      └──▶ socket: many operations on one WebSocket
//! ```

mod begun;
pub(crate) mod config;
mod events;
mod framing;
mod live;
mod multipart;
mod registry;
mod response;
pub(crate) mod socket;
mod sse;

pub(crate) use begun::Begun;
pub(crate) use registry::Streams;
pub(crate) use response::{Streamed, whole, write_head};
