//! Creates the tables of this service.

use sea_orm_migration::prelude::*;

use super::columns::{amount, id, index, number, reference, text};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            orders(),
            order_lines(),
            order_numbers(),
            ledger(),
            order_events(),
            quotes(),
            refunds(),
            fulfillments(),
            fulfillment_lines(),
            product_sales(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        // What is under way is little, what is done is much: these indexes have only the former.
        for index in [
            "CREATE INDEX orders_due_at ON orders (due_at, id) WHERE step <> 'DONE'",
            "CREATE INDEX orders_stuck_since_id ON orders (stuck_since, id) WHERE stuck_since IS NOT NULL",
            "CREATE INDEX refunds_due_at ON refunds (due_at, id) WHERE status = 'PENDING'",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Those that refer to others first.
const TABLES: [&str; 10] = [
    "product_sales",
    "fulfillment_lines",
    "fulfillments",
    "refunds",
    "quotes",
    "order_events",
    "ledger",
    "order_numbers",
    "order_lines",
    "orders",
];

fn orders() -> TableCreateStatement {
    Table::create()
        .table("orders")
        .col(id("id").primary_key())
        .col(number("number").unique_key())
        .col(id("buyer_id"))
        .col(text("idempotency_key", 255).not_null())
        .col(id("fingerprint"))
        .col(text("status", 16).not_null())
        .col(text("step", 16).not_null())
        .col(text("currency", 3).not_null())
        .col(amount("subtotal_minor"))
        .col(amount("shipping_minor"))
        .col(amount("tax_minor"))
        .col(amount("total_minor"))
        .col(amount("captured_minor"))
        .col(amount("refunded_minor"))
        .col(ColumnDef::new("address").json().not_null())
        .col(text("payment_method", 255).not_null())
        .col(text("payment_id", 255).null())
        .col(ColumnDef::new("rejection").json().null())
        .col(number("placed_at"))
        .col(number("due_at"))
        .col(ColumnDef::new("attempts").integer().not_null())
        .col(ColumnDef::new("failure").text().null())
        .col(ColumnDef::new("stuck_since").big_integer().null())
        .check(Expr::cust("total_minor = subtotal_minor + shipping_minor + tax_minor"))
        // Never twice, and never back more than was taken.
        .check(Expr::cust("captured_minor = 0 OR captured_minor = total_minor"))
        .check(Expr::cust("refunded_minor <= captured_minor"))
        .to_owned()
}

fn order_lines() -> TableCreateStatement {
    Table::create()
        .table("order_lines")
        .col(id("order_id"))
        .col(id("product_id"))
        .col(ColumnDef::new("position").integer().not_null())
        .col(text("sku", 64).not_null())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("quantity").integer().not_null())
        .col(amount("unit_price_minor"))
        .col(ColumnDef::new("weight_grams").integer().not_null())
        .col(ColumnDef::new("fulfilled").integer().not_null())
        .col(ColumnDef::new("cancelled").integer().not_null())
        .col(ColumnDef::new("returned").integer().not_null())
        .check(Expr::cust("quantity > 0 AND weight_grams >= 0"))
        .check(Expr::cust("fulfilled >= 0 AND cancelled >= 0 AND returned >= 0"))
        .check(Expr::cust("fulfilled + cancelled <= quantity"))
        .check(Expr::cust("returned <= fulfilled"))
        .primary_key(Index::create().col("order_id").col("product_id"))
        .foreign_key(&mut reference("order_lines", "order_id", "orders"))
        .to_owned()
}

fn order_numbers() -> TableCreateStatement {
    Table::create()
        .table("order_numbers")
        .col(ColumnDef::new("counter").big_integer().not_null().auto_increment().primary_key())
        .col(id("order_id"))
        .to_owned()
}

fn ledger() -> TableCreateStatement {
    Table::create()
        .table("ledger")
        .col(text("key", 64).not_null().primary_key())
        .col(id("order_id"))
        .col(text("kind", 16).not_null())
        .col(amount("amount_minor"))
        .col(text("currency", 3).not_null())
        .col(number("at"))
        .foreign_key(&mut reference("ledger", "order_id", "orders"))
        .to_owned()
}

fn order_events() -> TableCreateStatement {
    Table::create()
        .table("order_events")
        .col(id("id").primary_key())
        .col(id("order_id"))
        .col(text("kind", 16).not_null())
        .col(number("at"))
        .col(text("actor", 16).not_null())
        .col(ColumnDef::new("actor_id").uuid().null())
        .col(ColumnDef::new("amount_minor").big_integer().null())
        .col(ColumnDef::new("reason").text().null())
        .col(ColumnDef::new("fulfillment_id").uuid().null())
        .foreign_key(&mut reference("order_events", "order_id", "orders"))
        .to_owned()
}

fn quotes() -> TableCreateStatement {
    Table::create()
        .table("quotes")
        .col(id("id").primary_key())
        .col(id("buyer_id"))
        .col(number("expires_at"))
        .col(ColumnDef::new("offer").json().not_null())
        .to_owned()
}

fn refunds() -> TableCreateStatement {
    Table::create()
        .table("refunds")
        .col(id("id").primary_key())
        .col(id("order_id"))
        .col(text("status", 16).not_null())
        .col(amount("amount_minor"))
        .col(ColumnDef::new("lines").json().not_null())
        .col(ColumnDef::new("reason").text().not_null())
        .col(text("actor", 16).not_null())
        .col(ColumnDef::new("actor_id").uuid().null())
        .col(number("created_at"))
        .col(number("due_at"))
        .col(ColumnDef::new("attempts").integer().not_null())
        .col(ColumnDef::new("failure").text().null())
        .check(Expr::cust("amount_minor > 0"))
        .foreign_key(&mut reference("refunds", "order_id", "orders"))
        .to_owned()
}

fn fulfillments() -> TableCreateStatement {
    Table::create()
        .table("fulfillments")
        .col(id("id").primary_key())
        .col(id("order_id"))
        .col(text("carrier", 100).null())
        .col(text("tracking_number", 100).null())
        .col(number("shipped_at"))
        .col(ColumnDef::new("delivered_at").big_integer().null())
        .foreign_key(&mut reference("fulfillments", "order_id", "orders"))
        .to_owned()
}

fn fulfillment_lines() -> TableCreateStatement {
    Table::create()
        .table("fulfillment_lines")
        .col(id("fulfillment_id"))
        .col(id("product_id"))
        .col(ColumnDef::new("quantity").integer().not_null())
        .check(Expr::cust("quantity > 0"))
        .primary_key(Index::create().col("fulfillment_id").col("product_id"))
        .foreign_key(&mut reference("fulfillment_lines", "fulfillment_id", "fulfillments"))
        .to_owned()
}

fn product_sales() -> TableCreateStatement {
    Table::create()
        .table("product_sales")
        .col(id("product_id").primary_key())
        .col(number("units"))
        .check(Expr::cust("units >= 0"))
        .to_owned()
}

/// One for each filter and sort of the schema.
fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("orders", &["buyer_id", "idempotency_key"]).unique().to_owned(),
        index("orders", &["placed_at", "id"]),
        index("orders", &["status", "placed_at", "id"]),
        index("orders", &["buyer_id", "placed_at", "id"]),
        index("orders", &["buyer_id", "status", "placed_at", "id"]),
        index("ledger", &["order_id"]),
        index("order_events", &["order_id", "at", "id"]),
        index("quotes", &["expires_at"]),
        index("refunds", &["order_id", "created_at"]),
        index("fulfillments", &["order_id", "shipped_at"]),
    ]
}
