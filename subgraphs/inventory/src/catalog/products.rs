//! Products: creating and changing them. Knows no search, but what it is told of.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    TryIntoModel,
};
use service::database::{Transaction, is_duplicate};
use service::{Error, Money, Result, clock};
use uuid::Uuid;

use super::{categories, rules, search};
use crate::changes;
use crate::entity::{product, product_image, product_option};

/// A new product.
#[derive(Debug, Clone)]
pub(crate) struct NewProduct {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Uuid,
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
    pub(crate) category: Option<Uuid>,
    pub(crate) price: Option<Money>,
    pub(crate) cost: Option<Money>,
    pub(crate) weight_grams: Option<i32>,
    /// All options, in their order.
    pub(crate) options: Option<Vec<ProductOption>>,
    /// All images, in their order.
    pub(crate) images: Option<Vec<Image>>,
}

/// A property by which variants differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductOption {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) url: String,
    pub(crate) alt: String,
}

/// Creates a product; its SKU must be new.
pub(crate) async fn create(
    tx: Transaction,
    new: &NewProduct,
    options: &[ProductOption],
    images: &[Image],
) -> Result<Uuid> {
    let row = new.row();
    rules::product(&row)?;
    rules::options(options)?;
    rules::images(images)?;
    let category = categories::lock_shared(&tx, row.category_id).await?;
    let taken = || {
        let message = format!("There is already a product with the SKU `{}`.", new.sku);
        Error::conflict(message).at(["input", "sku"])
    };
    match product::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await {
        Err(error) if is_duplicate(&error) => return Err(taken()),
        inserted => inserted?,
    };
    search::write(&tx, [search::terms(&row, &category.name)]).await?;
    insert_options(&tx, new.id, options).await?;
    insert_images(&tx, new.id, images).await?;
    changes::product(&tx, new.id).await?;
    Ok(new.id)
}

/// Changes a product; an error if there is none with this id.
pub(crate) async fn update(tx: Transaction, id: Uuid, changes: &Changes) -> Result<()> {
    // Locked, because the words depend on several fields, and another change may be running.
    let before = lock(&tx, id).await?;
    let mut row = before.clone().into_active_model();
    changes.set(&mut row);
    rules::product(&row.clone().try_into_model()?)?;
    row.updated_at = Set(clock::now_millis());
    let after = row.update(&*tx).await?;
    let category = categories::lock_shared(&tx, after.category_id).await?;
    let words = |row: &product::Model| (row.name.clone(), row.description.clone(), row.category_id);
    if words(&before) != words(&after) {
        search::write(&tx, [search::terms(&after, &category.name)]).await?;
    }
    if let Some(options) = &changes.options {
        rules::options(options)?;
        product_option::Entity::delete_many().filter(product_option::Column::ProductId.eq(id)).exec(&*tx).await?;
        insert_options(&tx, id, options).await?;
    }
    if let Some(images) = &changes.images {
        rules::images(images)?;
        product_image::Entity::delete_many().filter(product_image::Column::ProductId.eq(id)).exec(&*tx).await?;
        insert_images(&tx, id, images).await?;
    }
    changes::product(&tx, id).await
}

/// Says that a product is no longer sold, or that it is sold again.
pub(crate) async fn set_discontinued(tx: Transaction, id: Uuid, discontinued: bool) -> Result<()> {
    let mut row = lock(&tx, id).await?.into_active_model();
    row.discontinued = Set(discontinued);
    row.updated_at = Set(clock::now_millis());
    row.update(&*tx).await?;
    changes::product(&tx, id).await
}

async fn lock(tx: &DatabaseTransaction, id: Uuid) -> Result<product::Model> {
    let found = product::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    found.ok_or_else(|| Error::not_found("There is no product with this id.").at(["input", "id"]))
}

async fn insert_options(tx: &DatabaseTransaction, product: Uuid, options: &[ProductOption]) -> Result<()> {
    if options.is_empty() {
        return Ok(());
    }
    let row = |(position, option): (i32, &ProductOption)| product_option::ActiveModel {
        product_id: Set(product),
        position: Set(position),
        name: Set(option.name.clone()),
        value: Set(option.value.clone()),
    };
    product_option::Entity::insert_many((0..).zip(options).map(row)).exec_without_returning(tx).await?;
    Ok(())
}

async fn insert_images(tx: &DatabaseTransaction, product: Uuid, images: &[Image]) -> Result<()> {
    if images.is_empty() {
        return Ok(());
    }
    let row = |(position, image): (i32, &Image)| product_image::ActiveModel {
        product_id: Set(product),
        position: Set(position),
        url: Set(image.url.clone()),
        alt: Set(image.alt.clone()),
    };
    product_image::Entity::insert_many((0..).zip(images).map(row)).exec_without_returning(tx).await?;
    Ok(())
}

impl NewProduct {
    /// The product as a row.
    pub(crate) fn row(&self) -> product::Model {
        product::Model {
            id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            name_key: self.name.to_lowercase(),
            description: self.description.clone(),
            category_id: self.category,
            price_minor: self.price.minor(),
            price_currency: self.price.currency().to_string(),
            cost_minor: self.cost.minor(),
            cost_currency: self.cost.currency().to_string(),
            weight_grams: self.weight_grams,
            discontinued: false,
            created_at: self.created_at,
            updated_at: self.created_at,
        }
    }

    /// The product as a row; an error about the first field that can't be used.
    pub(crate) fn checked_row(&self) -> Result<product::Model> {
        let row = self.row();
        rules::product(&row)?;
        Ok(row)
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
        if let Some(category) = self.category {
            row.category_id = Set(category);
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
