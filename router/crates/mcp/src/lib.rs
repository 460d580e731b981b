//! A graph as tools of the Model Context Protocol (<https://modelcontextprotocol.io>), for agents: persisted operations, a search over the
//! schema, and any other operation within bounds. Knows no socket, no token, and nobody who serves it.
//!
//! ```text
//! HTTP request ──mcp──▶ rmcp (JSON-RPC, versions of the protocol) ──handler──▶ toolset: the tools of a list of operations
//!                                                                    ├──▶ run: ready ──▶ answer (the gateway's street) ──▶ bounds
//!                                                                    └──▶ search, introspect: index, ways ──▶ partial schema ──▶ SDL
//! ```
//!
//! It is stateless: there are no sessions, so any router of several can answer any request, and nothing of a client is kept between two.

mod bounds;
pub mod config;
mod files;
mod handler;
mod index;
mod input_schema;
mod introspect;
mod mcp;
mod operations;
mod output_schema;
mod partial;
mod resource;
mod run;
mod sdl;
mod search;
mod toolset;
mod view;
mod ways;
mod words;

pub use files::FileError;
pub use mcp::{Mcp, McpError, McpReply};
pub use resource::ProtectedResource;
