//! The table in which events wait to be published.

use sea_orm_migration::prelude::*;

/// Creates the table. A service adds it to its migrations.
#[derive(Debug)]
pub struct CreateOutbox;

impl MigrationName for CreateOutbox {
    fn name(&self) -> &'static str {
        "m0002_create_event_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOutbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("outbox")
            .col(ColumnDef::new("position").big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new("id").uuid().not_null())
            .col(ColumnDef::new("entity").uuid().not_null())
            .col(ColumnDef::new("subject").string_len(200).not_null())
            .col(ColumnDef::new("payload").text().not_null())
            .col(ColumnDef::new("written_at").big_integer().not_null())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("outbox").to_owned()).await
    }
}
