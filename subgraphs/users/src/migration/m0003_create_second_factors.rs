//! Creates the tables of second factors, and says of devices whether they have shown one.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for column in ["user_id", "expires_at"] {
            let name = format!("login_challenges_{column}");
            manager.create_index(Index::create().name(name).table("login_challenges").col(column).to_owned()).await?;
        }
        let by_mail = ColumnDef::new("by_mail").boolean().not_null().default(false).to_owned();
        manager.alter_table(Table::alter().table("devices").add_column(by_mail).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("devices").drop_column("by_mail").to_owned()).await?;
        for table in ["login_challenges", "recovery_codes", "totp_factors"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn tables() -> [TableCreateStatement; 3] {
    [
        Table::create()
            .table("totp_factors")
            .col(ColumnDef::new("user_id").uuid().not_null().primary_key())
            .col(ColumnDef::new("secret").blob().not_null())
            .col(ColumnDef::new("last_step").big_integer().not_null())
            .col(ColumnDef::new("confirmed_at").big_integer().null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .foreign_key(&mut of_user("totp_factors"))
            .to_owned(),
        Table::create()
            .table("recovery_codes")
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("code_hash").blob().not_null())
            .primary_key(Index::create().col("user_id").col("code_hash"))
            .foreign_key(&mut of_user("recovery_codes"))
            .to_owned(),
        Table::create()
            .table("login_challenges")
            .col(ColumnDef::new("token_hash").blob().not_null().primary_key())
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("device").string_len(64).null())
            .col(ColumnDef::new("counted").string_len(300).not_null())
            .col(ColumnDef::new("wrong_codes").integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut of_user("login_challenges"))
            .to_owned(),
    ]
}

/// What belongs to a user is removed with the user.
fn of_user(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, "user_id").to("users", "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}
