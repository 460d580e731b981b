//! Creates `products`, `warehouses`, `stock`, `reservations` and `reservation_lines`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(products()).await?;
        for index in product_indexes() {
            manager.create_index(index).await?;
        }
        manager.create_table(warehouses()).await?;
        manager.create_table(stock()).await?;
        manager.create_table(reservations()).await?;
        manager.create_table(reservation_lines()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = |table: DynIden| Table::drop().table(table).to_owned();
        manager.drop_table(drop(ReservationLines::Table.into_iden())).await?;
        manager.drop_table(drop(Reservations::Table.into_iden())).await?;
        manager.drop_table(drop(Stock::Table.into_iden())).await?;
        manager.drop_table(drop(Warehouses::Table.into_iden())).await?;
        manager.drop_table(drop(Products::Table.into_iden())).await
    }
}

fn products() -> TableCreateStatement {
    Table::create()
        .table(Products::Table)
        .col(id(Products::Id).primary_key())
        .col(ColumnDef::new(Products::Sku).string_len(64).not_null().unique_key())
        .col(ColumnDef::new(Products::Name).string_len(200).not_null())
        .col(ColumnDef::new(Products::Description).text().not_null())
        .col(ColumnDef::new(Products::Category).string_len(100).not_null())
        .col(ColumnDef::new(Products::SearchText).text().not_null())
        .col(amount(Products::PriceMinor).check(Expr::col(Products::PriceMinor).gte(0)))
        .col(ColumnDef::new(Products::Currency).string_len(3).not_null())
        .col(amount(Products::CostMinor))
        .col(ColumnDef::new(Products::WeightGrams).integer().not_null())
        .col(ColumnDef::new(Products::CreatedAt).big_integer().not_null())
        .to_owned()
}

fn product_indexes() -> [IndexCreateStatement; 3] {
    let index = |name: &str| Index::create().name(name).table(Products::Table).to_owned();
    [
        index("products_name_id").col(Products::Name).col(Products::Id).to_owned(),
        index("products_price_id").col(Products::PriceMinor).col(Products::Id).to_owned(),
        index("products_created_at_id").col(Products::CreatedAt).col(Products::Id).to_owned(),
    ]
}

fn warehouses() -> TableCreateStatement {
    Table::create()
        .table(Warehouses::Table)
        .col(id(Warehouses::Id).primary_key())
        .col(ColumnDef::new(Warehouses::Name).string_len(100).not_null().unique_key())
        .col(ColumnDef::new(Warehouses::City).string_len(100).not_null())
        .to_owned()
}

fn stock() -> TableCreateStatement {
    Table::create()
        .table(Stock::Table)
        .col(id(Stock::ProductId))
        .col(id(Stock::WarehouseId))
        // The last line of defence: whatever a statement computes, it can't be kept below zero.
        .col(ColumnDef::new(Stock::Quantity).integer().not_null().check(Expr::col(Stock::Quantity).gte(0)))
        .primary_key(Index::create().col(Stock::ProductId).col(Stock::WarehouseId))
        .foreign_key(
            ForeignKey::create()
                .from(Stock::Table, Stock::ProductId)
                .to(Products::Table, Products::Id),
        )
        .foreign_key(
            ForeignKey::create()
                .from(Stock::Table, Stock::WarehouseId)
                .to(Warehouses::Table, Warehouses::Id),
        )
        .to_owned()
}

fn reservations() -> TableCreateStatement {
    Table::create()
        .table(Reservations::Table)
        .col(ColumnDef::new(Reservations::Key).string_len(255).not_null().primary_key())
        .col(ColumnDef::new(Reservations::Status).string_len(16).not_null())
        .col(ColumnDef::new(Reservations::Request).text().not_null())
        .col(ColumnDef::new(Reservations::CreatedAt).big_integer().not_null())
        .to_owned()
}

fn reservation_lines() -> TableCreateStatement {
    Table::create()
        .table(ReservationLines::Table)
        .col(ColumnDef::new(ReservationLines::ReservationKey).string_len(255).not_null())
        .col(id(ReservationLines::ProductId))
        .col(id(ReservationLines::WarehouseId))
        .col(ColumnDef::new(ReservationLines::Position).integer().not_null())
        .col(
            ColumnDef::new(ReservationLines::Quantity)
                .integer()
                .not_null()
                .check(Expr::col(ReservationLines::Quantity).gt(0)),
        )
        .col(amount(ReservationLines::UnitPriceMinor))
        .col(ColumnDef::new(ReservationLines::Currency).string_len(3).not_null())
        .primary_key(
            Index::create()
                .col(ReservationLines::ReservationKey)
                .col(ReservationLines::ProductId)
                .col(ReservationLines::WarehouseId),
        )
        .foreign_key(
            ForeignKey::create()
                .from(ReservationLines::Table, ReservationLines::ReservationKey)
                .to(Reservations::Table, Reservations::Key),
        )
        .to_owned()
}

fn id(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(36).not_null().to_owned()
}

fn amount(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().to_owned()
}

#[derive(DeriveIden)]
enum Products {
    Table,
    Id,
    Sku,
    Name,
    Description,
    Category,
    SearchText,
    PriceMinor,
    Currency,
    CostMinor,
    WeightGrams,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Warehouses {
    Table,
    Id,
    Name,
    City,
}

#[derive(DeriveIden)]
enum Stock {
    Table,
    ProductId,
    WarehouseId,
    Quantity,
}

#[derive(DeriveIden)]
enum Reservations {
    Table,
    Key,
    Status,
    Request,
    CreatedAt,
}

#[derive(DeriveIden)]
enum ReservationLines {
    Table,
    ReservationKey,
    ProductId,
    WarehouseId,
    Position,
    Quantity,
    UnitPriceMinor,
    Currency,
}
