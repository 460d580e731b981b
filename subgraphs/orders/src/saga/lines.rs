//! The lines of an order that a request names. Knows no mutation.

use service::{Error, Result};

use crate::entity::order_line;
use crate::offer::{WantedLine, path_of};

/// The named lines and how many units of each; an error if the order has no such line, or if one is named twice.
pub(super) fn named<'a>(
    rows: &'a [order_line::Model],
    wanted: &[WantedLine],
) -> Result<Vec<(&'a order_line::Model, i32)>> {
    let mut found: Vec<(&order_line::Model, i32)> = Vec::with_capacity(wanted.len());
    for (index, wanted) in wanted.iter().enumerate() {
        let row = rows.iter().find(|row| row.product_id == wanted.product);
        let row =
            row.ok_or_else(|| Error::bad_input("The order has no such product.").at(path_of(index, "productId")))?;
        if found.iter().any(|(earlier, _)| earlier.product_id == row.product_id) {
            return Err(Error::bad_input("This product is in another line too.").at(path_of(index, "productId")));
        }
        found.push((row, wanted.quantity));
    }
    Ok(found)
}
