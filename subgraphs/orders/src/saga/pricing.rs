//! The price of an order, from its reservation. Knows no database and no HTTP.

use service::Money;
use service::graphql::money::MoneyError;
use uuid::Uuid;

use super::inventory::Reservation;
use crate::entity::order_line;

/// The final prices of an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Priced {
    pub(super) unit_prices: Vec<(Uuid, Money)>,
    pub(super) total: Money,
}

/// Why an order can't be priced.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PricingError {
    /// The reservation is not of the lines that were ordered.
    #[error("the reservation does not hold what was ordered")]
    OtherLines,
    /// The prices can't be added.
    #[error("the prices can't be added")]
    Sum(#[from] MoneyError),
}

/// The prices of the lines in the reservation, which must be of exactly these lines.
pub(super) fn price(lines: &[order_line::Model], reservation: &Reservation) -> Result<Priced, PricingError> {
    if lines.len() != reservation.lines.len() {
        return Err(PricingError::OtherLines);
    }
    let mut unit_prices = Vec::with_capacity(lines.len());
    let mut total: Option<Money> = None;
    for line in lines {
        let held = reservation
            .lines
            .iter()
            .find(|held| held.product_id == line.product_id.0 && held.quantity == line.quantity)
            .ok_or(PricingError::OtherLines)?;
        let line_total = held.unit_price.times(i64::from(line.quantity))?;
        total = Some(match total {
            Some(total) => total.plus(line_total)?,
            None => line_total,
        });
        unit_prices.push((held.product_id, held.unit_price));
    }
    Ok(Priced { unit_prices, total: total.ok_or(PricingError::OtherLines)? })
}
