//! Creates warehouses and reservations.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::{id, index, reference, text, whole};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [warehouses(backend), reservations(), lines(), allocations()] {
            manager.create_table(table).await?;
        }
        // For what expires next.
        manager.create_index(index("reservations_by_expiry", "reservations", &["status", "expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["allocations", "reservation_lines", "reservations", "warehouses"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn warehouses(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("warehouses")
        .col(id("id").primary_key())
        .col(text(backend, "code", 16).not_null().unique_key())
        .col(ColumnDef::new("name").string_len(100).not_null())
        .col(ColumnDef::new("city").string_len(100).not_null())
        .col(ColumnDef::new("country").string_len(2).not_null())
        .col(ColumnDef::new("active").boolean().not_null())
        .to_owned()
}

fn reservations() -> TableCreateStatement {
    Table::create()
        .table("reservations")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null().primary_key())
        .col(id("id").unique_key())
        .col(ColumnDef::new("status").string_len(16).not_null())
        .col(ColumnDef::new("expires_at").big_integer())
        .col(whole("created_at"))
        .col(whole("updated_at"))
        .check(Expr::col("status").is_in(["HELD", "COMMITTED", "RELEASED"]))
        .to_owned()
}

fn lines() -> TableCreateStatement {
    Table::create()
        .table("reservation_lines")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null())
        .col(id("product_id"))
        .col(ColumnDef::new("quantity").integer().not_null())
        .col(whole("unit_price_minor"))
        .col(ColumnDef::new("unit_price_currency").string_len(3).not_null())
        .primary_key(Index::create().col("idempotency_key").col("product_id"))
        .foreign_key(&mut reference("reservation_lines", &["idempotency_key"], "reservations", &["idempotency_key"]))
        .foreign_key(&mut reference("reservation_lines", &["product_id"], "products", &["id"]))
        .check(Expr::col("quantity").gt(0))
        .to_owned()
}

fn allocations() -> TableCreateStatement {
    Table::create()
        .table("allocations")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null())
        .col(id("product_id"))
        .col(id("warehouse_id"))
        .col(whole("quantity"))
        .primary_key(Index::create().col("idempotency_key").col("product_id").col("warehouse_id"))
        .foreign_key(&mut reference("allocations", &["idempotency_key"], "reservations", &["idempotency_key"]))
        .foreign_key(&mut reference("allocations", &["product_id"], "products", &["id"]))
        .foreign_key(&mut reference("allocations", &["warehouse_id"], "warehouses", &["id"]))
        .check(Expr::col("quantity").gt(0))
        .to_owned()
}
