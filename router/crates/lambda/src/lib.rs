//! An HTTP service as an AWS Lambda function: takes events, gives them to the service as requests, sends the responses back whole or as they
//! are produced. Knows no GraphQL and no configuration.
//!
//! ```text
//! event ─▶ caller (who sent it, from which address, to which path) ─▶ the service ─▶ whole or in parts ─▶ what is left to do ─▶ next event
//! ```
//!
//! A function stands still between its invocations. Whatever must have happened by then is done after the response was sent and before the
//! next event is asked for ([`Function::after`]).

mod caller;
mod environment;
mod invoke;
mod run;

pub use caller::SourceAddress;
pub use environment::{arguments, task_root};
pub use invoke::{Function, InvokeMode, Reply, Scheduled};
pub use lambda_http::tower::util::MapRequest;
pub use lambda_http::{Body, Request};
pub use run::{FunctionError, run};
