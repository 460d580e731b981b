//! Runs query plans: compiled shapes, slots, and response bytes. Knows neither the planner nor a transport.
//!
//! ```text
//! per operation:   Operation + QueryPlan ──CompiledOperation::compile──▶ shapes, request bodies, projection
//! per request:     variables ──prepare──▶ body ──SubgraphService──▶ bytes ──read──▶ slots ──absorb──▶ tree ─┐
//!                                   ▲                                                                         │
//!                                   └──────────── the next fetches of the plan ◀──────────────────────────────┤
//!                                                                            client's bytes ◀──complete───────┘
//! ```
//!
//! # Slots, not maps
//!
//! The router knows the exact shape of every response that it asks for. So each position of the data tree has a layout that is fixed when
//! the operation is compiled: a key is a slot, an object is a row of cells. A leaf is a range of the received body, checked once and
//! copied to the client as it is. What is written twice is stored once and pointed to.

mod absorb;
mod block;
mod body;
mod compile;
mod complete;
mod error;
mod execute;
mod finish;
mod groups;
pub mod kept;
mod leaf;
mod locate;
mod long_work;
mod mark;
mod parts;
mod prepare;
mod prepare_context;
mod read;
mod receivers;
mod represent;
pub mod request;
mod response;
mod run;
mod scanner;
mod service;
#[doc(hidden)]
pub mod stages;
mod tree;
mod walk;
mod wire_error;
mod written;

pub use compile::limits::CompileError;
pub use compile::operation::{CompileOptions, CompiledOperation, OperationSource};
pub use compile::weights::{NoWeights, Weights};
pub use execute::{execute, execute_event, refuse, subscription_request};
pub use long_work::LongWork;
pub use parts::{Happened, Part, PartsFormat, PartsReport, execute_in_parts};
pub use request::SubgraphRequest;
pub use response::{
    ExecuteContext, ExecuteLimits, FetchRecord, FetchReport, RefusalPlace, Response, SubgraphErrors, with_extensions,
};
pub use service::{
    ArrivingBody, ArrivingResponse, OpenResponse, SubgraphError, SubgraphErrorKind, SubgraphEvent, SubgraphEvents,
    SubgraphResponse, SubgraphService, SubgraphState,
};
