//! Adds returns, and what goes back on the shelf.

use sea_orm_migration::prelude::*;

use super::columns::{id, index, number, reference, text};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [returns(), restocks()] {
            manager.create_table(table).await?;
        }
        let return_id = ColumnDef::new("return_id").uuid().null().take();
        manager.alter_table(Table::alter().table("order_events").add_column(return_id).to_owned()).await?;
        for index in [
            index("returns", &["order_id", "created_at"]),
            index("returns", &["created_at", "id"]),
            index("returns", &["status", "created_at", "id"]),
        ] {
            manager.create_index(index).await?;
        }
        // What is under way is little, what is done is much: this index has only the former.
        let due = "CREATE INDEX restocks_due_at ON restocks (due_at, id) WHERE status = 'PENDING'";
        manager.get_connection().execute_unprepared(due).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("order_events").drop_column("return_id").to_owned()).await?;
        for table in ["restocks", "returns"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn returns() -> TableCreateStatement {
    Table::create()
        .table("returns")
        .col(id("id").primary_key())
        .col(id("order_id"))
        .col(text("status", 16).not_null())
        .col(ColumnDef::new("lines").json().not_null())
        .col(text("reason", 16).not_null())
        .col(ColumnDef::new("comment").text().null())
        .col(text("actor", 16).not_null())
        .col(ColumnDef::new("actor_id").uuid().null())
        .col(number("created_at"))
        .col(ColumnDef::new("closed_at").big_integer().null())
        .col(ColumnDef::new("decline_reason").text().null())
        .col(ColumnDef::new("refund_id").uuid().null())
        .check(Expr::cust("(status = 'REQUESTED') = (closed_at IS NULL)"))
        .foreign_key(&mut reference("returns", "order_id", "orders"))
        .to_owned()
}

fn restocks() -> TableCreateStatement {
    Table::create()
        .table("restocks")
        .col(id("id").primary_key())
        .col(id("order_id"))
        .col(text("status", 16).not_null())
        .col(ColumnDef::new("lines").json().not_null())
        .col(number("due_at"))
        .col(ColumnDef::new("attempts").integer().not_null())
        .col(ColumnDef::new("failure").text().null())
        .foreign_key(&mut reference("restocks", "order_id", "orders"))
        .to_owned()
}
