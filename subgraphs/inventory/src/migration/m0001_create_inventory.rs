//! Creates products, warehouses, stock and reservations.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [
            products(backend),
            product_words(backend),
            warehouses(backend),
            stock(backend),
            reservations(),
            reservation_lines(backend),
            allocations(backend),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["allocations", "reservation_lines", "reservations", "stock", "warehouses", "product_words", "products"];
        for table in tables {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// A text column that is compared by bytes on both databases, so that ranges and the order of pages are the same.
fn text(backend: DbBackend, name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(length).not_null();
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

fn products(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("products")
        .col(text(backend, "id", 36).primary_key())
        .col(text(backend, "sku", 40).unique_key())
        .col(text(backend, "name", 200))
        // Lower case may be longer than upper case.
        .col(text(backend, "name_key", 600))
        .col(ColumnDef::new("description").text().not_null())
        .col(text(backend, "category", 60))
        .col(ColumnDef::new("price_minor").big_integer().not_null())
        .col(text(backend, "price_currency", 3))
        .col(ColumnDef::new("cost_minor").big_integer().not_null())
        .col(text(backend, "cost_currency", 3))
        .col(ColumnDef::new("weight_grams").integer().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("updated_at").big_integer().not_null())
        .check(Expr::col("price_minor").gte(0))
        .check(Expr::col("weight_grams").gte(0))
        .to_owned()
}

fn product_words(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("product_words")
        .col(text(backend, "word", 200))
        .col(text(backend, "product_id", 36))
        .primary_key(Index::create().col("word").col("product_id"))
        .foreign_key(&mut to_parent("product_words", "product_id", "products", "id"))
        .to_owned()
}

fn warehouses(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("warehouses")
        .col(text(backend, "id", 36).primary_key())
        .col(text(backend, "code", 16).unique_key())
        .col(ColumnDef::new("name").string_len(100).not_null())
        .col(ColumnDef::new("city").string_len(100).not_null())
        .col(ColumnDef::new("country").string_len(2).not_null())
        .to_owned()
}

fn stock(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("stock")
        .col(text(backend, "product_id", 36))
        .col(text(backend, "warehouse_id", 36))
        .col(ColumnDef::new("quantity").big_integer().not_null())
        .primary_key(Index::create().col("product_id").col("warehouse_id"))
        .foreign_key(&mut to_parent("stock", "product_id", "products", "id"))
        .foreign_key(&mut to_parent("stock", "warehouse_id", "warehouses", "id"))
        .check(Expr::col("quantity").gte(0))
        .to_owned()
}

fn reservations() -> TableCreateStatement {
    Table::create()
        .table("reservations")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null().primary_key())
        .col(ColumnDef::new("id").string_len(36).not_null().unique_key())
        .col(ColumnDef::new("status").string_len(16).not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("updated_at").big_integer().not_null())
        .check(Expr::col("status").is_in(["HELD", "COMMITTED", "RELEASED"]))
        .to_owned()
}

fn reservation_lines(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("reservation_lines")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null())
        .col(text(backend, "product_id", 36))
        .col(ColumnDef::new("quantity").integer().not_null())
        .col(ColumnDef::new("unit_price_minor").big_integer().not_null())
        .col(ColumnDef::new("unit_price_currency").string_len(3).not_null())
        .primary_key(Index::create().col("idempotency_key").col("product_id"))
        .foreign_key(&mut to_parent("reservation_lines", "idempotency_key", "reservations", "idempotency_key"))
        .foreign_key(&mut to_parent("reservation_lines", "product_id", "products", "id"))
        .check(Expr::col("quantity").gt(0))
        .to_owned()
}

fn allocations(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("allocations")
        .col(ColumnDef::new("idempotency_key").string_len(200).not_null())
        .col(text(backend, "product_id", 36))
        .col(text(backend, "warehouse_id", 36))
        .col(ColumnDef::new("quantity").big_integer().not_null())
        .primary_key(Index::create().col("idempotency_key").col("product_id").col("warehouse_id"))
        .foreign_key(&mut to_parent("allocations", "idempotency_key", "reservations", "idempotency_key"))
        .check(Expr::col("quantity").gt(0))
        .to_owned()
}

/// One index for each order of a list, with the id that makes its keys unique, and one for replacing the words of a product.
fn indexes() -> [IndexCreateStatement; 4] {
    let index = |name, table, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table(table).to_owned();
        for column in columns {
            index.col(*column);
        }
        index
    };
    [
        index("products_by_name", "products", &["name_key", "id"]),
        index("products_by_price", "products", &["price_currency", "price_minor", "id"]),
        index("products_by_age", "products", &["created_at", "id"]),
        index("product_words_by_product", "product_words", &["product_id"]),
    ]
}

fn to_parent(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
    key: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(parent, key).to_owned()
}
