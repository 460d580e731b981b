//! Quotes: what an order would cost now. Knows no step of an order.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use service::clock::{millis, now_millis};
use service::{Code, Error, Result};
use uuid::Uuid;

use super::Saga;
use super::inventory::{InventoryError, Product};
use crate::address::Address;
use crate::entity::quote;
use crate::offer::{LINES, Offer, WantedLine, path_of};

/// The maximum number of lines in an order.
pub(crate) const MAX_LINES: usize = 50;
/// The maximum quantity of a line.
pub(crate) const MAX_QUANTITY: i32 = 10_000;

/// The code of a product that does not exist.
pub(crate) const UNKNOWN_PRODUCT: Code = Code::Own("UNKNOWN_PRODUCT");
/// The code of a product that is no longer sold.
pub(crate) const PRODUCT_DISCONTINUED: Code = Code::Own("PRODUCT_DISCONTINUED");

/// Makes an offer, and keeps it for a while so that the buyer can accept it by its id.
pub(crate) async fn quote(saga: &Saga, buyer: Uuid, lines: &[WantedLine], address: Address) -> Result<quote::Model> {
    let offer = offer(saga, lines, address).await?;
    keep(saga, buyer, offer).await
}

/// Keeps an offer as a quote.
pub(super) async fn keep(saga: &Saga, buyer_id: Uuid, offer: Offer) -> Result<quote::Model> {
    let expires_at = now_millis() + millis(saga.policy.quote_for);
    let quote = quote::Model { id: Uuid::new_v4(), buyer_id, expires_at, offer };
    Ok(quote.into_active_model().reset_all().insert(saga.db.reader()).await?)
}

/// The quote, if it was made for this buyer.
pub(crate) async fn find(saga: &Saga, buyer: Uuid, id: Uuid) -> Result<Option<quote::Model>> {
    let quote = quote::Entity::find_by_id(id).one(saga.db.reader()).await?;
    Ok(quote.filter(|quote| quote.buyer_id == buyer))
}

/// Forgets the quotes that expired this long ago.
pub(super) async fn forget_expired(saga: &Saga) -> Result<()> {
    let before = now_millis() - millis(KEEP_EXPIRED);
    quote::Entity::delete_many().filter(quote::Column::ExpiresAt.lt(before)).exec(saga.db.reader()).await?;
    Ok(())
}

/// Long enough to tell buyers that their quote has expired, rather than that it does not exist.
const KEEP_EXPIRED: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// What these lines cost now.
pub(super) async fn offer(saga: &Saga, lines: &[WantedLine], address: Address) -> Result<Offer> {
    check(lines)?;
    let ids: Vec<Uuid> = lines.iter().map(|line| line.product).collect();
    let mut products = saga.inventory.products(&ids).await.map_err(unavailable)?;
    let mut wanted: Vec<(WantedLine, Product)> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let wrong = |code, message: &str| Error::new(code, message).at(path_of(index, "productId"));
        match products.remove(&line.product) {
            None => return Err(wrong(UNKNOWN_PRODUCT, "There is no such product.")),
            Some(product) if product.discontinued => {
                return Err(wrong(PRODUCT_DISCONTINUED, "This product is no longer sold."));
            }
            Some(product) => wanted.push((*line, product)),
        }
    }
    Offer::new(&wanted, address)
}

/// Refuses lines that are never valid.
fn check(lines: &[WantedLine]) -> Result<()> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(Error::bad_input(format!("An order has 1 to {MAX_LINES} lines.")).at(LINES));
    }
    let mut products = HashSet::new();
    for (index, line) in lines.iter().enumerate() {
        if !(1..=MAX_QUANTITY).contains(&line.quantity) {
            return Err(Error::bad_input(format!("`quantity` must be between 1 and {MAX_QUANTITY}."))
                .at(path_of(index, "quantity")));
        }
        if !products.insert(line.product) {
            return Err(Error::bad_input(
                "This product is in another line too; send one line with the sum of the quantities.",
            )
            .at(path_of(index, "productId")));
        }
    }
    Ok(())
}

fn unavailable(error: InventoryError) -> Error {
    if error.is_permanent() {
        return Error::internal(error);
    }
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(cause, "Products could not be priced");
    Error::new(Code::Unavailable, "Inventory does not respond; nothing was ordered. Send the same request again.")
}
