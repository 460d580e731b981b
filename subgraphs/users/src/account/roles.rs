//! Which roles a user has. There is always an administrator who can give them.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::database::Transaction;
use service::{Database, Error, Result};
use uuid::Uuid;

use super::{LAST_ADMIN, lock, no_user};
use crate::changes::user_changed;
use crate::entity::user;
use crate::entity::user_role::{Column, Entity, Model, Role};

/// The roles of a user, in a fixed order.
pub(crate) async fn of(database: &impl ConnectionTrait, user: Uuid) -> Result<Vec<Role>> {
    let rows = Entity::find().filter(Column::UserId.eq(user)).all(database).await?;
    Ok(sorted(rows))
}

/// The roles of rows that belong to one user.
pub(crate) fn sorted(rows: Vec<Model>) -> Vec<Role> {
    let mut roles: Vec<Role> = rows.into_iter().map(|row| row.role).collect();
    roles.sort_unstable();
    roles
}

/// Whether anybody is an administrator.
pub(crate) async fn has_admin(database: &impl ConnectionTrait) -> Result<bool> {
    Ok(Entity::find().filter(Column::Role.eq(Role::Admin)).one(database).await?.is_some())
}

/// Gives a role to a user. One who has it keeps it.
pub(crate) async fn grant(database: &Database, id: Uuid, role: Role) -> Result<user::Model> {
    database.write(|tx| grant_in(tx, id, role)).await
}

/// Takes a role from a user; not the last administrator's.
pub(crate) async fn revoke(database: &Database, id: Uuid, role: Role) -> Result<user::Model> {
    database.write(|tx| revoke_in(tx, id, role)).await
}

pub(crate) async fn grant_in(tx: Transaction, id: Uuid, role: Role) -> Result<user::Model> {
    let user = lock(&tx, id).await?.ok_or_else(no_user)?;
    let has_it_already = OnConflict::columns([Column::UserId, Column::Role]).do_nothing().to_owned();
    Entity::insert(Model { user_id: id, role }.into_active_model())
        .on_conflict(has_it_already)
        .exec_without_returning(&*tx)
        .await?;
    user_changed(&tx, id).await?;
    Ok(user)
}

async fn revoke_in(tx: Transaction, id: Uuid, role: Role) -> Result<user::Model> {
    if role == Role::Admin {
        // Locked in one order: of two administrators who depose each other at the same time, the second waits, and is the last one then.
        let admins = Entity::find()
            .filter(Column::Role.eq(Role::Admin))
            .order_by_asc(Column::UserId)
            .lock_exclusive()
            .all(&*tx)
            .await?;
        if admins.len() == 1 && admins.iter().all(|admin| admin.user_id == id) {
            let message = "This is the only administrator. Give the role to somebody else first.";
            return Err(Error::new(LAST_ADMIN, message).at(["input", "userId"]));
        }
    }
    let user = lock(&tx, id).await?.ok_or_else(no_user)?;
    Entity::delete_by_id((id, role)).exec(&*tx).await?;
    user_changed(&tx, id).await?;
    Ok(user)
}
