//! Creates the tables of accounts, sessions, mail and keys. Every column that is searched or sorted by has an index.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Those that others refer to come first.
const TABLES: [&str; 9] = [
    "users",
    "user_roles",
    "sessions",
    "devices",
    "registrations",
    "mail_tokens",
    "mail_jobs",
    "attempts",
    "signing_keys",
];

fn tables() -> [TableCreateStatement; 9] {
    [
        table("users")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("username").string_len(32).not_null().unique_key())
            .col(ColumnDef::new("name").string_len(100).not_null())
            .col(ColumnDef::new("email").string_len(254).not_null().unique_key())
            .col(ColumnDef::new("password_hash").string_len(255).null())
            .col(ColumnDef::new("one_time_until").big_integer().null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .to_owned(),
        table("user_roles")
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("role").string_len(32).not_null())
            .primary_key(Index::create().col("user_id").col("role"))
            .foreign_key(&mut of_user("user_roles"))
            .to_owned(),
        table("sessions")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("family_hash").blob().not_null())
            .col(ColumnDef::new("current_hash").blob().not_null())
            .col(ColumnDef::new("previous_hash").blob().null())
            .col(ColumnDef::new("salt").blob().not_null())
            .col(ColumnDef::new("rotated_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut of_user("sessions"))
            .to_owned(),
        table("devices")
            .col(ColumnDef::new("token_hash").blob().not_null().primary_key())
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut of_user("devices"))
            .to_owned(),
        table("registrations")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("token_hash").blob().null().unique_key())
            .col(ColumnDef::new("username").string_len(32).not_null())
            .col(ColumnDef::new("name").string_len(100).not_null())
            .col(ColumnDef::new("email").string_len(254).not_null())
            .col(ColumnDef::new("password_hash").string_len(255).not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .to_owned(),
        table("mail_tokens")
            .col(ColumnDef::new("token_hash").blob().not_null().primary_key())
            .col(ColumnDef::new("user_id").uuid().not_null())
            .col(ColumnDef::new("email").string_len(254).null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut of_user("mail_tokens"))
            .to_owned(),
        table("mail_jobs")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("job").text().not_null())
            .col(ColumnDef::new("attempts").integer().not_null())
            .col(ColumnDef::new("due_at").big_integer().not_null())
            .to_owned(),
        table("attempts")
            .col(ColumnDef::new("name").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("count").big_integer().not_null())
            .col(ColumnDef::new("resets_at").big_integer().not_null())
            .to_owned(),
        table("signing_keys")
            .col(ColumnDef::new("number").integer().not_null().primary_key())
            .col(ColumnDef::new("pkcs8").blob().not_null())
            .col(ColumnDef::new("signs_from").big_integer().not_null())
            .to_owned(),
    ]
}

fn indexes() -> [IndexCreateStatement; 12] {
    [
        index("users", &["created_at", "id"]),
        index("user_roles", &["role", "user_id"]),
        index("sessions", &["user_id", "rotated_at"]),
        index("sessions", &["expires_at"]),
        index("devices", &["user_id", "expires_at"]),
        index("devices", &["expires_at"]),
        index("registrations", &["email"]),
        index("registrations", &["expires_at"]),
        index("mail_tokens", &["user_id"]),
        index("mail_tokens", &["expires_at"]),
        index("mail_jobs", &["due_at", "id"]),
        index("attempts", &["resets_at"]),
    ]
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).to_owned()
}

/// What belongs to a user is removed with the user.
fn of_user(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, "user_id").to("users", "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("{table}_{}", columns.join("_"))).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}
