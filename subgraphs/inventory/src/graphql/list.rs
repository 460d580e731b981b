//! The list of products: filter, order and cursors. Knows no resolver.

use async_graphql::{Enum, InputObject};
use sea_orm::sea_query::{Expr, ExprTrait, IntoValueTuple, Query, ValueTuple};
use sea_orm::{ColumnTrait, Condition, Cursor, QueryFilter, SelectModel};
use serde::{Deserialize, Serialize};
use service::{Error, Money, Page, Result};

use super::loaders::{Stocked, stocked};
use crate::catalog;
use crate::entity::{product, stock};

/// Which products to list. Omitted conditions do not apply.
#[derive(InputObject, Debug, Default)]
pub(crate) struct ProductFilter {
    /// Words that must occur in the name, category or SKU. The start of each word is enough.
    search: Option<String>,
    /// The category, such as `Kitchen`.
    category: Option<String>,
    /// True for products that can be ordered now, false for those that can't.
    in_stock: Option<bool>,
    /// The minimum price. Products with prices in other currencies are not listed.
    min_price: Option<Money>,
    /// The maximum price. Products with prices in other currencies are not listed.
    max_price: Option<Money>,
}

/// The order of a list of products.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ProductSort {
    /// By name, from A to Z.
    #[default]
    Name,
    /// By currency, then by price, lowest first.
    PriceAsc,
    /// By currency, then by price, highest first.
    PriceDesc,
    /// By when they were added, newest first.
    Newest,
}

/// The cursor key of a product in a list of some order; the id makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ProductKey {
    /// Name and id.
    #[serde(rename = "n")]
    Name(String, String),
    /// Currency, minor units and id.
    #[serde(rename = "p")]
    Price(String, i64, String),
    /// Time and id.
    #[serde(rename = "t")]
    Time(i64, String),
}

impl From<ProductKey> for ValueTuple {
    fn from(key: ProductKey) -> Self {
        match key {
            ProductKey::Name(name, id) => (name, id).into_value_tuple(),
            ProductKey::Price(currency, minor, id) => (currency, minor, id).into_value_tuple(),
            ProductKey::Time(millis, id) => (millis, id).into_value_tuple(),
        }
    }
}

impl ProductFilter {
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if let Some(text) = &self.search {
            condition = condition.add(catalog::matching(text));
        }
        if let Some(category) = &self.category {
            condition = condition.add(product::Column::Category.eq(category));
        }
        if let Some(wanted) = self.in_stock {
            let there = Expr::exists(available_units());
            condition = condition.add(if wanted { there } else { there.not() });
        }
        if let Some(price) = self.min_price {
            condition = condition.add(in_currency(price).add(product::Column::PriceMinor.gte(price.minor())));
        }
        if let Some(price) = self.max_price {
            condition = condition.add(in_currency(price).add(product::Column::PriceMinor.lte(price.minor())));
        }
        condition
    }
}

impl ProductSort {
    /// The cursor key of a product in a list of this order.
    pub(super) fn key(self, stocked: &Stocked) -> ProductKey {
        let row = &stocked.product;
        let id = row.id.to_string();
        match self {
            Self::Name => ProductKey::Name(row.name_key.clone(), id),
            Self::PriceAsc | Self::PriceDesc => ProductKey::Price(row.price_currency.clone(), row.price_minor, id),
            Self::Newest => ProductKey::Time(row.created_at, id),
        }
    }

    /// An error if the cursors of the page are of a list in another order.
    pub(super) fn check(self, page: &Page<ProductKey>) -> Result<()> {
        let fits = |key: &ProductKey| {
            matches!(
                (self, key),
                (Self::Name, ProductKey::Name(..))
                    | (Self::PriceAsc | Self::PriceDesc, ProductKey::Price(..))
                    | (Self::Newest, ProductKey::Time(..))
            )
        };
        if page.after().into_iter().chain(page.before()).all(fits) {
            Ok(())
        } else {
            Err(Error::bad_input("The cursor is of a list with another `sort`."))
        }
    }

    /// The statement for the list in this order.
    pub(super) fn list(self, filter: &ProductFilter) -> Cursor<SelectModel<Stocked>> {
        use product::Column::{CreatedAt, Id, NameKey, PriceCurrency, PriceMinor};
        let select = stocked().filter(filter.condition());
        let mut cursor = match self {
            Self::Name => select.cursor_by((NameKey, Id)),
            Self::PriceAsc | Self::PriceDesc => select.cursor_by((PriceCurrency, PriceMinor, Id)),
            Self::Newest => select.cursor_by((CreatedAt, Id)),
        };
        if matches!(self, Self::PriceDesc | Self::Newest) {
            cursor.desc();
        }
        cursor.into_model()
    }
}

fn in_currency(price: Money) -> Condition {
    Condition::all().add(product::Column::PriceCurrency.eq(price.currency().code()))
}

fn available_units() -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(stock::Entity)
        .and_where(Expr::col((stock::Entity, stock::Column::ProductId)).equals((product::Entity, product::Column::Id)))
        .and_where(Expr::col((stock::Entity, stock::Column::Quantity)).gt(0))
        .take()
}
