//! What a service's database goes through before it serves: connecting, migrations, sample data. Knows no table.

use std::sync::Arc;

use anyhow::Context;
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

use crate::config::{Config, DatabaseConfig};
use crate::error::Result;

use super::{Database, Transaction, Work, only};

/// The steps by which a service's tables come to be, oldest first.
pub type Migrations = fn() -> Vec<Box<dyn MigrationTrait>>;

/// Writes a service's sample data.
pub type SampleData = fn(Transaction) -> Work;

/// The database of a service, at its newest version, and with sample data if that is wanted and nothing else is in it.
pub fn open(
    config: &Config,
    migrations: Migrations,
    sample: SampleData,
) -> BoxFuture<'static, anyhow::Result<Database>> {
    Box::pin(open_with(config.database.clone(), migrations, config.wants_sample_data().then_some(sample)))
}

async fn open_with(
    config: DatabaseConfig,
    migrations: Migrations,
    sample: Option<SampleData>,
) -> anyhow::Result<Database> {
    let database = Database::connect(&config).await?;
    database.migrate(migrations).await?;
    if let Some(sample) = sample
        && let Filled::HasData { table } = database.fill(sample).await?
    {
        tracing::info!(table, "No sample data: the database has data of its own");
    }
    Ok(database)
}

/// What came of filling a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    /// It has sample data now.
    Now,
    /// It was filled before; what has become of the data since does not matter.
    Before,
    /// It has data of its own, so nothing was written.
    HasData {
        /// A table that is not empty.
        table: String,
    },
}

impl Database {
    /// Brings the tables to the newest version. Processes that start together wait for one another.
    pub async fn migrate(&self, migrations: Migrations) -> anyhow::Result<()> {
        let (_turn, transaction) = self.begin_locked().await.context("could not lock the database to migrate it")?;
        Migrator(migrations).up(&transaction, None).await.context("could not migrate the database")?;
        transaction.commit().await.context("could not commit the migration")
    }

    /// Writes sample data, once in the life of the database, and only if every table is empty: sample accounts have a
    /// password that everybody knows.
    pub async fn fill(&self, sample: SampleData) -> anyhow::Result<Filled> {
        let (_turn, transaction) = self.begin_locked().await?;
        let backend = transaction.get_database_backend();
        let values = [TASK.into(), crate::graphql::now().to_rfc3339().into()];
        transaction.execute_unprepared(CREATE_TASKS).await?;
        let marked = transaction.execute_raw(Statement::from_sql_and_values(backend, MARK_TASK, values)).await?;
        if marked.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(Filled::Before);
        }
        if let Some(table) = table_with_data(&transaction).await? {
            transaction.rollback().await?;
            return Ok(Filled::HasData { table });
        }
        let transaction = Arc::new(transaction);
        sample(Arc::clone(&transaction)).await.context("could not write the sample data")?;
        only(transaction)?.commit().await?;
        Ok(Filled::Now)
    }
}

/// A table that has a row, our own bookkeeping aside.
async fn table_with_data(transaction: &DatabaseTransaction) -> Result<Option<String>, DbErr> {
    let backend = transaction.get_database_backend();
    let list = if backend == DbBackend::Postgres { POSTGRES_TABLES } else { SQLITE_TABLES };
    for row in transaction.query_all_raw(Statement::from_string(backend, list)).await? {
        let table: String = row.try_get("", "name")?;
        if BOOKKEEPING.contains(&table.as_str()) {
            continue;
        }
        let first = format!("SELECT 1 FROM \"{}\" LIMIT 1", table.replace('"', "\"\""));
        if transaction.query_one_raw(Statement::from_string(backend, first)).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// A service's steps as the migration library takes them.
struct Migrator(Migrations);

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.0)()
    }
}

const POSTGRES_TABLES: &str =
    "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";
const SQLITE_TABLES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";
const BOOKKEEPING: [&str; 2] = ["completed_tasks", "seaql_migrations"];

const TASK: &str = "sample-data";
const CREATE_TASKS: &str =
    "CREATE TABLE IF NOT EXISTS completed_tasks (name TEXT PRIMARY KEY, completed_at TEXT NOT NULL)";
const MARK_TASK: &str =
    "INSERT INTO completed_tasks (name, completed_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
