//! The migrations of the inventory database. A released migration is never edited.

mod columns;
mod m0001_create_catalog;
mod m0002_create_reservations;
mod m0003_create_stock;
mod m0004_add_returned;

use sea_orm_migration::MigrationTrait;

/// All migrations, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_create_catalog::Migration),
        Box::new(m0002_create_reservations::Migration),
        Box::new(m0003_create_stock::Migration),
        Box::new(service::events::CreateOutbox),
        Box::new(m0004_add_returned::Migration),
    ]
}
