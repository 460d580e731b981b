//! What shipping costs, and how high the tax is, by country. Knows no order and no product.
//!
//! Prices in the shop are without tax. Tax is due on the goods and on shipping; it is rounded once per order, half a cent up.

use service::Money;
use service::graphql::money::{Currency, MoneyError};

/// What a buyer pays, apart from the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charges {
    pub(crate) shipping: Money,
    pub(crate) tax: Money,
    /// The goods, shipping and tax.
    pub(crate) total: Money,
}

/// Why there is no price for shipping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RateError {
    /// The shop sends nothing there.
    #[error("the shop does not send to {0}")]
    Country(String),
    /// There are no shipping rates in this currency.
    #[error("the shop has no shipping rates in {0}")]
    Currency(Currency),
    /// It weighs more than the carriers take.
    #[error("the order weighs more than {} kg", MAX_GRAMS / 1000)]
    TooHeavy,
    /// The sum is too large.
    #[error(transparent)]
    Sum(#[from] MoneyError),
}

/// What a carrier takes for a parcel.
struct Zone {
    /// Up to `INCLUDED_GRAMS`, in hundredths of the currency.
    base: i64,
    /// For each further kilogram or part of one.
    per_kilogram: i64,
}

const HOME: Zone = Zone { base: 490, per_kilogram: 90 };
const EUROPE: Zone = Zone { base: 990, per_kilogram: 150 };
const WORLD: Zone = Zone { base: 2490, per_kilogram: 490 };

const INCLUDED_GRAMS: i64 = 2_000;
const MAX_GRAMS: i64 = 10_000_000;

/// Where the shop sends to, how far that is, and the tax in hundredths of a percent. Outside of the European Union the buyer pays
/// duties on arrival, and the shop takes no tax.
const COUNTRIES: [(&str, &Zone, i64); 19] = [
    ("AT", &EUROPE, 2000),
    ("BE", &EUROPE, 2100),
    ("CH", &EUROPE, 0),
    ("CZ", &EUROPE, 2100),
    ("DE", &HOME, 1900),
    ("DK", &EUROPE, 2500),
    ("ES", &EUROPE, 2100),
    ("FI", &EUROPE, 2550),
    ("FR", &EUROPE, 2000),
    ("GB", &EUROPE, 0),
    ("IE", &EUROPE, 2300),
    ("IT", &EUROPE, 2200),
    ("NL", &EUROPE, 2100),
    ("NO", &EUROPE, 0),
    ("PL", &EUROPE, 2300),
    ("PT", &EUROPE, 2300),
    ("SE", &EUROPE, 2500),
    ("US", &WORLD, 0),
    ("CA", &WORLD, 0),
];

/// The rates are the same figures in each of these.
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];

/// What the buyer of these goods pays.
pub(crate) fn charges(goods: Money, grams: i64, country: &str) -> Result<Charges, RateError> {
    let (_, _, tax_rate) = find(country)?;
    let shipping = shipping(grams, country, goods.currency())?;
    let taxed = goods.plus(shipping)?;
    let tax = Money::new(portion(taxed.minor(), *tax_rate)?, goods.currency());
    Ok(Charges { shipping, tax, total: taxed.plus(tax)? })
}

/// What it costs to send so much.
pub(crate) fn shipping(grams: i64, country: &str, currency: Currency) -> Result<Money, RateError> {
    let (_, zone, _) = find(country)?;
    if !CURRENCIES.contains(&currency.code()) {
        return Err(RateError::Currency(currency));
    }
    if !(0..=MAX_GRAMS).contains(&grams) {
        return Err(RateError::TooHeavy);
    }
    let further = (grams - INCLUDED_GRAMS).max(0);
    let kilograms = further / 1000 + i64::from(further % 1000 > 0);
    Ok(Money::new(zone.base + kilograms * zone.per_kilogram, currency))
}

fn find(country: &str) -> Result<&'static (&'static str, &'static Zone, i64), RateError> {
    COUNTRIES.iter().find(|(code, ..)| *code == country).ok_or_else(|| RateError::Country(country.to_owned()))
}

/// So many ten-thousandths of an amount that is not negative, half up.
fn portion(minor: i64, ten_thousandths: i64) -> Result<i64, MoneyError> {
    let portion = (i128::from(minor) * i128::from(ten_thousandths) + 5_000) / 10_000;
    i64::try_from(portion).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(goods: &str, grams: i64, country: &str, expected: &str) {
        let charges = charges(goods.parse().unwrap(), grams, country);
        let text = charges.map_or_else(
            |error| error.to_string(),
            |charges| format!("{} + {} = {}", charges.shipping, charges.tax, charges.total),
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_total_is_the_sum_of_its_parts_to_the_cent() {
        check("10.00 EUR", 0, "DE", "4.90 EUR + 2.83 EUR = 17.73 EUR");
        check("10.00 EUR", 2_000, "DE", "4.90 EUR + 2.83 EUR = 17.73 EUR");
        check("10.00 EUR", 2_001, "DE", "5.80 EUR + 3.00 EUR = 18.80 EUR");
        check("10.00 EUR", 3_000, "DE", "5.80 EUR + 3.00 EUR = 18.80 EUR");
        check("0.00 EUR", 3_001, "AT", "12.90 EUR + 2.58 EUR = 15.48 EUR");
        check("10.00 USD", 500, "US", "24.90 USD + 0.00 USD = 34.90 USD");
        // 19 % of 5.00 + 4.90 is 1.881; 25.5 % of 0.11 + 9.90 is 2.55255.
        check("5.00 EUR", 1, "DE", "4.90 EUR + 1.88 EUR = 11.78 EUR");
        check("0.11 EUR", 1, "FI", "9.90 EUR + 2.55 EUR = 12.56 EUR");
        // Half up: 25 % of 0.04 + 9.90 is 2.485.
        check("0.04 EUR", 1, "DK", "9.90 EUR + 2.49 EUR = 12.43 EUR");
    }

    #[test]
    fn what_has_no_rate_has_no_price() {
        check("10.00 EUR", 0, "AQ", "the shop does not send to AQ");
        check("10 JPY", 0, "DE", "the shop has no shipping rates in JPY");
        check("10.00 EUR", MAX_GRAMS + 1, "DE", "the order weighs more than 10000 kg");
        check("10.00 EUR", i64::MAX, "DE", "the order weighs more than 10000 kg");
        check("92233720368547758.07 EUR", 0, "US", "the amount is too large");
        check("92233720368547758.07 EUR", 0, "DE", "the amount is too large");
        check("92233720368547000.00 EUR", 0, "DE", "the amount is too large");
    }
}
