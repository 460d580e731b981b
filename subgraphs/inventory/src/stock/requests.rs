//! Changes of stock that a person asks for: goods arrive, are lost, move to another warehouse, are counted. Knows no reservation.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use service::database::Transaction;
use service::{Error, Result};
use uuid::Uuid;

use super::keys;
use super::ledger::{self, Amount, Entry, Source};
use crate::entity::stock_movement::Kind;
use crate::entity::{product, stock_movement, warehouse};

/// What a person asks for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) key: String,
    pub(crate) product: Uuid,
    pub(crate) operation: Operation,
    pub(crate) reason: Option<String>,
    /// Who asks.
    pub(crate) actor: String,
}

/// What is to happen with the product.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Operation {
    /// Goods arrive.
    Receive { warehouse: Uuid, quantity: i32 },
    /// Goods were found, or lost if negative.
    Adjust { warehouse: Uuid, delta: i32 },
    /// Goods go from one warehouse to another.
    Transfer { from: Uuid, to: Uuid, quantity: i32 },
    /// So many were counted.
    Count { warehouse: Uuid, quantity: i32 },
}

/// Makes the change, and returns its movements. If it was made before, nothing happens, and they are those of that time.
pub(crate) async fn change(tx: Transaction, request: &Request) -> Result<Vec<stock_movement::Model>> {
    request.check()?;
    if !keys::claim(&tx, &request.key, request.fingerprint()?).await? {
        let movements = stock_movement::Entity::find().filter(stock_movement::Column::RequestKey.eq(&request.key));
        return Ok(movements.order_by_asc(stock_movement::Column::Id).all(&*tx).await?);
    }
    if product::Entity::find_by_id(request.product).one(&*tx).await?.is_none() {
        return Err(Error::not_found("There is no product with this id.").at(["input", "productId"]));
    }
    lock_warehouses(&tx, request.operation).await?;
    let source = Source {
        actor: request.actor.clone(),
        reason: request.reason.clone(),
        request_key: Some(request.key.clone()),
        reservation_key: None,
    };
    ledger::post(&tx, &request.entries(), &source).await.map_err(|error| error.at(request.operation.quantity_path()))
}

impl Request {
    fn check(&self) -> Result<()> {
        keys::check(&self.key)?;
        let reason_fits = |reason: &String| !reason.trim().is_empty() && reason.chars().count() <= MAX_REASON_LETTERS;
        if !self.reason.as_ref().is_none_or(reason_fits) {
            let message = format!("`reason` must have 1 to {MAX_REASON_LETTERS} characters.");
            return Err(Error::bad_input(message).at(["input", "reason"]));
        }
        self.operation.check()
    }

    /// By warehouse, which is also the order of locks.
    fn entries(&self) -> Vec<Entry> {
        let entry = |warehouse, kind, amount| Entry { product: self.product, warehouse, kind, amount, held: 0 };
        match self.operation {
            Operation::Receive { warehouse, quantity } => {
                vec![entry(warehouse, Kind::Receipt, Amount::By(quantity.into()))]
            }
            Operation::Adjust { warehouse, delta } => {
                vec![entry(warehouse, Kind::Adjustment, Amount::By(delta.into()))]
            }
            Operation::Transfer { from, to, quantity } => vec![
                entry(from, Kind::TransferOut, Amount::By(-i64::from(quantity))),
                entry(to, Kind::TransferIn, Amount::By(quantity.into())),
            ],
            Operation::Count { warehouse, quantity } => {
                vec![entry(warehouse, Kind::Count, Amount::To(quantity.into()))]
            }
        }
    }

    /// What makes two requests the same. Who asks does not matter.
    fn fingerprint(&self) -> Result<String> {
        serde_json::to_string(&(self.product, self.operation, &self.reason)).map_err(Error::internal)
    }
}

impl Operation {
    fn check(self) -> Result<()> {
        let wrong = |message: String| Err(Error::bad_input(message).at(self.quantity_path()));
        match self {
            Self::Receive { quantity, .. } | Self::Transfer { quantity, .. }
                if !(1..=MAX_UNITS).contains(&quantity) =>
            {
                wrong(format!("`quantity` must be between 1 and {MAX_UNITS}."))
            }
            Self::Count { quantity, .. } if quantity < 0 => wrong("`quantity` must not be negative.".to_owned()),
            Self::Adjust { delta, .. } if delta == 0 || !(-MAX_UNITS..=MAX_UNITS).contains(&delta) => {
                wrong(format!("`delta` must be between -{MAX_UNITS} and {MAX_UNITS}, and not 0."))
            }
            Self::Transfer { from, to, .. } if from == to => {
                Err(Error::bad_input("`fromWarehouseId` and `toWarehouseId` must be two warehouses.")
                    .at(["input", "toWarehouseId"]))
            }
            _ => Ok(()),
        }
    }

    const fn quantity_path(self) -> [&'static str; 2] {
        match self {
            Self::Adjust { .. } => ["input", "delta"],
            _ => ["input", "quantity"],
        }
    }

    /// The warehouses with the arguments that name them; the ones that get goods with `true`.
    fn warehouses(self) -> Vec<(Uuid, &'static str, bool)> {
        match self {
            Self::Receive { warehouse, .. } => vec![(warehouse, "warehouseId", true)],
            // They may correct what is on record of a warehouse that takes no goods any more.
            Self::Adjust { warehouse, .. } | Self::Count { warehouse, .. } => vec![(warehouse, "warehouseId", false)],
            Self::Transfer { from, to, .. } => vec![(from, "fromWarehouseId", false), (to, "toWarehouseId", true)],
        }
    }
}

/// Keeps the warehouses from being closed until the change is made.
async fn lock_warehouses(tx: &DatabaseTransaction, operation: Operation) -> Result<()> {
    let wanted = operation.warehouses();
    let found = warehouse::Entity::find()
        .filter(warehouse::Column::Id.is_in(wanted.iter().map(|wanted| wanted.0).collect::<BTreeSet<_>>()))
        .order_by_asc(warehouse::Column::Id)
        .lock_shared()
        .all(tx)
        .await?;
    for (id, argument, gets_goods) in wanted {
        let Some(warehouse) = found.iter().find(|warehouse| warehouse.id == id) else {
            return Err(Error::not_found("There is no warehouse with this id.").at(["input", argument]));
        };
        if gets_goods && !warehouse.active {
            let message = format!("The warehouse {} is closed and takes no goods.", warehouse.code);
            return Err(Error::conflict(message).at(["input", argument]));
        }
    }
    Ok(())
}

const MAX_UNITS: i32 = 1_000_000_000;
const MAX_REASON_LETTERS: usize = 500;
