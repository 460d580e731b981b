//! Searching products by words, the best match first. Knows no list and no page.
//!
//! The words are taken from texts here, so that both databases have the same: PostgreSQL keeps them as a `tsvector`, SQLite in an
//! FTS5 table (see the migration). A match in the name or SKU counts most, then one in the category, then one in the description.
//! All words of a query must occur; the last may be the start of one, because people see results while they type.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel, QueryFilter};
use service::Result;
use uuid::Uuid;

use crate::entity::{product, product_terms};

/// What somebody looks for: at least one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    whole: Vec<String>,
    /// The start of a word.
    last: String,
}

impl Search {
    /// The search for a text of any kind; none if it has no words, so that there is nothing to look for.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut whole: Vec<String> = words(text).take(MAX_SEARCH_WORDS).collect();
        let last = whole.pop()?;
        Some(Self { whole, last })
    }

    /// The condition for the products that match.
    pub(crate) fn condition(&self, backend: DbBackend) -> Condition {
        let found = match backend {
            DbBackend::Postgres => Query::select()
                .column(product_terms::Column::ProductId)
                .from(product_terms::Entity)
                .and_where(Expr::cust_with_values("terms @@ CAST($1 AS tsquery)", [self.postgres(" & ")]))
                .take(),
            _ => Query::select()
                .column(product_terms::Column::ProductId)
                .from(product_terms::Entity)
                .and_where(Expr::cust_with_values(
                    "number IN (SELECT rowid FROM product_search WHERE product_search MATCH ?)",
                    [self.sqlite()],
                ))
                .take(),
        };
        product::Column::Id.in_subquery(found).into_condition()
    }

    /// Restricts a statement over products to those that match, and sorts it by how well they do.
    pub(crate) fn rank(&self, select: &mut SelectStatement, backend: DbBackend) {
        let of_product = Expr::col((product_terms::Entity, product_terms::Column::ProductId))
            .equals((product::Entity, product::Column::Id));
        select.inner_join(product_terms::Entity, of_product);
        match backend {
            DbBackend::Postgres => {
                select.and_where(Expr::cust_with_values(
                    "product_terms.terms @@ CAST($1 AS tsquery)",
                    [self.postgres(" & ")],
                ));
                // Each word counts for itself: how near they are to each other is not kept.
                let rank = "ts_rank(product_terms.terms, CAST($1 AS tsquery))";
                select.order_by_expr(Expr::cust_with_values(rank, [self.postgres(" | ")]), Order::Desc);
            }
            _ => {
                select.inner_join("product_search", Expr::cust("product_search.rowid = product_terms.number"));
                select.and_where(Expr::cust_with_values("product_search MATCH ?", [self.sqlite()]));
                // The best match has the smallest number.
                select.order_by_expr(Expr::cust("bm25(product_search, 10.0, 4.0, 1.0)"), Order::Asc);
            }
        }
        for column in [product::Column::NameKey, product::Column::Id] {
            select.order_by((product::Entity, column), Order::Asc);
        }
    }

    /// A tsquery. Words have only letters and digits, so none can end its quotes.
    fn postgres(&self, operator: &str) -> String {
        let whole = self.whole.iter().map(|word| format!("'{word}'"));
        whole.chain([format!("'{}':*", self.last)]).collect::<Vec<_>>().join(operator)
    }

    /// An FTS5 query, with the same quotes.
    fn sqlite(&self) -> String {
        let whole = self.whole.iter().map(|word| format!("\"{word}\""));
        whole.chain([format!("\"{}\"*", self.last)]).collect::<Vec<_>>().join(" ")
    }
}

/// The words with which a product of this category can be found.
pub(crate) fn terms(row: &product::Model, category: &str) -> product_terms::Model {
    product_terms::Model {
        product_id: row.id,
        name: distinct(&format!("{} {}", row.name, row.sku)),
        category: distinct(category),
        description: distinct(&row.description),
    }
}

/// Changes the words of all products of a category whose name has changed.
pub(super) async fn rename_category(tx: &DatabaseTransaction, category: Uuid, name: &str) -> Result<()> {
    let products = Query::select()
        .column(product::Column::Id)
        .from(product::Entity)
        .and_where(product::Column::CategoryId.eq(category))
        .take();
    product_terms::Entity::update_many()
        .col_expr(product_terms::Column::Category, Expr::val(distinct(name)))
        .filter(product_terms::Column::ProductId.in_subquery(products))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes the words of products, new or not.
pub(crate) async fn write(
    tx: &DatabaseTransaction,
    terms: impl IntoIterator<Item = product_terms::Model>,
) -> Result<()> {
    use product_terms::Column::{Category, Description, Name, ProductId};
    let changed =
        sea_orm::sea_query::OnConflict::column(ProductId).update_columns([Name, Category, Description]).to_owned();
    product_terms::Entity::insert_many(terms.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(changed)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The words of a text in their order, in lower case. Everything that is not a letter or digit separates words, apart from marks
/// upon a letter (U+0300 and the following), which are left out: `i\u{307}` is what `İ` is in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let is_mark = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    let words = text.split(move |c: char| !c.is_alphanumeric() && !is_mark(c));
    let lower = words.map(move |word| {
        word.chars().take(MAX_WORD_LETTERS).flat_map(char::to_lowercase).filter(|c| !is_mark(*c)).collect::<String>()
    });
    lower.filter(|word| !word.is_empty())
}

fn distinct(text: &str) -> String {
    words(text).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

const MAX_SEARCH_WORDS: usize = 8;
const MAX_WORD_LETTERS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_person_types() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        };
        check("Enamel kettle, moss green", &["enamel", "kettle", "moss", "green"]);
        check("KIT-0101", &["kit", "0101"]);
        check("Ärmel 3/4 ärmel", &["ärmel", "3", "4", "ärmel"]);
        check("İzmir i\u{307}zmir", &["izmir", "izmir"]);
        check("\u{301} e\u{301}", &["e"]);
        check(" ,;- ", &[]);
        assert_eq!(distinct("b a b"), "a b");
    }

    #[test]
    fn no_text_breaks_out_of_a_query() {
        let search = |text: &str| Search::new(text).unwrap();
        assert_eq!(search("moss kett").postgres(" & "), "'moss' & 'kett':*");
        assert_eq!(search("moss kett").sqlite(), "\"moss\" \"kett\"*");
        assert_eq!(search("a' | !b:* \\ \" NEAR(").postgres(" & "), "'a' & 'b' & 'near':*");
        assert_eq!(search("a OR b").sqlite(), "\"a\" \"or\" \"b\"*");
        assert_eq!(Search::new("'\"()*:!&|\\ \u{202e} 🙂"), None);
        assert_eq!(search(&"lamp ".repeat(1 << 18)).whole.len(), MAX_SEARCH_WORDS - 1);
        assert_eq!(search(&"x".repeat(1 << 20)).last.len(), MAX_WORD_LETTERS);
    }
}
