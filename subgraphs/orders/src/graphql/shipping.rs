//! The cost of shipping an order. The weights are inventory's; the router sends them (`@requires`).

use std::collections::HashMap;

use serde::Deserialize;
use service::graphql::money::Currency;
use service::{Code, Error, Money, Result};

use crate::entity::order_line;

/// `lines { product { sku weightGrams } }` of an order, from its representation.
pub(super) struct Weights(HashMap<String, i64>);

impl Weights {
    /// Reads what the router sent, without the parts that are null because a fetch failed.
    pub(super) fn read(lines: serde_json::Value) -> Self {
        let lines: Vec<Option<WireLine>> = serde_json::from_value(lines).unwrap_or_default();
        let products = lines.into_iter().flatten().filter_map(|line| line.product);
        Self(products.filter_map(|product| Some((product.sku?, product.weight_grams?))).collect())
    }
}

/// The cost of shipping the lines. Weights are matched to lines by SKU, not by position: the list comes from another service.
pub(super) fn shipping_cost(lines: &[order_line::Model], weights: Option<&Weights>, currency: &str) -> Result<Money> {
    let weights = weights.ok_or_else(|| {
        Error::bad_input("`Order.shippingCost` needs inventory's weights: ask for it through the router.")
    })?;
    let mut grams: i64 = 0;
    for line in lines {
        let weight = weights.0.get(&line.sku).copied().filter(|weight| *weight >= 0);
        let weight = weight.ok_or_else(|| {
            Error::new(Code::Unavailable, format!("The weight of product {} is not known.", line.sku))
        })?;
        grams = weight
            .checked_mul(i64::from(line.quantity))
            .and_then(|weight| grams.checked_add(weight))
            .ok_or_else(|| Error::bad_input("The order is too heavy to be sent."))?;
    }
    price_of(grams, currency)
}

/// 4.90 for up to two kilograms, and 0.90 for each further kilogram or part of one.
fn price_of(grams: i64, currency: &str) -> Result<Money> {
    const INCLUDED_GRAMS: i64 = 2_000;
    let further = (grams - INCLUDED_GRAMS).max(0).div_ceil_by(1_000);
    let hundredths = further.saturating_mul(90).saturating_add(490);
    let currency: Currency = currency.parse().map_err(Error::internal)?;
    let minor = i128::from(hundredths) * 10_i128.pow(currency.digits()) / 100;
    let minor = i64::try_from(minor).map_err(|_| Error::bad_input("The order is too heavy to be sent."))?;
    Ok(Money::new(minor, currency))
}

/// Signed division that rounds up. The standard library has it for unsigned integers only.
trait DivCeil {
    fn div_ceil_by(self, divisor: i64) -> i64;
}

impl DivCeil for i64 {
    fn div_ceil_by(self, divisor: i64) -> i64 {
        self / divisor + i64::from(self % divisor > 0)
    }
}

#[derive(Deserialize)]
struct WireLine {
    product: Option<WireProduct>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProduct {
    sku: Option<String>,
    weight_grams: Option<i64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn line(sku: &str, quantity: i32) -> order_line::Model {
        order_line::Model {
            order_id: Uuid::nil().into(),
            product_id: Uuid::nil().into(),
            position: 0,
            sku: sku.to_owned(),
            quantity,
            unit_price_minor: 100,
        }
    }

    fn check(lines: &[(&str, i32)], wire: serde_json::Value, currency: &str, expected: &str) {
        let lines: Vec<_> = lines.iter().map(|(sku, quantity)| line(sku, *quantity)).collect();
        let cost = shipping_cost(&lines, Some(&Weights::read(wire)), currency);
        let cost = cost.map_or_else(|error| error.code().as_str().to_owned(), |cost| cost.to_string());
        assert_eq!(cost, expected);
    }

    #[test]
    fn weights_belong_to_lines_by_sku() {
        let a = json!({ "product": { "sku": "A", "weightGrams": 500 } });
        let b = json!({ "product": { "sku": "B", "weightGrams": 3000 } });
        check(&[("A", 1)], json!([a]), "EUR", "4.90 EUR");
        check(&[("A", 4)], json!([a]), "EUR", "4.90 EUR");
        check(&[("A", 5)], json!([a]), "EUR", "5.80 EUR");
        check(&[("A", 1), ("B", 2)], json!([a, b]), "EUR", "9.40 EUR");
        check(&[("A", 1), ("B", 2)], json!([b, a]), "EUR", "9.40 EUR");
        check(&[("A", 1)], json!([a]), "JPY", "4 JPY");
    }

    #[test]
    fn what_is_missing_is_never_guessed() {
        let a = json!({ "product": { "sku": "A", "weightGrams": 500 } });
        check(&[("A", 1), ("B", 1)], json!([a]), "EUR", "UNAVAILABLE");
        check(&[("A", 1)], json!([{ "product": { "sku": "A", "weightGrams": null } }]), "EUR", "UNAVAILABLE");
        check(&[("A", 1)], json!([{ "product": null }, null]), "EUR", "UNAVAILABLE");
        check(&[("A", 1)], json!(null), "EUR", "UNAVAILABLE");
        check(&[("A", 1)], json!([{ "product": { "sku": "A", "weightGrams": -5 } }]), "EUR", "UNAVAILABLE");
        check(
            &[("A", i32::MAX)],
            json!([{ "product": { "sku": "A", "weightGrams": i64::MAX } }]),
            "EUR",
            "BAD_USER_INPUT",
        );
        assert!(shipping_cost(&[line("A", 1)], None, "EUR").is_err());
    }
}
