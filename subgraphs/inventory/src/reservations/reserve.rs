//! Reserving stock, for all lines or none. Knows the order of locks (see the parent module).

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::database::Transaction;
use service::{Error, Result};
use uuid::Uuid;

use super::allocate::{Share, allocate};
use super::{Reservation, Reserved, Shortage, bounded, store};
use crate::changes;
use crate::entity::reservation::{self, Status};
use crate::entity::{product, reservation_line};
use crate::stock::{holds, keys};

/// What to reserve, and under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    key: String,
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
    /// By product, which is also the order of locks.
    lines: BTreeMap<Uuid, i32>,
}

impl Request {
    /// A request; an error if it is out of bounds. The quantities of lines with the same product are added up.
    pub(crate) fn new(
        key: String,
        expires_at: Option<i64>,
        lines: impl IntoIterator<Item = (Uuid, i32)>,
    ) -> Result<Self> {
        keys::check(&key)?;
        Ok(Self { key, expires_at, lines: bounded(lines)? })
    }

    fn products(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.lines.keys().copied()
    }

    fn is_for(&self, lines: &[reservation_line::Model]) -> bool {
        let asked = self.lines.iter().map(|(product, quantity)| (*product, *quantity));
        asked.eq(lines.iter().map(|line| (line.product_id, line.quantity)))
    }
}

/// Reserves the stock.
pub(crate) async fn reserve(tx: Transaction, request: &Request) -> Result<Reserved> {
    let Some(row) = store::claim(&tx, &request.key, Status::Held, request.expires_at).await? else {
        return repeated(&tx, request).await;
    };
    let reserved = take(&tx, request, row).await?;
    if !matches!(reserved, Reserved::Held(_)) {
        // Nothing was reserved, so the key stays unused: the same request may succeed later.
        store::unclaim(&tx, &request.key).await?;
    }
    Ok(reserved)
}

async fn repeated(tx: &DatabaseTransaction, request: &Request) -> Result<Reserved> {
    let found = store::lock(tx, &request.key).await?;
    let found = found.ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a reservation is missing")))?;
    match found.row.status {
        Status::Released => Ok(Reserved::Closed(request.key.clone())),
        Status::Held | Status::Committed if request.is_for(&found.lines) => Ok(Reserved::Held(found)),
        Status::Held | Status::Committed => {
            Err(Error::conflict("This `idempotencyKey` was used for other lines. Use a new key for a new request."))
        }
    }
}

async fn take(tx: &DatabaseTransaction, request: &Request, row: reservation::Model) -> Result<Reserved> {
    // Locked, so that none is discontinued meanwhile.
    let products = product::Entity::find()
        .filter(product::Column::Id.is_in(request.products()))
        .order_by_asc(product::Column::Id)
        .lock_shared()
        .all(tx)
        .await?;
    let products: HashMap<Uuid, product::Model> = products.into_iter().map(|product| (product.id, product)).collect();
    let unknown: Vec<_> = request.products().filter(|id| !products.contains_key(id)).collect();
    if !unknown.is_empty() {
        return Ok(Reserved::Unknown(unknown));
    }
    let discontinued: Vec<_> =
        request.products().filter(|id| products.get(id).is_some_and(|product| product.discontinued)).collect();
    if !discontinued.is_empty() {
        return Ok(Reserved::Discontinued(discontinued));
    }
    let shares = match divide(tx, request).await? {
        Ok(shares) => shares,
        Err(shortages) => return Ok(Reserved::Insufficient(shortages)),
    };
    for share in &shares {
        if !holds::change(tx, share.product, share.warehouse, share.quantity).await? {
            return Err(Error::internal(anyhow::anyhow!("locked stock has changed")));
        }
    }
    for product in request.products() {
        changes::stock(tx, product).await?;
    }
    let lines = lines(request, &products);
    store::insert_contents(tx, &lines, &request.key, &shares).await?;
    Ok(Reserved::Held(Reservation { row, lines }))
}

async fn divide(tx: &DatabaseTransaction, request: &Request) -> Result<Result<Vec<Share>, Vec<Shortage>>> {
    let stock = store::lock_stock(tx, request.products()).await?;
    let (mut shares, mut shortages) = (Vec::new(), Vec::new());
    for (product, quantity) in &request.lines {
        let levels = stock.get(product).map(Vec::as_slice).unwrap_or_default();
        match allocate(i64::from(*quantity), levels) {
            Ok(own) => shares.extend(own),
            Err(available) => {
                shortages.push(Shortage { product: *product, requested: *quantity, available });
            }
        }
    }
    Ok(if shortages.is_empty() { Ok(shares) } else { Err(shortages) })
}

fn lines(request: &Request, products: &HashMap<Uuid, product::Model>) -> Vec<reservation_line::Model> {
    let priced = request.lines.iter().filter_map(|(id, quantity)| Some((products.get(id)?, *quantity)));
    priced
        .map(|(product, quantity)| reservation_line::Model {
            idempotency_key: request.key.clone(),
            product_id: product.id,
            quantity,
            unit_price_minor: product.price_minor,
            unit_price_currency: product.price_currency.clone(),
        })
        .collect()
}
