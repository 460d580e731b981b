//! Columns, keys and indexes as all tables of inventory have them. Knows no table.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// A text column that is compared by bytes on both databases, so that ranges and the order of pages are the same.
pub(super) fn text(backend: DbBackend, name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(length);
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// A column with the id of something.
pub(super) fn id(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.uuid().not_null();
    column
}

/// A column with a whole number: a quantity, an amount of money, or milliseconds since 1970.
pub(super) fn whole(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// A reference to rows of another table, by any number of columns.
pub(super) fn reference(
    table: &'static str,
    columns: &[&'static str],
    parent: &'static str,
    keys: &[&'static str],
) -> ForeignKeyCreateStatement {
    let mut reference = ForeignKey::create();
    reference.from_tbl(table).to_tbl(parent);
    for (column, key) in columns.iter().zip(keys) {
        reference.from_col(*column).to_col(*key);
    }
    reference
}

/// An index over columns, in their order.
pub(super) fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

/// The rule of a table that no two rows have the same values in these columns.
pub(super) fn unique(columns: &[&'static str]) -> IndexCreateStatement {
    let mut unique = Index::create().unique().to_owned();
    for column in columns {
        unique.col(*column);
    }
    unique
}
