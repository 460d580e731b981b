//! The schema of the orders database, step by step. A step that was released is never edited.

mod m0001_create_orders;

use sea_orm_migration::MigrationTrait;

/// Every step, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_orders::Migration)]
}
