//! The migrations of the inventory database. A released migration is never edited.

mod m0001_create_inventory;

use sea_orm_migration::MigrationTrait;

/// All migrations, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_inventory::Migration), Box::new(service::events::CreateOutbox)]
}
