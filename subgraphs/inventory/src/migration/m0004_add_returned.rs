//! Adds how much of what was sold came back.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let returned = ColumnDef::new("returned")
            .big_integer()
            .not_null()
            .default(0)
            .check(Expr::cust("returned >= 0 AND returned <= quantity"))
            .take();
        manager.alter_table(Table::alter().table("allocations").add_column(returned).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("allocations").drop_column("returned").to_owned()).await
    }
}
