//! What others are told when something about a user changes that everybody may see, or what the user may do.

use service::Result;
use service::database::Transaction;
use service::events;
use uuid::Uuid;

/// Adds the event, after the change in the same transaction.
pub(crate) async fn user_changed(tx: &Transaction, user: Uuid) -> Result<()> {
    events::add(tx, user, format!("users.{user}.changed"), &serde_json::json!({ "id": user })).await
}
