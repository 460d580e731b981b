//! The mutations of products.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use service::graphql::{MoneyInput, database, id};
use service::{Result, clock, viewer};
use uuid::Uuid;

use super::caching;
use super::errors::{CatalogUserError, Done, done, nothing};
use super::product::Product;
use crate::catalog::products::{self, Changes, Image, NewProduct, ProductOption};

/// The mutations of products.
#[derive(Default)]
pub(crate) struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Adds a product. Its SKU must be new and can't be changed later.
    #[graphql(requires_scopes = "catalog:write")]
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: CreateProductInput,
    ) -> Option<Result<ProductPayload>> {
        Some(done(create(ctx, input).await).map(ProductPayload::from))
    }

    /// Changes a product. Omitted fields keep their value.
    #[graphql(requires_scopes = "catalog:write")]
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product and its changes.")] input: UpdateProductInput,
    ) -> Option<Result<ProductPayload>> {
        Some(done(update(ctx, input).await).map(ProductPayload::from))
    }

    /// Says that a product is no longer sold, or that it is sold again. It is then not listed unless asked for, and can't be
    /// ordered; orders that were placed before are not affected.
    #[graphql(requires_scopes = "catalog:write")]
    async fn discontinue_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: DiscontinueProductInput,
    ) -> Option<Result<ProductPayload>> {
        Some(done(discontinue(ctx, input).await).map(ProductPayload::from))
    }
}

async fn create(ctx: &Context<'_>, input: CreateProductInput) -> Result<Product> {
    viewer(ctx).require_admin()?;
    let new = NewProduct {
        id: Uuid::new_v4(),
        category: id::parse("Category", &input.category_id).ok_or_else(|| nothing("category", "categoryId"))?,
        price: input.price.read(["input", "price"])?,
        cost: input.cost.read(["input", "cost"])?,
        sku: input.sku,
        name: input.name,
        description: input.description,
        weight_grams: input.weight_grams,
        created_at: clock::now_millis(),
    };
    let options: Vec<_> = input.options.into_iter().map(ProductOption::from).collect();
    let images: Vec<_> = input.images.into_iter().map(Image::from).collect();
    let id = database(ctx)?.write(|tx| products::create(tx, &new, &options, &images)).await?;
    caching::changed(ctx, id);
    Product::existing(ctx, id).await
}

async fn update(ctx: &Context<'_>, input: UpdateProductInput) -> Result<Product> {
    viewer(ctx).require_admin()?;
    let id = id::parse("Product", &input.id).ok_or_else(|| nothing("product", "id"))?;
    let category = input
        .category_id
        .map(|category| id::parse("Category", &category).ok_or_else(|| nothing("category", "categoryId")));
    let changes = Changes {
        name: input.name,
        description: input.description,
        category: category.transpose()?,
        price: input.price.map(|price| price.read(["input", "price"])).transpose()?,
        cost: input.cost.map(|cost| cost.read(["input", "cost"])).transpose()?,
        weight_grams: input.weight_grams,
        options: input.options.map(|options| options.into_iter().map(ProductOption::from).collect()),
        images: input.images.map(|images| images.into_iter().map(Image::from).collect()),
    };
    database(ctx)?.write(|tx| products::update(tx, id, &changes)).await?;
    caching::changed(ctx, id);
    Product::existing(ctx, id).await
}

async fn discontinue(ctx: &Context<'_>, input: DiscontinueProductInput) -> Result<Product> {
    viewer(ctx).require_admin()?;
    let id = id::parse("Product", &input.id).ok_or_else(|| nothing("product", "id"))?;
    database(ctx)?.write(|tx| products::set_discontinued(tx, id, input.discontinued)).await?;
    caching::changed(ctx, id);
    Product::existing(ctx, id).await
}

/// A product that was created or changed, or why it was not.
#[derive(SimpleObject)]
pub(crate) struct ProductPayload {
    /// The product as it is now; null if nothing was changed.
    product: Option<Product>,
    /// Why nothing was changed; empty if something was.
    user_errors: Vec<CatalogUserError>,
}

impl From<Done<Product>> for ProductPayload {
    fn from((product, user_errors): Done<Product>) -> Self {
        Self { product, user_errors }
    }
}

/// A new product.
#[derive(InputObject)]
pub(crate) struct CreateProductInput {
    /// The stock-keeping unit: 1 to 40 capitals, digits and hyphens.
    sku: String,
    /// The name, at most 200 characters.
    name: String,
    /// The description, at most 4000 characters.
    description: String,
    /// The id of its category.
    category_id: ID,
    /// The price.
    price: MoneyInput,
    /// The cost to the shop.
    cost: MoneyInput,
    /// The weight of one unit, in grams.
    weight_grams: i32,
    /// By what it differs from its variants, in the order in which they are shown; at most 20.
    #[graphql(default)]
    options: Vec<ProductOptionInput>,
    /// Its pictures, the one for lists first; at most 50.
    #[graphql(default)]
    images: Vec<ProductImageInput>,
}

/// The changes of a product. Omitted fields keep their value.
#[derive(InputObject)]
pub(crate) struct UpdateProductInput {
    /// The id of the product.
    id: ID,
    /// The name, at most 200 characters.
    name: Option<String>,
    /// The description, at most 4000 characters.
    description: Option<String>,
    /// The id of its category.
    category_id: Option<ID>,
    /// The price. Orders that are already placed keep their price.
    price: Option<MoneyInput>,
    /// The cost to the shop.
    cost: Option<MoneyInput>,
    /// The weight of one unit, in grams.
    weight_grams: Option<i32>,
    /// All options instead of those that it has, in the order in which they are shown; at most 20.
    options: Option<Vec<ProductOptionInput>>,
    /// All pictures instead of those that it has, the one for lists first; at most 50.
    images: Option<Vec<ProductImageInput>>,
}

/// A product that is no longer sold, or is sold again.
#[derive(InputObject)]
pub(crate) struct DiscontinueProductInput {
    /// The id of the product.
    id: ID,
    /// False to sell it again.
    #[graphql(default = true)]
    discontinued: bool,
}

/// A property by which variants of a product differ.
#[derive(InputObject)]
pub(crate) struct ProductOptionInput {
    /// What it is, such as `Size`; at most 60 characters.
    name: String,
    /// What this product has, such as `XL`; at most 100 characters.
    value: String,
}

impl From<ProductOptionInput> for ProductOption {
    fn from(input: ProductOptionInput) -> Self {
        Self { name: input.name, value: input.value }
    }
}

/// A picture of a product.
#[derive(InputObject)]
pub(crate) struct ProductImageInput {
    /// Where it is: an address that begins with `https://` or `http://`.
    url: String,
    /// What it shows, for people who can't see it, at most 300 characters; empty if it only decorates.
    #[graphql(default)]
    alt: String,
}

impl From<ProductImageInput> for Image {
    fn from(input: ProductImageInput) -> Self {
        Self { url: input.url, alt: input.alt }
    }
}
