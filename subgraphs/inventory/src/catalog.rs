//! Products: creating, changing and searching them. Knows no stock and no GraphQL.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;
use sea_orm::prelude::TextUuid;
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, SqlErr, TryIntoModel,
};
use service::database::Transaction;
use service::{Error, Money, Result, now};
use uuid::Uuid;

use crate::entity::{product, product_word};

/// A new product.
#[derive(Debug, Clone)]
pub(crate) struct NewProduct {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) price: Money,
    pub(crate) cost: Money,
    pub(crate) weight_grams: i32,
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
}

/// The changes of a product. Fields that are `None` keep their value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) price: Option<Money>,
    pub(crate) cost: Option<Money>,
    pub(crate) weight_grams: Option<i32>,
}

/// Creates a product; its SKU must be new.
pub(crate) async fn create(tx: Transaction, new: &NewProduct) -> Result<Uuid> {
    let row = new.row();
    check(&row)?;
    let taken = || Error::conflict(format!("There is already a product with the SKU `{}`.", new.sku));
    match product::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await {
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => return Err(taken()),
        inserted => inserted?,
    };
    insert_words(&tx, &row).await?;
    tell(&tx, new.id).await?;
    Ok(new.id)
}

/// Changes a product; an error if there is none with this id.
pub(crate) async fn update(tx: Transaction, id: Uuid, changes: &Changes) -> Result<()> {
    // Locked, because the words depend on both name and category, and another change may be running.
    let found = product::Entity::find_by_id(TextUuid(id)).lock_exclusive().one(&*tx).await?;
    let before = found.ok_or_else(|| Error::not_found("There is no product with this id."))?;
    let mut row = before.clone().into_active_model();
    changes.set(&mut row);
    check(&row.clone().try_into_model()?)?;
    row.updated_at = Set(now().timestamp_millis());
    let after = row.update(&*tx).await?;
    if words_of(&before) != words_of(&after) {
        product_word::Entity::delete_many().filter(product_word::Column::ProductId.eq(after.id)).exec(&*tx).await?;
        insert_words(&tx, &after).await?;
    }
    tell(&tx, id).await
}

/// Publishes, once this transaction is committed, that a product is new or has changed.
async fn tell(tx: &DatabaseTransaction, id: Uuid) -> Result<()> {
    service::events::add(tx, id, format!("products.{id}.changed"), &serde_json::json!({ "id": id })).await
}

/// The condition for products that match a text: each of its words is the start of a word in the name, category or SKU.
pub(crate) fn matching(text: &str) -> Condition {
    words(text).into_iter().take(MAX_SEARCH_WORDS).fold(Condition::all(), |condition, word| {
        let mut begins = Condition::all().add(product_word::Column::Word.gte(word.as_str()));
        if let Some(end) = after_prefix(&word) {
            begins = begins.add(product_word::Column::Word.lt(end));
        }
        let products = Query::select()
            .column(product_word::Column::ProductId)
            .from(product_word::Entity)
            .cond_where(begins)
            .take();
        condition.add(product::Column::Id.in_subquery(products))
    })
}

/// The words with which a product can be found.
pub(crate) fn words_of(row: &product::Model) -> BTreeSet<String> {
    words(&format!("{} {} {}", row.name, row.category, row.sku))
}

impl NewProduct {
    /// The product as a row.
    pub(crate) fn row(&self) -> product::Model {
        product::Model {
            id: TextUuid(self.id),
            sku: self.sku.clone(),
            name: self.name.clone(),
            name_key: self.name.to_lowercase(),
            description: self.description.clone(),
            category: self.category.clone(),
            price_minor: self.price.minor(),
            price_currency: self.price.currency().to_string(),
            cost_minor: self.cost.minor(),
            cost_currency: self.cost.currency().to_string(),
            weight_grams: self.weight_grams,
            created_at: self.created_at,
            updated_at: self.created_at,
        }
    }
}

impl Changes {
    /// Sets the changed columns and no others.
    fn set(&self, row: &mut product::ActiveModel) {
        if let Some(name) = &self.name {
            (row.name, row.name_key) = (Set(name.clone()), Set(name.to_lowercase()));
        }
        if let Some(description) = &self.description {
            row.description = Set(description.clone());
        }
        if let Some(category) = &self.category {
            row.category = Set(category.clone());
        }
        if let Some(price) = self.price {
            (row.price_minor, row.price_currency) = (Set(price.minor()), Set(price.currency().to_string()));
        }
        if let Some(cost) = self.cost {
            (row.cost_minor, row.cost_currency) = (Set(cost.minor()), Set(cost.currency().to_string()));
        }
        if let Some(weight) = self.weight_grams {
            row.weight_grams = Set(weight);
        }
    }
}

async fn insert_words(tx: &DatabaseTransaction, row: &product::Model) -> Result<()> {
    let words = words_of(row).into_iter();
    let rows = words.map(|word| product_word::ActiveModel { word: Set(word), product_id: Set(row.id) });
    // There is at least one: every SKU has a letter or digit.
    product_word::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

fn check(row: &product::Model) -> Result<()> {
    let sku_letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let sku_is_good = row.sku.len() <= 40 && row.sku.chars().all(sku_letters);
    if !sku_is_good || words(&row.sku).is_empty() {
        return Err(Error::bad_input("`sku` must have 1 to 40 capitals, digits and hyphens, such as `KIT-0101`."));
    }
    for (field, text, most) in
        [("name", &row.name, 200), ("category", &row.category, 60), ("description", &row.description, 4000)]
    {
        if text.trim().is_empty() || text.chars().count() > most {
            return Err(Error::bad_input(format!("`{field}` must have 1 to {most} characters.")));
        }
    }
    if row.price_minor < 0 || row.cost_minor < 0 {
        return Err(Error::bad_input("`price` and `cost` must not be negative."));
    }
    if row.weight_grams < 0 {
        return Err(Error::bad_input("`weightGrams` must not be negative."));
    }
    Ok(())
}

/// The distinct words of a text, in lower case. Everything that is not a letter or digit separates words.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(MAX_WORD_LETTERS).collect::<String>().to_lowercase()).collect()
}

/// The smallest text that is greater than all texts with this prefix; none if the prefix has only the greatest character.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        // Skips the surrogates, which are not characters.
        let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

const MAX_SEARCH_WORDS: usize = 8;
const MAX_WORD_LETTERS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_person_types() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(words(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
        };
        check("Enamel kettle, moss green", &["enamel", "green", "kettle", "moss"]);
        check("KIT-0101", &["0101", "kit"]);
        check("Ärmel 3/4 ärmel", &["3", "4", "ärmel"]);
        check(" ,;- ", &[]);
    }

    #[test]
    fn the_end_of_a_prefix_is_after_all_that_start_with_it() {
        assert_eq!(after_prefix("oak"), Some("oal".to_owned()));
        assert_eq!(after_prefix("a\u{d7ff}"), Some("a\u{e000}".to_owned()));
        assert_eq!(after_prefix("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
