//! Posts movements: the only code that changes how many units a warehouse has. Does not know why they move.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::{Error, Result, clock};
use uuid::Uuid;

use crate::changes;
use crate::entity::stock_movement::Kind;
use crate::entity::{stock, stock_movement};

/// A movement that is to be posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) product: Uuid,
    pub(crate) warehouse: Uuid,
    pub(crate) kind: Kind,
    pub(crate) amount: Amount,
    /// How many of the units were held until now.
    pub(crate) held: i64,
}

/// How a movement changes the number of units.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Amount {
    /// So many more, or fewer if negative.
    By(i64),
    /// There are so many, whatever was on record.
    To(i64),
}

/// Who makes movements, and what for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) actor: String,
    pub(crate) reason: Option<String>,
    pub(crate) request_key: Option<String>,
    pub(crate) reservation_key: Option<String>,
}

/// Posts the movements; a conflict if fewer units than none, or than are reserved, would be left.
///
/// Each product and warehouse may have one entry.
pub(crate) async fn post(
    tx: &DatabaseTransaction,
    entries: &[Entry],
    source: &Source,
) -> Result<Vec<stock_movement::Model>> {
    let mut levels = lock(tx, entries).await?;
    let at = clock::now_millis();
    let mut movements = Vec::with_capacity(entries.len());
    for entry in entries {
        let level = levels.get_mut(&(entry.product, entry.warehouse));
        let level = level.ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a stock level is missing")))?;
        movements.push(next(level, entry, source, at)?);
    }
    write(tx, &movements, levels.into_values()).await?;
    for product in entries.iter().map(|entry| entry.product).collect::<BTreeSet<_>>() {
        changes::stock(tx, product).await?;
    }
    Ok(movements)
}

/// Applies the entry to the level, and returns its movement.
fn next(level: &mut stock::Model, entry: &Entry, source: &Source, at: i64) -> Result<stock_movement::Model> {
    let before = level.on_hand;
    let after = match entry.amount {
        Amount::By(delta) => before.checked_add(delta),
        Amount::To(quantity) => Some(quantity),
    };
    let after = after
        .filter(|after| *after <= MOST)
        .ok_or_else(|| Error::conflict(format!("A warehouse can't have more than {MOST} units of a product.")))?;
    let reserved = level.reserved.saturating_sub(entry.held);
    if after < reserved || reserved < 0 {
        return Err(Error::conflict(format!(
            "The warehouse has {before} units, of which {reserved} are reserved for orders. Only the others can be removed."
        )));
    }
    let previous = level.position;
    let position = previous.unwrap_or(0).saturating_add(1);
    (level.on_hand, level.reserved, level.position) = (after, reserved, Some(position));
    Ok(stock_movement::Model {
        id: Uuid::now_v7(),
        product_id: entry.product,
        warehouse_id: entry.warehouse,
        position,
        previous,
        quantity_before: before,
        delta: after.saturating_sub(before),
        quantity_after: after,
        kind: entry.kind,
        reason: source.reason.clone(),
        actor: source.actor.clone(),
        request_key: source.request_key.clone(),
        reservation_key: source.reservation_key.clone(),
        created_at: at,
    })
}

/// The levels of the entries, locked for this transaction. Those that never had any units are there too, with none.
async fn lock(tx: &DatabaseTransaction, entries: &[Entry]) -> Result<BTreeMap<(Uuid, Uuid), stock::Model>> {
    // The order of locks.
    let wanted: BTreeSet<(Uuid, Uuid)> = entries.iter().map(|entry| (entry.product, entry.warehouse)).collect();
    let levels = read(tx, &wanted).await?;
    if levels.len() == wanted.len() {
        return Ok(levels);
    }
    let empty = wanted.iter().filter(|key| !levels.contains_key(key)).map(|(product, warehouse)| stock::Model {
        product_id: *product,
        warehouse_id: *warehouse,
        on_hand: 0,
        reserved: 0,
        position: None,
    });
    let unless_there =
        OnConflict::columns([stock::Column::ProductId, stock::Column::WarehouseId]).do_nothing().to_owned();
    stock::Entity::insert_many(empty.map(IntoActiveModel::into_active_model))
        .on_conflict(unless_there)
        .exec_without_returning(tx)
        .await?;
    read(tx, &wanted).await
}

async fn read(
    tx: &DatabaseTransaction,
    wanted: &BTreeSet<(Uuid, Uuid)>,
) -> Result<BTreeMap<(Uuid, Uuid), stock::Model>> {
    let rows = stock::Entity::find()
        .filter(stock::Column::ProductId.is_in(wanted.iter().map(|key| key.0).collect::<BTreeSet<_>>()))
        .filter(stock::Column::WarehouseId.is_in(wanted.iter().map(|key| key.1).collect::<BTreeSet<_>>()))
        .order_by_asc(stock::Column::ProductId)
        .order_by_asc(stock::Column::WarehouseId)
        .lock_exclusive()
        .all(tx)
        .await?;
    let keyed = rows.into_iter().map(|row| ((row.product_id, row.warehouse_id), row));
    Ok(keyed.filter(|(key, _)| wanted.contains(key)).collect())
}

/// Movements first: the levels refer to them.
async fn write(
    tx: &DatabaseTransaction,
    movements: &[stock_movement::Model],
    levels: impl Iterator<Item = stock::Model>,
) -> Result<()> {
    let movements = movements.iter().cloned().map(IntoActiveModel::into_active_model);
    stock_movement::Entity::insert_many(movements).exec_without_returning(tx).await?;
    let changed = OnConflict::columns([stock::Column::ProductId, stock::Column::WarehouseId])
        .update_columns([stock::Column::OnHand, stock::Column::Reserved, stock::Column::Position])
        .to_owned();
    stock::Entity::insert_many(levels.map(IntoActiveModel::into_active_model))
        .on_conflict(changed)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What GraphQL's Int can show.
const MOST: i64 = i32::MAX as i64;
