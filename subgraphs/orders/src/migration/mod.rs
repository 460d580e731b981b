//! The migrations of the orders database. A released migration is never edited.

mod m0001_create_shop_orders;

use sea_orm_migration::MigrationTrait;

/// All migrations, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_shop_orders::Migration), Box::new(service::events::CreateOutbox)]
}
