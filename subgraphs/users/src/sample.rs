//! The users of a new database. All have the same, documented password, so the hash is computed once.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use service::Result;
use service::database::{Transaction, Work};
use service::sample::SampleUser;

use crate::entity::user::{Entity, Model};
use crate::entity::user_role::{self, Role};
use crate::password;

/// Fills the tables.
pub(crate) fn insert(tx: Transaction) -> Work {
    Box::pin(fill(tx))
}

async fn fill(tx: Transaction) -> Result<()> {
    let hash = password::hash(service::sample::PASSWORD.to_owned()).await?;
    let users = service::sample::users();
    let roles: Vec<_> = users.iter().flat_map(roles).map(|role| role.into_active_model().reset_all()).collect();
    let rows = users.into_iter().map(|user| row(user, &hash).into_active_model().reset_all());
    Entity::insert_many(rows).exec_without_returning(&*tx).await?;
    user_role::Entity::insert_many(roles).exec_without_returning(&*tx).await?;
    Ok(())
}

fn row(user: SampleUser, hash: &str) -> Model {
    Model {
        id: user.id,
        username: user.username,
        name: user.name,
        email: user.email,
        password_hash: Some(hash.to_owned()),
        one_time_until: None,
        created_at: user.created_at.timestamp_millis(),
    }
}

fn roles(user: &SampleUser) -> Vec<user_role::Model> {
    let roles = [Role::Customer, Role::Admin].into_iter().filter(|role| user.roles.contains(&role.claim()));
    roles.map(|role| user_role::Model { user_id: user.id, role }).collect()
}
