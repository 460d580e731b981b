//! The list of products: filter, order and cursors. Knows no resolver.

use async_graphql::{Context, Enum, InputObject};
use sea_orm::sea_query::{Expr, ExprTrait, IntoValueTuple, Query, SelectStatement, ValueTuple};
use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait,
};
use serde::{Deserialize, Serialize};
use service::graphql::page::{PageConnection, Slice};
use service::graphql::{MoneyInput, Total, database};
use service::{Error, Money, Page, Result};
use uuid::Uuid;

use super::loaders::{Stocked, stocked};
use super::product::Product;
use crate::catalog::categories::{self, Root};
use crate::catalog::search::Search;
use crate::entity::{product, stock};

/// Which products to list. Omitted conditions do not apply.
#[derive(InputObject, Debug)]
pub(crate) struct ProductFilter {
    /// Words that must occur in the name, SKU, category or description. Of the last word, the start is enough.
    search: Option<String>,
    /// The slug of a category, such as `kitchen`; products of categories below it are listed too.
    category: Option<String>,
    /// True for products that can be ordered now, false for those that can't.
    in_stock: Option<bool>,
    /// False for products that are sold, true for those that no longer are, null for both.
    #[graphql(default_with = "Some(false)")]
    discontinued: Option<bool>,
    /// The minimum price. Products with prices in other currencies are not listed.
    min_price: Option<MoneyInput>,
    /// The maximum price. Products with prices in other currencies are not listed.
    max_price: Option<MoneyInput>,
}

impl Default for ProductFilter {
    fn default() -> Self {
        Self {
            search: None,
            category: None,
            in_stock: None,
            discontinued: Some(false),
            min_price: None,
            max_price: None,
        }
    }
}

/// The order of a list of products.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProductSort {
    /// The best match of the search first: one in the name or SKU counts most, then in the category, then in the description.
    /// Without a search, by name.
    Relevance,
    /// By name, from A to Z.
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
    Name(String, Uuid),
    /// Currency, minor units and id.
    #[serde(rename = "p")]
    Price(String, i64, Uuid),
    /// Time and id.
    #[serde(rename = "t")]
    Time(i64, Uuid),
    /// The place in the list, from 1: how well a product matches depends on all others, so it is no key.
    #[serde(rename = "r")]
    Rank(u32),
}

impl From<ProductKey> for ValueTuple {
    fn from(key: ProductKey) -> Self {
        match key {
            ProductKey::Name(name, id) => (name, id).into_value_tuple(),
            ProductKey::Price(currency, minor, id) => (currency, minor, id).into_value_tuple(),
            ProductKey::Time(millis, id) => (millis, id).into_value_tuple(),
            ProductKey::Rank(place) => place.into_value_tuple(),
        }
    }
}

/// A list of products, of which pages can be read.
pub(super) struct List {
    condition: Condition,
    search: Option<Search>,
    sort: ProductSort,
    backend: DbBackend,
}

impl List {
    /// The products of the filter. If no order is given, a search sorts by relevance, and anything else by name.
    pub(super) async fn new(ctx: &Context<'_>, filter: ProductFilter, sort: Option<ProductSort>) -> Result<Self> {
        let database = database(ctx)?.reader();
        let mut list = Self {
            condition: filter.condition()?,
            search: filter.search.as_deref().and_then(Search::new),
            sort: sort.unwrap_or(ProductSort::Relevance),
            backend: database.get_database_backend(),
        };
        if let Some(slug) = &filter.category {
            list = list.within(&categories::with_descendants(database, Root::Slug(slug)).await?);
        }
        Ok(list)
    }

    /// Only products of these categories.
    pub(super) fn within(mut self, categories: &[Uuid]) -> Self {
        self.condition = self.condition.add(product::Column::CategoryId.is_in(categories.iter().copied()));
        self
    }

    /// A page of the list.
    pub(super) async fn page(
        self,
        ctx: &Context<'_>,
        page: &Page<ProductKey>,
    ) -> Result<PageConnection<ProductKey, Product>> {
        let database = database(ctx)?.reader();
        let found = match (&self.search, self.sort) {
            (Some(search), ProductSort::Relevance) => self.page_by_rank(search, page, database).await?,
            (_, sort) => self.page_by_key(sort, page, database).await?,
        };
        Ok(found.into_connection(Product::from, Total::of(product::Entity::find().filter(self.everything()))))
    }

    /// The condition with that of the search.
    fn everything(&self) -> Condition {
        let found = self.search.as_ref().map(|search| search.condition(self.backend));
        found.into_iter().fold(self.condition.clone(), Condition::add)
    }

