//! Events of a service: written in the transaction of what they are about, published after its commit, and streamed to subscriptions. Knows
//! no table of any service.
//!
//! ```text
//! write transaction ──outbox::add──▶ table ──relay──▶ EventBus (this process, or NATS) ──▶ subscriptions
//! ```
//!
//! Before an event is published, the router is told what it makes untrue ([`Invalidator`]), so that whoever reacts to it sees what has changed.
//!
//! An event is published at least once: a service that dies between publishing and deleting the row publishes it again, with the same id, by which
//! JetStream drops it. The events of one entity are published in the order of their commits, whichever instance wrote them.

mod bus;
mod invalidator;
mod migration;
mod outbox;
mod relay;

pub use bus::{Event, EventBus, Stream};
pub use invalidator::{Invalidator, Untrue};
pub use migration::CreateOutbox;
pub use outbox::add;
pub use relay::Relay;
