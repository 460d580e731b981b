//! Creates `orders`, `order_lines`, `ledger` and `order_events`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(orders()).await?;
        for index in order_indexes() {
            manager.create_index(index).await?;
        }
        manager.create_table(order_lines()).await?;
        manager.create_index(lines_by_product()).await?;
        manager.create_table(ledger()).await?;
        manager.create_table(order_events()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = |table: DynIden| Table::drop().table(table).to_owned();
        manager.drop_table(drop(OrderEvents::Table.into_iden())).await?;
        manager.drop_table(drop(Ledger::Table.into_iden())).await?;
        manager.drop_table(drop(OrderLines::Table.into_iden())).await?;
        manager.drop_table(drop(Orders::Table.into_iden())).await
    }
}

fn orders() -> TableCreateStatement {
    Table::create()
        .table(Orders::Table)
        .col(id(Orders::Id).primary_key())
        .col(id(Orders::BuyerId))
        .col(ColumnDef::new(Orders::IdempotencyKey).string_len(255).not_null())
        .col(ColumnDef::new(Orders::Status).string_len(16).not_null())
        .col(ColumnDef::new(Orders::Step).string_len(16).not_null())
        .col(amount(Orders::TotalMinor))
        .col(ColumnDef::new(Orders::Currency).string_len(3).not_null())
        .col(ColumnDef::new(Orders::Rejection).json().null())
        .col(ColumnDef::new(Orders::PlacedAt).big_integer().not_null())
        .col(ColumnDef::new(Orders::DueAt).big_integer().not_null())
        .col(ColumnDef::new(Orders::Attempts).integer().not_null())
        .to_owned()
}

fn order_indexes() -> [IndexCreateStatement; 4] {
    let index = |name: &str| Index::create().name(name).table(Orders::Table).to_owned();
    [
        index("orders_buyer_id_idempotency_key").col(Orders::BuyerId).col(Orders::IdempotencyKey).unique().to_owned(),
        index("orders_buyer_id_placed_at_id").col(Orders::BuyerId).col(Orders::PlacedAt).col(Orders::Id).to_owned(),
        index("orders_placed_at_id").col(Orders::PlacedAt).col(Orders::Id).to_owned(),
        index("orders_step_due_at").col(Orders::Step).col(Orders::DueAt).to_owned(),
    ]
}

fn order_lines() -> TableCreateStatement {
    Table::create()
        .table(OrderLines::Table)
        .col(id(OrderLines::OrderId))
        .col(id(OrderLines::ProductId))
        .col(ColumnDef::new(OrderLines::Position).integer().not_null())
        .col(ColumnDef::new(OrderLines::Sku).string_len(64).not_null())
        .col(ColumnDef::new(OrderLines::Quantity).integer().not_null().check(Expr::col(OrderLines::Quantity).gt(0)))
        .col(amount(OrderLines::UnitPriceMinor))
        .primary_key(Index::create().col(OrderLines::OrderId).col(OrderLines::ProductId))
        .foreign_key(&mut of_order(OrderLines::Table, OrderLines::OrderId))
        .to_owned()
}

fn lines_by_product() -> IndexCreateStatement {
    Index::create().name("order_lines_product_id").table(OrderLines::Table).col(OrderLines::ProductId).to_owned()
}

fn ledger() -> TableCreateStatement {
    Table::create()
        .table(Ledger::Table)
        .col(id(Ledger::OrderId))
        .col(ColumnDef::new(Ledger::Kind).string_len(16).not_null())
        .col(amount(Ledger::AmountMinor))
        .col(ColumnDef::new(Ledger::Currency).string_len(3).not_null())
        .col(ColumnDef::new(Ledger::At).big_integer().not_null())
        .primary_key(Index::create().col(Ledger::OrderId).col(Ledger::Kind))
        .foreign_key(&mut of_order(Ledger::Table, Ledger::OrderId))
        .to_owned()
}

fn order_events() -> TableCreateStatement {
    Table::create()
        .table(OrderEvents::Table)
        .col(id(OrderEvents::OrderId))
        .col(ColumnDef::new(OrderEvents::Kind).string_len(16).not_null())
        .col(ColumnDef::new(OrderEvents::At).big_integer().not_null())
        .col(ColumnDef::new(OrderEvents::AmountMinor).big_integer().null())
        .col(ColumnDef::new(OrderEvents::Reason).text().null())
        .primary_key(Index::create().col(OrderEvents::OrderId).col(OrderEvents::Kind))
        .foreign_key(&mut of_order(OrderEvents::Table, OrderEvents::OrderId))
        .to_owned()
}

fn id(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(36).not_null().take()
}

/// Minor units of a currency. Never negative: in the ledger, the kind shows the direction.
fn amount(column: impl IntoIden) -> ColumnDef {
    let column = column.into_iden();
    ColumnDef::new(column.clone()).big_integer().not_null().check(Expr::col(column).gte(0)).take()
}

fn of_order(table: impl IntoTableRef, column: impl IntoIden) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(Orders::Table, Orders::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

#[derive(DeriveIden)]
enum Orders {
    Table,
    Id,
    BuyerId,
    IdempotencyKey,
    Status,
    Step,
    TotalMinor,
    Currency,
    Rejection,
    PlacedAt,
    DueAt,
    Attempts,
}

#[derive(DeriveIden)]
enum OrderLines {
    Table,
    OrderId,
    ProductId,
    Position,
    Sku,
    Quantity,
    UnitPriceMinor,
}

#[derive(DeriveIden)]
enum Ledger {
    Table,
    OrderId,
    Kind,
    AmountMinor,
    Currency,
    At,
}

#[derive(DeriveIden)]
enum OrderEvents {
    Table,
    OrderId,
    Kind,
    At,
    AmountMinor,
    Reason,
}
