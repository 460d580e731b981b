//! Creates categories and products, and the index in which products are searched.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::{id, index, reference, text, unique, whole};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [categories(backend), products(backend), options(backend), images(), terms(backend)] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        let search = if backend == DbBackend::Postgres { POSTGRES_SEARCH } else { SQLITE_SEARCH };
        for statement in [DISCONTINUED].iter().chain(search) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            manager.get_connection().execute_unprepared("DROP TABLE product_search").await?;
        }
        for table in ["product_terms", "product_images", "product_options", "products", "categories"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn categories(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("categories")
        .col(id("id").primary_key())
        .col(text(backend, "slug", 60).not_null().unique_key())
        .col(ColumnDef::new("name").string_len(60).not_null())
        .col(ColumnDef::new("parent_id").uuid())
        .col(whole("created_at"))
        .foreign_key(&mut reference("categories", &["parent_id"], "categories", &["id"]))
        .to_owned()
}

fn products(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("products")
        .col(id("id").primary_key())
        .col(text(backend, "sku", 40).not_null().unique_key())
        .col(text(backend, "name", 200).not_null())
        // Lower case may be longer than upper case.
        .col(text(backend, "name_key", 600).not_null())
        .col(ColumnDef::new("description").text().not_null())
        .col(id("category_id"))
        .col(whole("price_minor"))
        .col(text(backend, "price_currency", 3).not_null())
        .col(whole("cost_minor"))
        .col(text(backend, "cost_currency", 3).not_null())
        .col(ColumnDef::new("weight_grams").integer().not_null())
        .col(ColumnDef::new("discontinued").boolean().not_null())
        .col(whole("created_at"))
        .col(whole("updated_at"))
        .foreign_key(&mut reference("products", &["category_id"], "categories", &["id"]))
        .check(Expr::col("price_minor").gte(0))
        .check(Expr::col("cost_minor").gte(0))
        .check(Expr::col("weight_grams").gte(0))
        .to_owned()
}

fn options(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("product_options")
        .col(id("product_id"))
        .col(ColumnDef::new("position").integer().not_null())
        .col(text(backend, "name", 60).not_null())
        .col(ColumnDef::new("value").string_len(100).not_null())
        .primary_key(Index::create().col("product_id").col("position"))
        .index(&mut unique(&["product_id", "name"]))
        .foreign_key(&mut reference("product_options", &["product_id"], "products", &["id"]))
        .to_owned()
}

fn images() -> TableCreateStatement {
    Table::create()
        .table("product_images")
        .col(id("product_id"))
        .col(ColumnDef::new("position").integer().not_null())
        .col(ColumnDef::new("url").string_len(2000).not_null())
        .col(ColumnDef::new("alt").string_len(300).not_null())
        .primary_key(Index::create().col("product_id").col("position"))
        .foreign_key(&mut reference("product_images", &["product_id"], "products", &["id"]))
        .to_owned()
}

/// The words of a product by where they stand, separated by spaces; both databases build their index of these.
fn terms(backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table("product_terms");
    if backend == DbBackend::Sqlite {
        // The index refers to rows by number, and only a declared number stays the same for good.
        table.col(ColumnDef::new("number").integer().not_null().primary_key());
        table.col(id("product_id").unique_key());
    } else {
        table.col(id("product_id").primary_key());
    }
    table
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("category").text().not_null())
        .col(ColumnDef::new("description").text().not_null())
        .foreign_key(&mut reference("product_terms", &["product_id"], "products", &["id"]))
        .to_owned()
}

/// One index for each order of a list, with the id that makes its keys unique, and one for each filter.
fn indexes() -> [IndexCreateStatement; 5] {
    [
        index("products_by_name", "products", &["name_key", "id"]),
        index("products_by_price", "products", &["price_currency", "price_minor", "id"]),
        index("products_by_age", "products", &["created_at", "id"]),
        index("products_by_category", "products", &["category_id", "name_key", "id"]),
        index("categories_by_parent", "categories", &["parent_id"]),
    ]
}

/// Few products are discontinued, so finding them needs an index, and finding the others does not.
const DISCONTINUED: &str = "CREATE INDEX products_discontinued ON products (name_key, id) WHERE discontinued";

/// The words become lexemes as they are, without the parser that would split them by the rules of a locale. The letter is the weight
/// of where they stand.
const POSTGRES_SEARCH: &[&str] = &[
    "ALTER TABLE product_terms ADD COLUMN terms tsvector NOT NULL GENERATED ALWAYS AS (
       CAST(regexp_replace(name, '([^ ]+)', '''\\1'':1A', 'g') AS tsvector)
       || CAST(regexp_replace(category, '([^ ]+)', '''\\1'':1B', 'g') AS tsvector)
       || CAST(regexp_replace(description, '([^ ]+)', '''\\1'':1C', 'g') AS tsvector)
     ) STORED",
    // Each search would have to look through what is added later, so it is added at once: products are searched more often than written.
    "CREATE INDEX product_terms_search ON product_terms USING GIN (terms) WITH (fastupdate = off)",
];

const SQLITE_SEARCH: &[&str] = &[
    "CREATE VIRTUAL TABLE product_search USING fts5(
       name, category, description,
       content='product_terms', content_rowid='number', tokenize='unicode61 remove_diacritics 0', prefix='2 3'
     )",
    "CREATE TRIGGER product_terms_added AFTER INSERT ON product_terms BEGIN
       INSERT INTO product_search(rowid, name, category, description)
         VALUES (new.number, new.name, new.category, new.description);
     END",
    "CREATE TRIGGER product_terms_removed AFTER DELETE ON product_terms BEGIN
       INSERT INTO product_search(product_search, rowid, name, category, description)
         VALUES ('delete', old.number, old.name, old.category, old.description);
     END",
    "CREATE TRIGGER product_terms_changed AFTER UPDATE ON product_terms BEGIN
       INSERT INTO product_search(product_search, rowid, name, category, description)
         VALUES ('delete', old.number, old.name, old.category, old.description);
       INSERT INTO product_search(rowid, name, category, description)
         VALUES (new.number, new.name, new.category, new.description);
     END",
];
