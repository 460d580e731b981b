//! Reads and writes reservations in a transaction. Does not know when.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, TryInsertResult,
};
use service::{Error, Result, clock};
use uuid::Uuid;

use super::Reservation;
use super::allocate::Share;
use crate::entity::reservation::Status;
use crate::entity::stock_movement::Kind;
use crate::entity::{allocation, reservation, reservation_line, stock};
use crate::stock::ledger::{self, Amount, Entry, Source};

/// Claims the key with a row of this status; `None` if the key has one. Waits for a transaction that is claiming it.
pub(super) async fn claim(
    tx: &DatabaseTransaction,
    key: &str,
    status: Status,
    expires_at: Option<i64>,
) -> Result<Option<reservation::Model>> {
    let at = clock::now_millis();
    let row = reservation::Model {
        idempotency_key: key.to_owned(),
        id: Uuid::new_v4(),
        status,
        expires_at,
        created_at: at,
        updated_at: at,
    };
    let unless_there = OnConflict::column(reservation::Column::IdempotencyKey).do_nothing().to_owned();
    let claimed = reservation::Entity::insert(row.clone().into_active_model())
        .on_conflict(unless_there)
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    Ok(match claimed {
        TryInsertResult::Inserted(1) => Some(row),
        _ => None,
    })
}

/// Removes a claim of this transaction.
pub(super) async fn unclaim(tx: &DatabaseTransaction, key: &str) -> Result<()> {
    reservation::Entity::delete_by_id(key).exec(tx).await?;
    Ok(())
}

/// The key's reservation, locked for this transaction.
pub(super) async fn lock(tx: &DatabaseTransaction, key: &str) -> Result<Option<Reservation>> {
    let Some(row) = reservation::Entity::find_by_id(key).lock_exclusive().one(tx).await? else {
        return Ok(None);
    };
    let lines = reservation_line::Entity::find()
        .filter(reservation_line::Column::IdempotencyKey.eq(key))
        .order_by_asc(reservation_line::Column::ProductId)
        .all(tx)
        .await?;
    Ok(Some(Reservation { row, lines }))
}

/// Writes the status of the reservation.
pub(super) async fn set_status(
    tx: &DatabaseTransaction,
    mut reservation: Reservation,
    status: Status,
) -> Result<Reservation> {
    let mut row = reservation.row.into_active_model();
    row.status = Set(status);
    row.updated_at = Set(clock::now_millis());
    reservation.row = row.update(tx).await?;
    Ok(reservation)
}

/// Writes the lines of the reservation, and which warehouses they come from.
pub(super) async fn insert_contents(
    tx: &DatabaseTransaction,
    lines: &[reservation_line::Model],
    key: &str,
    shares: &[Share],
) -> Result<()> {
    let lines = lines.iter().cloned().map(IntoActiveModel::into_active_model);
    reservation_line::Entity::insert_many(lines).exec_without_returning(tx).await?;
    let shares = shares.iter().map(|share| allocation::ActiveModel {
        idempotency_key: Set(key.to_owned()),
        product_id: Set(share.product),
        warehouse_id: Set(share.warehouse),
        quantity: Set(share.quantity),
        returned: Set(0),
    });
    allocation::Entity::insert_many(shares).exec_without_returning(tx).await?;
    Ok(())
}

/// What did not come back yet of what each warehouse has provided for the key, in the order of locks.
pub(super) async fn remaining(tx: &DatabaseTransaction, key: &str) -> Result<Vec<Share>> {
    let allocations = allocations(tx, key).await?;
    Ok(allocations.iter().map(Share::from).filter(|share| share.quantity > 0).collect())
}

/// What each warehouse provided for the key, in the order of locks.
pub(super) async fn allocations(tx: &DatabaseTransaction, key: &str) -> Result<Vec<allocation::Model>> {
    let allocations = allocation::Entity::find()
        .filter(allocation::Column::IdempotencyKey.eq(key))
        .order_by_asc(allocation::Column::ProductId)
        .order_by_asc(allocation::Column::WarehouseId)
        .all(tx)
        .await?;
    Ok(allocations)
}

/// Posts the sale of what was held, or the return of what was sold.
pub(super) async fn post(tx: &DatabaseTransaction, shares: &[Share], kind: Kind, source: &Source) -> Result<()> {
    if shares.is_empty() {
        return Ok(());
    }
    let sold = kind == Kind::Sale;
    let entry = |share: &Share| Entry {
        product: share.product,
        warehouse: share.warehouse,
        kind,
        amount: Amount::By(if sold { -share.quantity } else { share.quantity }),
        held: if sold { share.quantity } else { 0 },
    };
    let entries: Vec<Entry> = shares.iter().map(entry).collect();
    // What was held or sold is there, or there is room for it.
    ledger::post(tx, &entries, source).await.map_err(|error| match error {
        Error::Caller { message, .. } => Error::internal(anyhow::anyhow!(message)),
        internal => internal,
    })?;
    Ok(())
}

/// What the movements of a reservation are made for.
pub(super) fn source(key: &str) -> Source {
    Source { actor: "service".to_owned(), reservation_key: Some(key.to_owned()), ..Source::default() }
}

/// The keys of reservations that are held and have expired, the oldest first.
pub(super) async fn expired(database: &impl ConnectionTrait, now: i64, most: u64) -> Result<Vec<String>> {
    let keys = reservation::Entity::find()
        .select_only()
        .column(reservation::Column::IdempotencyKey)
        .filter(reservation::Column::Status.eq(Status::Held))
        .filter(reservation::Column::ExpiresAt.lte(now))
        .order_by_asc(reservation::Column::ExpiresAt)
        .limit(most)
        .into_tuple();
    Ok(keys.all(database).await?)
}

/// The stock of the products, locked for this transaction.
pub(super) async fn lock_stock(
    tx: &DatabaseTransaction,
    products: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<stock::Model>>> {
    let rows = stock::Entity::find()
        .filter(stock::Column::ProductId.is_in(products))
        .order_by_asc(stock::Column::ProductId)
        .order_by_asc(stock::Column::WarehouseId)
        .lock_exclusive()
        .all(tx)
        .await?;
    let mut by_product: HashMap<Uuid, Vec<stock::Model>> = HashMap::new();
    for row in rows {
        by_product.entry(row.product_id).or_default().push(row);
    }
    Ok(by_product)
}
