//! A quote in the graph. Knows no database.

use async_graphql::{ID, Object, SimpleObject};
use service::clock::to_datetime;
use service::graphql::id;
use service::{DateTime, Error, Money, Result};

use super::order::money;
use super::product::Product;
use crate::address::Address;
use crate::entity::quote;

/// What an order would cost.
pub(crate) struct Quote(quote::Model);

impl From<quote::Model> for Quote {
    fn from(row: quote::Model) -> Self {
        Self(row)
    }
}

/// What an order would cost. To order at this price, give its id to `placeOrder` before it expires.
#[Object(cache_control(private))]
impl Quote {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Quote", self.0.id)
    }

    /// The products, at their current prices.
    async fn lines(&self) -> Result<Vec<QuoteLine>> {
        let line = |line: &crate::offer::OfferLine| {
            let unit_price = money(line.unit_price_minor, &self.0.offer.currency)?;
            Ok(QuoteLine {
                product: Some(Product::in_line(line.product_id, line.sku.clone())),
                name: line.name.clone(),
                sku: line.sku.clone(),
                quantity: line.quantity,
                unit_price,
                weight_grams: line.weight_grams,
                total: unit_price.times(i64::from(line.quantity)).map_err(Error::internal)?,
            })
        };
        self.0.offer.lines.iter().map(line).collect()
    }

    /// The sum of the lines, without tax.
    async fn subtotal(&self) -> Result<Money> {
        money(self.0.offer.subtotal_minor, &self.0.offer.currency)
    }

    /// The cost of shipping, by weight and country, without tax.
    async fn shipping(&self) -> Result<Money> {
        money(self.0.offer.shipping_minor, &self.0.offer.currency)
    }

    /// The tax on the lines and on shipping.
    async fn tax(&self) -> Result<Money> {
        money(self.0.offer.tax_minor, &self.0.offer.currency)
    }

    /// What the buyer pays: the sum of the three.
    async fn total(&self) -> Result<Money> {
        money(self.0.offer.total_minor, &self.0.offer.currency)
    }

    /// Where it would be sent.
    async fn shipping_address(&self) -> &Address {
        &self.0.offer.address
    }

    /// Until when it can be accepted.
    async fn expires_at(&self) -> DateTime {
        to_datetime(self.0.expires_at)
    }
}

/// A product in a quote.
#[derive(SimpleObject)]
pub(crate) struct QuoteLine {
    /// The product.
    #[graphql(provides = "sku")]
    product: Option<Product>,
    /// The product's name.
    name: String,
    /// The product's SKU.
    sku: String,
    /// The number of units.
    quantity: i32,
    /// The price of one unit, without tax.
    unit_price: Money,
    /// The weight of one unit.
    weight_grams: i32,
    /// The unit price times the quantity.
    total: Money,
}
