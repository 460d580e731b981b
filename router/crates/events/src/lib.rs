//! Events of subscriptions that come from a message broker instead of a subgraph. Knows no plan and no HTTP.
//!
//! ```text
//! EventsConfig + @event ──declare──▶ Supergraph in which the fields belong to brokers, Events ──▶ WithEvents<S>: subscribe ⇄ broker
//!                                                                                                     └▶ all else: S
//! ```
//!
//! Messages that are not for subscriptions, but for the router itself, come by [`intake`].
//!
//! A message has the key of an entity, and perhaps more. It becomes the response of a subgraph that knows no more than that; the executor
//! looks up the rest, as for any response.

mod broker;
pub mod config;
mod declare;
mod document;
mod intake;
mod nats;
mod service;
mod source;
mod template;

pub use declare::{Events, EventsError};
pub use intake::{Delivered, Taken, intake};
pub use service::WithEvents;
pub use template::TemplateError;
