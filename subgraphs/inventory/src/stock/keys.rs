//! Keys of callers: the same request under the same key is made once; another one under the same key is refused. Knows no request.

use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, EntityTrait, IntoActiveModel, TryInsertResult};
use service::{Error, Result, clock};

use crate::entity::stock_request;

/// Refuses what can't be a key.
pub(crate) fn check(key: &str) -> Result<()> {
    if key.is_empty() || key.chars().count() > MAX_LETTERS {
        let message = format!("`idempotencyKey` must have 1 to {MAX_LETTERS} characters.");
        return Err(Error::bad_input(message).at(["input", "idempotencyKey"]));
    }
    Ok(())
}

/// Claims the key for this request; false if the same request was made under it before. Waits for a transaction that is claiming it.
pub(crate) async fn claim(tx: &DatabaseTransaction, key: &str, request: String) -> Result<bool> {
    let row = stock_request::Model { idempotency_key: key.to_owned(), request, created_at: clock::now_millis() };
    let unless_there = OnConflict::column(stock_request::Column::IdempotencyKey).do_nothing().to_owned();
    let claimed = stock_request::Entity::insert(row.clone().into_active_model())
        .on_conflict(unless_there)
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    if matches!(claimed, TryInsertResult::Inserted(1)) {
        return Ok(true);
    }
    let found = stock_request::Entity::find_by_id(key).one(tx).await?;
    if found.is_some_and(|found| found.request == row.request) {
        return Ok(false);
    }
    let message = "This `idempotencyKey` was used for another request. Use a new key for a new request.";
    Err(Error::conflict(message).at(["input", "idempotencyKey"]))
}

const MAX_LETTERS: usize = 200;
