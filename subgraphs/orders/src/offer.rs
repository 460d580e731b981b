//! An offer: what is sold, at which price, and what it costs in all. It is computed once, and kept with the quote and with the order.
//! Knows no database and no HTTP.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use service::graphql::money::MoneyError;
use service::{Code, Error, Money, Result};
use uuid::Uuid;

use crate::address::Address;
use crate::rates::{self, RateError};
use crate::saga::inventory::Product;

/// What a buyer is offered. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub(crate) struct Offer {
    pub(crate) lines: Vec<OfferLine>,
    pub(crate) address: Address,
    pub(crate) currency: String,
    pub(crate) subtotal_minor: i64,
    pub(crate) shipping_minor: i64,
    pub(crate) tax_minor: i64,
    pub(crate) total_minor: i64,
}

/// A product, as it is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferLine {
    pub(crate) product_id: Uuid,
    pub(crate) quantity: i32,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) unit_price_minor: i64,
    pub(crate) weight_grams: i32,
}

/// A product and how many units of it somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(crate) struct WantedLine {
    pub(crate) product: Uuid,
    pub(crate) quantity: i32,
}

/// The path of the lines in the input of mutations, for errors.
pub(crate) const LINES: [&str; 2] = ["input", "lines"];

/// The path of a field of a line of the input.
pub(crate) fn path_of(index: usize, field: &str) -> [String; 4] {
    [LINES[0].to_owned(), LINES[1].to_owned(), index.to_string(), field.to_owned()]
}

impl Offer {
    /// The offer for these products, sent to this address.
    pub(crate) fn new(wanted: &[(WantedLine, Product)], address: Address) -> Result<Self> {
        let mut subtotal: Option<Money> = None;
        let mut grams: i64 = 0;
        let mut lines = Vec::with_capacity(wanted.len());
        for (line, product) in wanted {
            let price = product.price.times(i64::from(line.quantity)).map_err(unpayable)?;
            subtotal = Some(match subtotal {
                Some(subtotal) => subtotal.plus(price).map_err(unpayable)?,
                None => price,
            });
            // Both have 32 bits and the number of lines is bounded.
            grams = grams.saturating_add(i64::from(product.weight_grams) * i64::from(line.quantity));
            lines.push(OfferLine {
                product_id: line.product,
                quantity: line.quantity,
                sku: product.sku.clone(),
                name: product.name.clone(),
                unit_price_minor: product.price.minor(),
                weight_grams: product.weight_grams,
            });
        }
        let subtotal = subtotal.ok_or_else(|| Error::bad_input("An order needs at least one line.").at(LINES))?;
        let charges = rates::charges(subtotal, grams, &address.country_code).map_err(undeliverable)?;
        Ok(Self {
            lines,
            address,
            currency: subtotal.currency().code().to_owned(),
            subtotal_minor: subtotal.minor(),
            shipping_minor: charges.shipping.minor(),
            tax_minor: charges.tax.minor(),
            total_minor: charges.total.minor(),
        })
    }

    /// What the buyer pays.
    pub(crate) fn total(&self) -> Result<Money> {
        Money::from_columns(self.total_minor, &self.currency).map_err(Error::internal)
    }

    /// Whether a buyer who agreed to the other one pays the same here.
    pub(crate) fn costs_the_same(&self, other: &Self) -> bool {
        (self.total_minor, &self.currency) == (other.total_minor, &other.currency)
    }
}

/// The code of an order that can't be sent there.
pub(crate) const NOT_DELIVERABLE: Code = Code::Own("NOT_DELIVERABLE");

fn undeliverable(error: RateError) -> Error {
    match error {
        RateError::Sum(error) => unpayable(error),
        error => Error::new(NOT_DELIVERABLE, format!("This can't be delivered: {error}.")).at([
            "input",
            "shippingAddress",
            "countryCode",
        ]),
    }
}

fn unpayable(error: MoneyError) -> Error {
    let message = match error {
        MoneyError::Currencies(..) => {
            "The products are priced in different currencies. Place an order for each currency.".to_owned()
        }
        error => format!("This can't be ordered: {error}."),
    };
    Error::bad_input(message).at(LINES)
}
