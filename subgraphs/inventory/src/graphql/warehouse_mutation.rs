//! The mutations of warehouses.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use service::graphql::{database, id};
use service::{Result, viewer};
use uuid::Uuid;

use super::caching;
use super::errors::{CatalogUserError, Done, done, nothing};
use super::warehouse::Warehouse;
use crate::entity::warehouse;
use crate::warehouses::{self, Changes};

/// The mutations of warehouses.
#[derive(Default)]
pub(crate) struct WarehouseMutation;

#[Object]
impl WarehouseMutation {
    /// Opens a warehouse.
    #[graphql(requires_scopes = "stock:write")]
    async fn create_warehouse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The warehouse.")] input: CreateWarehouseInput,
    ) -> Option<Result<WarehousePayload>> {
        Some(done(create(ctx, input).await).map(WarehousePayload::from))
    }

    /// Changes a warehouse. Omitted fields keep their value.
    #[graphql(requires_scopes = "stock:write")]
    async fn update_warehouse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The warehouse and its changes.")] input: UpdateWarehouseInput,
    ) -> Option<Result<WarehousePayload>> {
        Some(done(update(ctx, input).await).map(WarehousePayload::from))
    }

    /// Closes a warehouse: it takes no goods any more. It must have none; transfer them first.
    #[graphql(requires_scopes = "stock:write")]
    async fn deactivate_warehouse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The warehouse.")] input: DeactivateWarehouseInput,
    ) -> Option<Result<WarehousePayload>> {
        Some(done(set_active(ctx, &input.id, false).await).map(WarehousePayload::from))
    }

    /// Opens a warehouse again that was closed.
    #[graphql(requires_scopes = "stock:write")]
    async fn reactivate_warehouse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The warehouse.")] input: ReactivateWarehouseInput,
    ) -> Option<Result<WarehousePayload>> {
        Some(done(set_active(ctx, &input.id, true).await).map(WarehousePayload::from))
    }
}

async fn create(ctx: &Context<'_>, input: CreateWarehouseInput) -> Result<Warehouse> {
    viewer(ctx).require_admin()?;
    let CreateWarehouseInput { code, name, city, country } = input;
    let new = warehouse::Model { id: Uuid::new_v4(), code, name, city, country, active: true };
    let row = database(ctx)?.write(|tx| warehouses::create(tx, &new)).await?;
    caching::structure_changed(ctx);
    Ok(row.into())
}

async fn update(ctx: &Context<'_>, input: UpdateWarehouseInput) -> Result<Warehouse> {
    viewer(ctx).require_admin()?;
    let id = id::parse("Warehouse", &input.id).ok_or_else(|| nothing("warehouse", "id"))?;
    let changes = Changes { code: input.code, name: input.name, city: input.city, country: input.country };
    let row = database(ctx)?.write(|tx| warehouses::update(tx, id, &changes)).await?;
    caching::structure_changed(ctx);
    Ok(row.into())
}

async fn set_active(ctx: &Context<'_>, id: &ID, active: bool) -> Result<Warehouse> {
    viewer(ctx).require_admin()?;
    let id = id::parse("Warehouse", id).ok_or_else(|| nothing("warehouse", "id"))?;
    let row = database(ctx)?.write(|tx| warehouses::set_active(tx, id, active)).await?;
    caching::structure_changed(ctx);
    Ok(row.into())
}

/// A warehouse that was opened, changed or closed, or why it was not.
#[derive(SimpleObject)]
pub(crate) struct WarehousePayload {
    /// The warehouse as it is now; null if nothing was changed.
    warehouse: Option<Warehouse>,
    /// Why nothing was changed; empty if something was.
    user_errors: Vec<CatalogUserError>,
}

impl From<Done<Warehouse>> for WarehousePayload {
    fn from((warehouse, user_errors): Done<Warehouse>) -> Self {
        Self { warehouse, user_errors }
    }
}

/// A new warehouse.
#[derive(InputObject)]
pub(crate) struct CreateWarehouseInput {
    /// The short name, such as `BER`: 1 to 16 capitals, digits and hyphens. It must be new.
    code: String,
    /// The name, at most 100 characters.
    name: String,
    /// The city that it is in, at most 100 characters.
    city: String,
    /// The country that it is in, as a two-letter code (ISO 3166).
    country: String,
}

/// The changes of a warehouse. Omitted fields keep their value.
#[derive(InputObject)]
pub(crate) struct UpdateWarehouseInput {
    /// The id of the warehouse.
    id: ID,
    /// The short name, such as `BER`: 1 to 16 capitals, digits and hyphens.
    code: Option<String>,
    /// The name, at most 100 characters.
    name: Option<String>,
    /// The city that it is in, at most 100 characters.
    city: Option<String>,
    /// The country that it is in, as a two-letter code (ISO 3166).
    country: Option<String>,
}

/// A warehouse that is to be closed.
#[derive(InputObject)]
pub(crate) struct DeactivateWarehouseInput {
    /// The id of the warehouse.
    id: ID,
}

/// A warehouse that is to be opened again.
#[derive(InputObject)]
pub(crate) struct ReactivateWarehouseInput {
    /// The id of the warehouse.
    id: ID,
}
