//! Which warehouse provides how many units: a pure function. Knows no database.

use uuid::Uuid;

use crate::entity::{allocation, stock};

/// How many units a warehouse provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) product: Uuid,
    pub(super) warehouse: Uuid,
    pub(super) quantity: i64,
}

impl From<&allocation::Model> for Share {
    /// What is left of what a warehouse has provided.
    fn from(share: &allocation::Model) -> Self {
        Self { product: share.product_id, warehouse: share.warehouse_id, quantity: share.remaining() }
    }
}

/// Divides a quantity among the warehouses; if there is too little stock, returns how many units there are.
///
/// The warehouse with the most units comes first, so that an order comes from as few warehouses as possible. Equal ones are
/// ordered by id, so that the same stock is always divided in the same way.
pub(super) fn allocate(quantity: i64, levels: &[stock::Model]) -> Result<Vec<Share>, i64> {
    let available = levels.iter().fold(0_i64, |sum, level| sum.saturating_add(level.available()));
    if available < quantity {
        return Err(available);
    }
    let mut fullest_first: Vec<&stock::Model> = levels.iter().filter(|level| level.available() > 0).collect();
    fullest_first.sort_by_key(|level| (-level.available(), level.warehouse_id));
    let mut missing = quantity;
    let mut shares = Vec::new();
    for level in fullest_first {
        let gives = level.available().min(missing);
        if gives > 0 {
            shares.push(Share { product: level.product_id, warehouse: level.warehouse_id, quantity: gives });
            missing -= gives;
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quantity: i64, levels: &[i64], expected: Result<&[(u128, i64)], i64>) {
        let levels: Vec<stock::Model> = (1..)
            .zip(levels)
            .map(|(warehouse, quantity)| stock::Model {
                product_id: Uuid::nil(),
                warehouse_id: Uuid::from_u128(warehouse),
                // Held units are not there for others.
                on_hand: *quantity + 7,
                reserved: 7,
                position: Some(1),
            })
            .collect();
        let shares = allocate(quantity, &levels)
            .map(|shares| shares.iter().map(|share| (share.warehouse.as_u128(), share.quantity)).collect::<Vec<_>>());
        assert_eq!(shares, expected.map(<[_]>::to_vec));
    }

    #[test]
    fn takes_from_the_fullest_first_and_only_what_is_there() {
        check(3, &[1, 5, 2], Ok(&[(2, 3)]));
        check(7, &[1, 5, 2], Ok(&[(2, 5), (3, 2)]));
        check(8, &[1, 5, 2], Ok(&[(2, 5), (3, 2), (1, 1)]));
        check(9, &[1, 5, 2], Err(8));
        check(2, &[2, 2], Ok(&[(1, 2)]));
        check(1, &[], Err(0));
        check(1, &[0, 0], Err(0));
    }
}
