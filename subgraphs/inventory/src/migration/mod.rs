//! The schema of the inventory database, step by step. A step that was released is never edited.

mod m0001_create_inventory;

use sea_orm_migration::MigrationTrait;

/// Every step, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_inventory::Migration)]
}
