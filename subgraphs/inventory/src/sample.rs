//! What a fresh inventory holds: the shared products, three warehouses, and stock that follows from a seed.

use sea_orm::prelude::TextUuid;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel};
use service::Result;
use service::sample::{self, Dice, SampleProduct};

use crate::entity::{product, stock, warehouse};

/// Rows of one INSERT: SQLite allows 32,766 values in a statement.
const ROWS: usize = 1_000;

const WAREHOUSES: [(&str, &str); 3] = [("North", "Hamburg"), ("West", "Lyon"), ("East", "Gdańsk")];

/// Fills the tables. Runs once in the life of a database.
pub(crate) async fn insert(transaction: &DatabaseTransaction) -> Result<()> {
    let products = sample::products();
    insert_all(transaction, products.iter().zip(0..).map(|(sample, age)| product_row(sample, age)).collect()).await?;
    let warehouses = warehouse_rows();
    insert_all(transaction, warehouses.clone()).await?;
    insert_all(transaction, stock_rows(&products, &warehouses)).await
}

async fn insert_all<M, A>(transaction: &DatabaseTransaction, rows: Vec<M>) -> Result<()>
where
    M: IntoActiveModel<A> + Clone,
    A: ActiveModelTrait,
{
    for rows in rows.chunks(ROWS) {
        let rows = rows.iter().cloned().map(M::into_active_model);
        A::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}

fn product_row(sample: &SampleProduct, age_days: i64) -> product::Model {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    product::Model {
        id: TextUuid(sample.id),
        sku: sample.sku.clone(),
        name: sample.name.clone(),
        description: sample.description.clone(),
        category: sample.category.to_owned(),
        search_text: product::search_text(&sample.name, &sample.sku, sample.category),
        price_minor: sample.price.minor(),
        currency: sample.price.currency().to_string(),
        cost_minor: sample.cost.minor(),
        weight_grams: sample.weight_grams,
        created_at: sample::today().timestamp_millis() - age_days * DAY,
    }
}

fn warehouse_rows() -> Vec<warehouse::Model> {
    let row = |(name, city): (&str, &str)| warehouse::Model {
        id: TextUuid(sample::id("warehouse", name)),
        name: name.to_owned(),
        city: city.to_owned(),
    };
    WAREHOUSES.map(row).to_vec()
}

/// Most products are in every warehouse, some in few, and one in twenty in none.
fn stock_rows(products: &[SampleProduct], warehouses: &[warehouse::Model]) -> Vec<stock::Model> {
    let mut dice = Dice::new("stock");
    let mut rows = Vec::new();
    for product in products {
        let sold_out = dice.below(20) == 0;
        for warehouse in warehouses {
            let quantity = if sold_out { 0 } else { dice.between(0, 80) };
            rows.push(stock::Model {
                product_id: TextUuid(product.id),
                warehouse_id: warehouse.id,
                quantity: i32::try_from(quantity).unwrap_or(0),
            });
        }
    }
    rows
}
