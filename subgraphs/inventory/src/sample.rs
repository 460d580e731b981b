//! The data of a new inventory database: the sample products in four warehouses, the same on every machine.

use chrono::TimeDelta;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use sea_orm::IntoActiveModel;
use sea_orm::prelude::TextUuid;
use service::Result;
use service::database::{Transaction, Work};
use service::sample::{Dice, SampleProduct, id, products, today};

use crate::catalog::{NewProduct, words_of};
use crate::entity::{product, product_word, stock, warehouse};

/// Fills the tables.
pub(crate) fn insert(tx: Transaction) -> Work {
    Box::pin(fill(tx))
}

async fn fill(tx: Transaction) -> Result<()> {
    let (rows, warehouses) = (product_rows(), warehouse_rows());
    let words: Vec<_> = rows.iter().flat_map(word_rows).collect();
    let stock = stock_rows(&rows, &warehouses);
    // Each statement has fewer values than SQLite can bind (32,766).
    product::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
        .exec_without_returning(&*tx)
        .await?;
    warehouse::Entity::insert_many(warehouses.into_iter().map(IntoActiveModel::into_active_model))
        .exec_without_returning(&*tx)
        .await?;
    product_word::Entity::insert_many(words).exec_without_returning(&*tx).await?;
    stock::Entity::insert_many(stock).exec_without_returning(&*tx).await?;
    Ok(())
}

fn product_rows() -> Vec<product::Model> {
    // The oldest product was added two years before the newest, and all before today.
    let added = |index: i64| (today() - TimeDelta::days(735) + TimeDelta::hours(index * 53)).timestamp_millis();
    let row = |(index, product): (i64, SampleProduct)| {
        NewProduct {
            id: product.id,
            sku: product.sku,
            name: product.name,
            description: product.description,
            category: product.category.to_owned(),
            price: product.price,
            cost: product.cost,
            weight_grams: product.weight_grams,
            created_at: added(index),
        }
        .row()
    };
    (0..).zip(products()).map(row).collect()
}

fn warehouse_rows() -> Vec<warehouse::Model> {
    let row = |(code, name, city, country): &(&str, &str, &str, &str)| warehouse::Model {
        id: TextUuid(id("warehouse", code)),
        code: (*code).to_owned(),
        name: (*name).to_owned(),
        city: (*city).to_owned(),
        country: (*country).to_owned(),
    };
    WAREHOUSES.iter().map(row).collect()
}

fn word_rows(row: &product::Model) -> Vec<product_word::ActiveModel> {
    let product = row.id;
    words_of(row)
        .into_iter()
        .map(|word| product_word::ActiveModel { word: Set(word), product_id: Set(product) })
        .collect()
}

/// One product in twelve is sold out, and not every warehouse has every product.
fn stock_rows(products: &[product::Model], warehouses: &[warehouse::Model]) -> Vec<stock::ActiveModel> {
    let mut dice = Dice::new("stock");
    let mut rows = Vec::new();
    for product in products {
        let sold_out = dice.below(12) == 0;
        for warehouse in warehouses {
            let quantity = dice.between(5, 240);
            if dice.below(4) > 0 {
                rows.push(stock::ActiveModel {
                    product_id: Set(product.id),
                    warehouse_id: Set(warehouse.id),
                    quantity: Set(if sold_out { 0 } else { quantity }),
                });
            }
        }
    }
    rows
}

const WAREHOUSES: [(&str, &str, &str, &str); 4] = [
    ("BER", "Berlin Westhafen", "Berlin", "DE"),
    ("GDN", "Gdańsk Port", "Gdańsk", "PL"),
    ("RTM", "Rotterdam Maasvlakte", "Rotterdam", "NL"),
    ("VIE", "Wien Freudenau", "Vienna", "AT"),
];
