//! The migrations of the users database. A released migration is never edited.

mod m0001_create_accounts;
mod m0003_create_second_factors;

use sea_orm_migration::MigrationTrait;

/// All migrations, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_create_accounts::Migration),
        Box::new(service::events::CreateOutbox),
        Box::new(m0003_create_second_factors::Migration),
    ]
}
