//! What this service adds to a product. Knows its sales, and its SKU if an order line has it; its weight comes from the router.

use async_graphql::{Context, ID, Object};
use service::graphql::money::Currency;
use service::graphql::{id, loader};
use service::{Code, Error, Money, Result};
use uuid::Uuid;

use super::loaders::UnitsSold;
use crate::rates;

/// A product, of which this service knows only the id and sometimes the SKU.
pub(crate) struct Product {
    id: Uuid,
    sku: Option<String>,
    /// Inventory's weight, which the router sends when it asks for a field that needs it.
    weight_grams: Option<i64>,
}

impl Product {
    /// The product with this id. Only inventory knows whether it exists.
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, sku: None, weight_grams: None }
    }

    /// The product of an order line, which has its SKU.
    pub(super) fn in_line(id: Uuid, sku: String) -> Self {
        Self { sku: Some(sku), ..Self::new(id) }
    }

    /// The product, with the weight that the router sent.
    pub(super) fn with_weight(self, weight_grams: Option<i64>) -> Self {
        Self { weight_grams, ..self }
    }
}

#[Object]
impl Product {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Product", self.id)
    }

    #[graphql(external)]
    async fn sku(&self) -> Result<&str> {
        self.sku.as_deref().ok_or_else(|| elsewhere("sku"))
    }

    #[graphql(external)]
    async fn weight_grams(&self) -> Result<i32> {
        Err(elsewhere("weightGrams"))
    }

    /// How many units were sold. Units that were paid back do not count.
    #[graphql(tag = "statistics")]
    async fn units_sold(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let sold = async {
            let sold = loader(ctx)?.load_one(UnitsSold(self.id)).await?;
            // GraphQL's Int has 32 bits.
            Ok(i32::try_from(sold.unwrap_or(0)).unwrap_or(i32::MAX))
        };
        Some(sold.await)
    }

    /// What it costs to send one unit alone, in euros, without tax. Null, with an error, if the shop does not send there.
    #[graphql(requires = "weightGrams")]
    async fn shipping_estimate(
        &self,
        #[graphql(desc = "The country by its two letters of ISO 3166-1.", default = "DE")] country_code: String,
    ) -> Option<Result<Money>> {
        let grams = self.weight_grams.filter(|grams| *grams >= 0).ok_or_else(|| {
            let message = "The weight of the product is not known: ask for its shipping through the router.";
            Error::new(Code::Unavailable, message)
        });
        let estimate = |grams| {
            rates::shipping(grams, &country_code, Currency::EUR)
                .map_err(|error| Error::bad_input(format!("There is no shipping price: {error}.")).at(["countryCode"]))
        };
        Some(grams.and_then(estimate))
    }
}

fn elsewhere(field: &str) -> Error {
    Error::new(Code::BadUserInput, format!("`Product.{field}` is inventory's: ask for it through the router."))
}
