//! The data of a new inventory database: the sample products in four warehouses, the same on every machine.

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use service::Result;
use service::database::{Transaction, Work};
use service::sample::{Dice, SampleProduct, id, products, today};
use uuid::Uuid;

use crate::catalog::products::NewProduct;
use crate::catalog::search;
use crate::entity::stock_movement::Kind;
use crate::entity::{category, product, stock, stock_movement, warehouse};

/// Fills the tables.
pub(crate) fn insert(tx: Transaction) -> Work {
    Box::pin(fill(tx))
}

async fn fill(tx: Transaction) -> Result<()> {
    let samples = products();
    let products: Vec<_> = (0..).zip(&samples).map(product_row).collect();
    let terms =
        products.iter().zip(&samples).map(|(row, sample)| search::terms(row, sample.category)).collect::<Vec<_>>();
    let warehouses = warehouse_rows();
    let (movements, levels) = stock_rows(&products, &warehouses);
    // Each statement has fewer values than SQLite can bind (32,766).
    category::Entity::insert_many(active(category_rows(&samples))).exec_without_returning(&*tx).await?;
    product::Entity::insert_many(active(products)).exec_without_returning(&*tx).await?;
    warehouse::Entity::insert_many(active(warehouses)).exec_without_returning(&*tx).await?;
    stock_movement::Entity::insert_many(active(movements)).exec_without_returning(&*tx).await?;
    stock::Entity::insert_many(active(levels)).exec_without_returning(&*tx).await?;
    search::write(&tx, terms).await
}

fn active<M: IntoActiveModel<A>, A: ActiveModelTrait>(rows: Vec<M>) -> impl Iterator<Item = A> {
    rows.into_iter().map(IntoActiveModel::into_active_model)
}

/// A tree of two levels: those of the sample products, some of them below another.
fn category_rows(samples: &[SampleProduct]) -> Vec<category::Model> {
    let row = |name: &str, parent: Option<&str>| category::Model {
        id: category_id(name),
        slug: name.to_lowercase(),
        name: name.to_owned(),
        parent_id: parent.map(category_id),
        created_at: (today() - TimeDelta::days(736)).timestamp_millis(),
    };
    let above = GROUPS.iter().map(|(name, _)| row(name, None));
    let mut own: Vec<&str> = samples.iter().map(|sample| sample.category).collect();
    own.dedup();
    let parent = |name: &str| GROUPS.iter().find(|(_, below)| below.contains(&name)).map(|(group, _)| *group);
    above.chain(own.into_iter().map(|name| row(name, parent(name)))).collect()
}

fn category_id(name: &str) -> Uuid {
    id("category", &name.to_lowercase())
}

fn product_row((index, sample): (i64, &SampleProduct)) -> product::Model {
    // The oldest product was added two years before the newest, and all before today.
    let added = (today() - TimeDelta::days(735) + TimeDelta::hours(index * 53)).timestamp_millis();
    NewProduct {
        id: sample.id,
        sku: sample.sku.clone(),
        name: sample.name.clone(),
        description: sample.description.clone(),
        category: category_id(sample.category),
        price: sample.price,
        cost: sample.cost,
        weight_grams: sample.weight_grams,
        created_at: added,
    }
    .row()
}

fn warehouse_rows() -> Vec<warehouse::Model> {
    let row = |(code, name, city, country): &(&str, &str, &str, &str)| warehouse::Model {
        id: id("warehouse", code),
        code: (*code).to_owned(),
        name: (*name).to_owned(),
        city: (*city).to_owned(),
        country: (*country).to_owned(),
        active: true,
    };
    WAREHOUSES.iter().map(row).collect()
}

/// One product in twelve is sold out, and not every warehouse has every product.
fn stock_rows(
    products: &[product::Model],
    warehouses: &[warehouse::Model],
) -> (Vec<stock_movement::Model>, Vec<stock::Model>) {
    let mut dice = Dice::new("stock");
    let (mut movements, mut levels) = (Vec::new(), Vec::new());
    for product in products {
        let sold_out = dice.below(12) == 0;
        for warehouse in warehouses {
            let quantity = dice.between(5, 240);
            if dice.below(4) == 0 {
                continue;
            }
            let first = first_count(product, warehouse.id, if sold_out { 0 } else { quantity });
            levels.push(stock::Model {
                product_id: first.product_id,
                warehouse_id: first.warehouse_id,
                on_hand: first.quantity_after,
                reserved: 0,
                position: Some(first.position),
            });
            movements.push(first);
        }
    }
    (movements, levels)
}

fn first_count(product: &product::Model, warehouse: Uuid, quantity: i64) -> stock_movement::Model {
    stock_movement::Model {
        id: id("movement", &format!("{} {warehouse}", product.sku)),
        product_id: product.id,
        warehouse_id: warehouse,
        position: 1,
        previous: None,
        quantity_before: 0,
        delta: quantity,
        quantity_after: quantity,
        kind: Kind::Count,
        reason: Some("Sample data".to_owned()),
        actor: "system".to_owned(),
        request_key: None,
        reservation_key: None,
        created_at: product.created_at,
    }
}

const GROUPS: [(&str, &[&str]); 2] =
    [("Home", &["Kitchen", "Furniture", "Lighting", "Textiles"]), ("Outdoors", &["Camping", "Cycling", "Garden"])];

const WAREHOUSES: [(&str, &str, &str, &str); 4] = [
    ("BER", "Berlin Westhafen", "Berlin", "DE"),
    ("GDN", "Gdańsk Port", "Gdańsk", "PL"),
    ("RTM", "Rotterdam Maasvlakte", "Rotterdam", "NL"),
    ("VIE", "Wien Freudenau", "Vienna", "AT"),
];
