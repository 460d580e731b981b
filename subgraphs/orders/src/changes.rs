//! What the events of this service are about. A message has the id of the order that has changed. Knows no database.

use service::events::Stream;
use uuid::Uuid;

/// Where NATS keeps the events of this service.
pub const STREAM: Stream = Stream { name: "ORDERS", subjects: &["orders.>"] };

/// The changes of one order.
pub(crate) fn of_order(id: Uuid) -> String {
    format!("orders.{id}.changed")
}

/// The changes of one buyer's orders.
pub(crate) fn of_buyer(id: Uuid) -> String {
    format!("orders.of.{id}")
}
