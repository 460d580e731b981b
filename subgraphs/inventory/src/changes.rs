//! The events of this service: what has changed. They are published once their transaction is committed. Knows no reader of them.

use sea_orm::DatabaseTransaction;
use service::Result;
use service::events::Stream;
use uuid::Uuid;

/// Where NATS keeps the events of this service.
pub const STREAM: Stream =
    Stream { name: "INVENTORY", subjects: &["stock.>", "products.>", "categories.>", "warehouses.>"] };

/// A product is new or has changed.
pub(crate) async fn product(tx: &DatabaseTransaction, id: Uuid) -> Result<()> {
    add(tx, id, format!("products.{id}.changed")).await
}

/// How many units of a product can be ordered has changed.
pub(crate) async fn stock(tx: &DatabaseTransaction, product: Uuid) -> Result<()> {
    add(tx, product, of_stock(product)).await
}

/// A category is new or has changed, with everything that shows it.
pub(crate) async fn category(tx: &DatabaseTransaction, id: Uuid) -> Result<()> {
    add(tx, id, format!("categories.{id}.changed")).await
}

/// A warehouse is new or has changed.
pub(crate) async fn warehouse(tx: &DatabaseTransaction, id: Uuid) -> Result<()> {
    add(tx, id, format!("warehouses.{id}.changed")).await
}

/// Any product may be new or have changed: they come from a file.
pub(crate) async fn imported(tx: &DatabaseTransaction) -> Result<()> {
    service::events::add(tx, Uuid::nil(), "products.imported".to_owned(), &serde_json::json!({})).await
}

async fn add(tx: &DatabaseTransaction, id: Uuid, subject: String) -> Result<()> {
    service::events::add(tx, id, subject, &serde_json::json!({ "id": id })).await
}

/// The subject of the events about a product's stock. A message has the product's id.
pub(crate) fn of_stock(product: Uuid) -> String {
    format!("stock.{product}.changed")
}
