//! Creates the ledger of stock, and the current stock beside it.
//!
//! The database itself keeps them equal. The movements of a product in a warehouse are a chain: each is numbered, and refers to
//! the one before by number *and* by what that one left. The current stock refers to its last movement in the same way. So no
//! quantity can be written that is not the sum of all movements, and no movement can be changed or removed that others stand on.

use sea_orm_migration::prelude::*;

use super::columns::{id, index, reference, unique, whole};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [requests(), movements(), stock()] {
            manager.create_table(table).await?;
        }
        for index in [
            index("stock_movements_by_time", "stock_movements", &["product_id", "created_at", "id"]),
            index("stock_movements_by_request", "stock_movements", &["request_key"]),
            // For the list of what a warehouse has, such as when it is to be closed.
            index("stock_by_warehouse", "stock", &["warehouse_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["stock", "stock_movements", "stock_requests"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn requests() -> TableCreateStatement {
    Table::create()
        .table("stock_requests")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null().primary_key())
        .col(ColumnDef::new("request").text().not_null())
        .col(whole("created_at"))
        .to_owned()
}

fn movements() -> TableCreateStatement {
    const CHAIN: [&str; 4] = ["product_id", "warehouse_id", "position", "quantity_after"];
    Table::create()
        .table("stock_movements")
        .col(id("id").primary_key())
        .col(id("product_id"))
        .col(id("warehouse_id"))
        .col(whole("position"))
        .col(ColumnDef::new("previous").big_integer())
        .col(whole("quantity_before"))
        .col(whole("delta"))
        .col(whole("quantity_after"))
        .col(ColumnDef::new("kind").string_len(16).not_null())
        .col(ColumnDef::new("reason").string_len(500))
        .col(ColumnDef::new("actor").string_len(100).not_null())
        .col(ColumnDef::new("request_key").string_len(200))
        .col(ColumnDef::new("reservation_key").string_len(200))
        .col(whole("created_at"))
        .index(&mut unique(&["product_id", "warehouse_id", "position"]))
        .index(&mut unique(&CHAIN))
        .foreign_key(&mut reference(
            "stock_movements",
            &["product_id", "warehouse_id", "previous", "quantity_before"],
            "stock_movements",
            &CHAIN,
        ))
        .foreign_key(&mut reference("stock_movements", &["product_id"], "products", &["id"]))
        .foreign_key(&mut reference("stock_movements", &["warehouse_id"], "warehouses", &["id"]))
        .foreign_key(&mut reference("stock_movements", &["request_key"], "stock_requests", &["idempotency_key"]))
        .foreign_key(&mut reference("stock_movements", &["reservation_key"], "reservations", &["idempotency_key"]))
        .check(Expr::cust("quantity_after = quantity_before + delta"))
        .check(Expr::cust("quantity_after >= 0"))
        .check(Expr::cust(
            "(previous IS NULL AND position = 1 AND quantity_before = 0) \
             OR (previous IS NOT NULL AND position > 1 AND previous = position - 1)",
        ))
        .check(Expr::cust("request_key IS NULL OR reservation_key IS NULL"))
        .check(Expr::col("kind").is_in([
            "RECEIPT",
            "SALE",
            "RETURN",
            "ADJUSTMENT",
            "TRANSFER_OUT",
            "TRANSFER_IN",
            "COUNT",
        ]))
        .to_owned()
}

fn stock() -> TableCreateStatement {
    Table::create()
        .table("stock")
        .col(id("product_id"))
        .col(id("warehouse_id"))
        .col(whole("on_hand"))
        .col(whole("reserved"))
        .col(ColumnDef::new("position").big_integer())
        .primary_key(Index::create().col("product_id").col("warehouse_id"))
        .foreign_key(&mut reference(
            "stock",
            &["product_id", "warehouse_id", "position", "on_hand"],
            "stock_movements",
            &["product_id", "warehouse_id", "position", "quantity_after"],
        ))
        .foreign_key(&mut reference("stock", &["product_id"], "products", &["id"]))
        .foreign_key(&mut reference("stock", &["warehouse_id"], "warehouses", &["id"]))
        .check(Expr::cust("position IS NOT NULL OR on_hand = 0"))
        .check(Expr::cust("reserved >= 0 AND reserved <= on_hand"))
        .to_owned()
}
