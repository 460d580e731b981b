//! Creates `users` and `signing_keys`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager.create_index(users_by_age()).await?;
        manager.create_table(signing_keys()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(SigningKeys::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Users::Table).to_owned()).await
    }
}

fn users() -> TableCreateStatement {
    Table::create()
        .table(Users::Table)
        .col(ColumnDef::new(Users::Id).string_len(36).not_null().primary_key())
        .col(ColumnDef::new(Users::Username).string_len(32).not_null().unique_key())
        .col(ColumnDef::new(Users::Name).string_len(100).not_null())
        .col(ColumnDef::new(Users::Email).string_len(254).not_null().unique_key())
        .col(ColumnDef::new(Users::Roles).json().not_null())
        .col(ColumnDef::new(Users::PasswordHash).string_len(255).null())
        .col(ColumnDef::new(Users::CreatedAt).big_integer().not_null())
        .to_owned()
}

fn users_by_age() -> IndexCreateStatement {
    Index::create().name("users_created_at_id").table(Users::Table).col(Users::CreatedAt).col(Users::Id).to_owned()
}

fn signing_keys() -> TableCreateStatement {
    Table::create()
        .table(SigningKeys::Table)
        .col(ColumnDef::new(SigningKeys::Name).string_len(32).not_null().primary_key())
        .col(ColumnDef::new(SigningKeys::Pkcs8).blob().not_null())
        .col(ColumnDef::new(SigningKeys::CreatedAt).big_integer().not_null())
        .to_owned()
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    Username,
    Name,
    Email,
    Roles,
    PasswordHash,
    CreatedAt,
}

#[derive(DeriveIden)]
enum SigningKeys {
    Table,
    Name,
    Pkcs8,
    CreatedAt,
}
