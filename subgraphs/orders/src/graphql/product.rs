//! What this service adds to a product. Knows its sales, and its SKU if an order line has it.

use async_graphql::{Context, ID, Object};
use service::graphql::loader;
use service::{Code, Error, Result};
use uuid::Uuid;

use super::loaders::UnitsSold;

/// A product, of which this service knows only the id and sometimes the SKU.
pub(crate) struct Product {
    id: Uuid,
    sku: Option<String>,
}

impl Product {
    /// The product with this id. Only inventory knows whether it exists.
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, sku: None }
    }

    /// The product of an order line, which has its SKU.
    pub(super) fn in_line(id: Uuid, sku: String) -> Self {
        Self { id, sku: Some(sku) }
    }
}

#[Object]
impl Product {
    /// The id.
    async fn id(&self) -> ID {
        self.id.into()
    }

    #[graphql(external)]
    async fn sku(&self) -> Result<&str> {
        self.sku.as_deref().ok_or_else(|| elsewhere("sku"))
    }

    #[graphql(external)]
    async fn weight_grams(&self) -> Result<i32> {
        Err(elsewhere("weightGrams"))
    }

    /// How many units were sold. Cancelled orders do not count.
    #[graphql(tag = "statistics")]
    async fn units_sold(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let sold = async {
            let sold = loader(ctx)?.load_one(UnitsSold(self.id)).await?;
            // GraphQL's Int has 32 bits.
            Ok(i32::try_from(sold.unwrap_or(0)).unwrap_or(i32::MAX))
        };
        Some(sold.await)
    }
}

fn elsewhere(field: &str) -> Error {
    Error::new(Code::BadUserInput, format!("`Product.{field}` is inventory's: ask for it through the router."))
}
