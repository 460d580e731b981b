//! The migrations of the orders database. A released migration is never edited.

mod columns;
mod m0001_create_shop_orders;
mod m0003_add_returns;

use sea_orm_migration::MigrationTrait;

/// All migrations, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_create_shop_orders::Migration),
        Box::new(service::events::CreateOutbox),
        Box::new(m0003_add_returns::Migration),
    ]
}
