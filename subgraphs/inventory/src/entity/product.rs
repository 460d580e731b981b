//! A product. Knows nothing of where it is in stock.

use sea_orm::entity::prelude::*;
use service::{Error, Money, Result};

/// One row of `products`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TextUuid,
    /// Never changed: others keep copies of it.
    #[sea_orm(unique)]
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: String,
    /// Name, SKU and category in lower case: what a search looks through.
    pub(crate) search_text: String,
    pub(crate) price_minor: i64,
    /// The currency of price and cost.
    pub(crate) currency: String,
    pub(crate) cost_minor: i64,
    pub(crate) weight_grams: i32,
    /// Milliseconds since the epoch: one representation that sorts alike on SQLite and PostgreSQL.
    pub(crate) created_at: i64,
}

impl Model {
    pub(crate) fn price(&self) -> Result<Money> {
        Money::from_columns(self.price_minor, &self.currency).map_err(Error::internal)
    }

    pub(crate) fn cost(&self) -> Result<Money> {
        Money::from_columns(self.cost_minor, &self.currency).map_err(Error::internal)
    }
}

/// What a search looks through, kept beside the name so that it can be found by one scan without functions that the
/// databases spell differently.
pub(crate) fn search_text(name: &str, sku: &str, category: &str) -> String {
    format!("{name} {sku} {category}").to_lowercase()
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
