//! A parcel in the graph. Reads only through the loaders.

use async_graphql::{Context, ID, Object, SimpleObject};
use service::clock::to_datetime;
use service::graphql::{id, loader};
use service::{DateTime, Result};

use super::loaders::ContentsOf;
use super::product::Product;
use crate::entity::fulfillment;

/// A parcel of an order.
pub(crate) struct Fulfillment(fulfillment::Model);

impl From<fulfillment::Model> for Fulfillment {
    fn from(row: fulfillment::Model) -> Self {
        Self(row)
    }
}

/// A parcel of an order.
#[Object(cache_control(private))]
impl Fulfillment {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Fulfillment", self.0.id)
    }

    /// Who brings it, such as `DHL`.
    async fn carrier(&self) -> Option<&str> {
        self.0.carrier.as_deref()
    }

    /// The carrier's number, with which the buyer can follow it.
    async fn tracking_number(&self) -> Option<&str> {
        self.0.tracking_number.as_deref()
    }

    /// When it was sent.
    async fn shipped_at(&self) -> DateTime {
        to_datetime(self.0.shipped_at)
    }

    /// When it arrived; null if that is not known yet.
    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(to_datetime)
    }

    /// What is in it.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<Units>> {
        let lines = loader(ctx)?.load_one(ContentsOf(self.0.id)).await?.unwrap_or_default();
        let units = |line: crate::entity::fulfillment_line::Model| Units::new(line.product_id, line.quantity);
        Ok(lines.into_iter().map(units).collect())
    }
}

/// Units of a product.
#[derive(SimpleObject)]
#[graphql(name = "ProductUnits")]
pub(crate) struct Units {
    /// The product.
    product: Option<Product>,
    /// The number of units.
    quantity: i32,
}

impl Units {
    pub(super) fn new(product: uuid::Uuid, quantity: i32) -> Self {
        Self { product: Some(Product::new(product)), quantity }
    }
}
