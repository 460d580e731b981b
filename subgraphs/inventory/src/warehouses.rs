//! Warehouses: opening, changing and closing them. Knows no GraphQL.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use service::database::{Transaction, is_duplicate};
use service::{Error, Result};
use uuid::Uuid;

use crate::changes;
use crate::entity::{stock, warehouse};

/// The changes of a warehouse. Fields that are `None` keep their value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) code: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
}

/// Opens a warehouse; its code must be new.
pub(crate) async fn create(tx: Transaction, new: &warehouse::Model) -> Result<warehouse::Model> {
    check(new)?;
    let row = new.clone().into_active_model();
    warehouse::Entity::insert(row).exec_without_returning(&*tx).await.map_err(|error| taken(error, &new.code))?;
    changes::warehouse(&tx, new.id).await?;
    Ok(new.clone())
}

/// Changes a warehouse.
pub(crate) async fn update(tx: Transaction, id: Uuid, changes: &Changes) -> Result<warehouse::Model> {
    let mut after = lock(&tx, id).await?;
    for (field, change) in [
        (&mut after.code, &changes.code),
        (&mut after.name, &changes.name),
        (&mut after.city, &changes.city),
        (&mut after.country, &changes.country),
    ] {
        if let Some(change) = change {
            field.clone_from(change);
        }
    }
    check(&after)?;
    let row = after.clone().into_active_model().reset_all();
    let after = row.update(&*tx).await.map_err(|error| taken(error, &after.code))?;
    changes::warehouse(&tx, id).await?;
    Ok(after)
}

/// Closes a warehouse, so that it takes no goods any more, or opens it again. It can't be closed while it has goods.
pub(crate) async fn set_active(tx: Transaction, id: Uuid, active: bool) -> Result<warehouse::Model> {
    let row = lock(&tx, id).await?;
    if row.active == active {
        return Ok(row);
    }
    if !active {
        let has_goods = stock::Entity::find()
            .filter(stock::Column::WarehouseId.eq(id))
            .filter(stock::Column::OnHand.gt(0))
            .one(&*tx)
            .await?;
        if has_goods.is_some() {
            return Err(Error::conflict("The warehouse still has goods. Transfer them first.").at(["input", "id"]));
        }
    }
    let mut row = row.into_active_model();
    row.active = Set(active);
    let row = row.update(&*tx).await?;
    changes::warehouse(&tx, id).await?;
    Ok(row)
}

/// Locked, so that no goods arrive meanwhile.
async fn lock(tx: &DatabaseTransaction, id: Uuid) -> Result<warehouse::Model> {
    let found = warehouse::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    found.ok_or_else(|| Error::not_found("There is no warehouse with this id.").at(["input", "id"]))
}

fn taken(error: sea_orm::DbErr, code: &str) -> Error {
    if is_duplicate(&error) {
        Error::conflict(format!("There is already a warehouse with the code `{code}`.")).at(["input", "code"])
    } else {
        error.into()
    }
}

fn check(row: &warehouse::Model) -> Result<()> {
    let code_letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    if row.code.is_empty() || row.code.len() > 16 || !row.code.chars().all(code_letters) {
        let message = "`code` must have 1 to 16 capitals, digits and hyphens, such as `BER`.";
        return Err(Error::bad_input(message).at(["input", "code"]));
    }
    for (field, text) in [("name", &row.name), ("city", &row.city)] {
        if text.trim().is_empty() || text.chars().count() > 100 {
            return Err(Error::bad_input(format!("`{field}` must have 1 to 100 characters.")).at(["input", field]));
        }
    }
    if row.country.len() != 2 || !row.country.chars().all(|c| c.is_ascii_uppercase()) {
        let message = "`country` must be a two-letter code of ISO 3166, such as `DE`.";
        return Err(Error::bad_input(message).at(["input", "country"]));
    }
    Ok(())
}
