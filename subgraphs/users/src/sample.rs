//! The users of a new database. All have the same, documented password, so the hash is computed once.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use service::Result;
use service::database::{Transaction, Work};
use service::sample::SampleUser;

use crate::entity::user::{Entity, Model, Role, Roles};
use crate::password;

/// Fills the table.
pub(crate) fn insert(tx: Transaction) -> Work {
    Box::pin(fill(tx))
}

async fn fill(tx: Transaction) -> Result<()> {
    let hash = password::hash(service::sample::PASSWORD.to_owned()).await?;
    let users = service::sample::users();
    let rows = users.into_iter().map(|user| row(user, &hash).into_active_model().reset_all());
    Entity::insert_many(rows).exec_without_returning(&*tx).await?;
    Ok(())
}

fn row(user: SampleUser, hash: &str) -> Model {
    let roles = [Role::Customer, Role::Admin].into_iter().filter(|role| user.roles.contains(&role.claim()));
    Model {
        id: user.id.into(),
        username: user.username,
        name: user.name,
        email: user.email,
        roles: Roles(roles.collect()),
        password_hash: Some(hash.to_owned()),
        created_at: user.created_at.timestamp_millis(),
    }
}