    async fn page_by_key(
        &self,
        sort: ProductSort,
        page: &Page<ProductKey>,
        database: &DatabaseConnection,
    ) -> Result<Slice<ProductKey, Stocked>> {
        use product::Column::{CreatedAt, Id, NameKey, PriceCurrency, PriceMinor};
        check_cursors(page, |key| match sort {
            ProductSort::Name | ProductSort::Relevance => matches!(key, ProductKey::Name(..)),
            ProductSort::PriceAsc | ProductSort::PriceDesc => matches!(key, ProductKey::Price(..)),
            ProductSort::Newest => matches!(key, ProductKey::Time(..)),
        })?;
        let select = stocked().filter(self.everything());
        let mut cursor = match sort {
            ProductSort::Name | ProductSort::Relevance => select.cursor_by((NameKey, Id)),
            ProductSort::PriceAsc | ProductSort::PriceDesc => select.cursor_by((PriceCurrency, PriceMinor, Id)),
            ProductSort::Newest => select.cursor_by((CreatedAt, Id)),
        };
        if matches!(sort, ProductSort::PriceDesc | ProductSort::Newest) {
            cursor.desc();
        }
        Ok(page.fetch(cursor.into_model::<Stocked>(), database, |stocked| sort.key(&stocked.product)).await?)
    }

    async fn page_by_rank(
        &self,
        search: &Search,
        page: &Page<ProductKey>,
        database: &DatabaseConnection,
    ) -> Result<Slice<ProductKey, Stocked>> {
        check_cursors(page, |key| matches!(key, ProductKey::Rank(_)))?;
        let place = |key: Option<&ProductKey>| match key {
            Some(ProductKey::Rank(place)) => Some(u64::from(*place)),
            _ => None,
        };
        // The places after `start` up to `end`; one more than the size shows whether there are more.
        let (mut start, mut end) =
            (place(page.after()).unwrap_or(0), place(page.before()).map(|b| b.saturating_sub(1)));
        let most = page.size() as u64 + 1;
        if page.is_backward() {
            let last = match end {
                Some(end) => end,
                None => product::Entity::find().filter(self.everything()).count(database).await?,
            };
            start = Ord::max(start, last.saturating_sub(most));
            end = Some(last);
        }
        let limit = end.map_or(most, |end| Ord::min(end.saturating_sub(start), most));
        let mut select = stocked().filter(self.condition.clone()).limit(limit).offset(start);
        search.rank(QueryTrait::query(&mut select), self.backend);
        let found: Vec<Stocked> = select.into_model().all(database).await?;
        let placed: Vec<(u64, Stocked)> = (start + 1..).zip(found).collect();
        let slice = page.slice(placed, |(place, _)| ProductKey::Rank(u32::try_from(*place).unwrap_or(u32::MAX)));
        Ok(Slice {
            has_previous: slice.has_previous,
            has_next: slice.has_next,
            items: slice.items.into_iter().map(|(key, (_, stocked))| (key, stocked)).collect(),
        })
    }
}

/// An error if the cursors of the page are of a list in another order.
fn check_cursors(page: &Page<ProductKey>, fits: impl Fn(&ProductKey) -> bool) -> Result<()> {
    if page.after().into_iter().chain(page.before()).all(fits) {
        Ok(())
    } else {
        Err(Error::bad_input("The cursor is of a list with another `sort`."))
    }
}

impl ProductFilter {
    /// The conditions apart from those of the search and the category.
    fn condition(&self) -> Result<Condition> {
        let mut condition = Condition::all();
        if let Some(wanted) = self.in_stock {
            let there = Expr::exists(available_units());
            condition = match (wanted, self.discontinued) {
                (true, _) => condition.add(there).add(discontinued().not()),
                (false, Some(false)) => condition.add(there.not()),
                // What is discontinued can't be ordered, even if it is there.
                (false, _) => condition.add(discontinued().or(there.not())),
            };
        }
        if let Some(wanted) = self.discontinued {
            condition = condition.add(if wanted { discontinued() } else { discontinued().not() });
        }
        if let Some(price) = &self.min_price {
            let price = price.read(["filter", "minPrice"])?;
            condition = condition.add(in_currency(price).add(product::Column::PriceMinor.gte(price.minor())));
        }
        if let Some(price) = &self.max_price {
            let price = price.read(["filter", "maxPrice"])?;
            condition = condition.add(in_currency(price).add(product::Column::PriceMinor.lte(price.minor())));
        }
        Ok(condition)
    }
}

impl ProductSort {
    /// The cursor key of a product in a list of this order.
    fn key(self, row: &product::Model) -> ProductKey {
        match self {
            Self::Name | Self::Relevance => ProductKey::Name(row.name_key.clone(), row.id),
            Self::PriceAsc | Self::PriceDesc => ProductKey::Price(row.price_currency.clone(), row.price_minor, row.id),
            Self::Newest => ProductKey::Time(row.created_at, row.id),
        }
    }
}

/// Without a parameter, so that the databases see that the index of these products can be used.
fn discontinued() -> Expr {
    Expr::col((product::Entity, product::Column::Discontinued))
}

fn in_currency(price: Money) -> Condition {
    Condition::all().add(product::Column::PriceCurrency.eq(price.currency().code()))
}

fn available_units() -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(stock::Entity)
        .and_where(Expr::col((stock::Entity, stock::Column::ProductId)).equals((product::Entity, product::Column::Id)))
        .and_where(
            Expr::col((stock::Entity, stock::Column::OnHand)).gt(Expr::col((stock::Entity, stock::Column::Reserved))),
        )
        .take()
}
