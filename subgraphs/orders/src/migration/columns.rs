//! Columns, keys and indexes as all tables of orders have them. Knows no table.

use sea_orm_migration::prelude::*;

/// A column with the id of something.
pub(super) fn id(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).uuid().not_null().take()
}

/// A column with a text of at most this length.
pub(super) fn text(column: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(column).string_len(length).take()
}

/// A column with a whole number, such as milliseconds since 1970.
pub(super) fn number(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

/// Minor units of a currency. Never negative.
pub(super) fn amount(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().check(Expr::col(column).gte(0)).take()
}

/// A reference to the id of another table; its rows take those that refer to them along.
pub(super) fn reference(from: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(from, column).to(to, "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

/// An index over columns, in their order. Its name has them all.
pub(super) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("{table}_{}", columns.join("_"))).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}
