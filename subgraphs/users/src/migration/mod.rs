//! The schema of the users database, step by step. A step that was released is never edited.

mod m0001_create_users;

use sea_orm_migration::MigrationTrait;

/// Every step, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_users::Migration)]
}
