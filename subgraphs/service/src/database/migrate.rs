//! Migrations: run at the start of a service, or by an operator. Knows no table of any service.
//!
//! All of them run in one transaction that excludes other processes: one that is interrupted has changed nothing.

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

use super::open::{POSTGRES_TABLES, SQLITE_TABLES};
use super::{Database, lease};

/// The migrations of a service, oldest first.
pub type Migrations = fn() -> Vec<Box<dyn MigrationTrait>>;

/// What an operator can do with migrations.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Run the migrations that have not run yet
    Up,
    /// List the migrations, and which of them have run
    Status,
    /// Undo the newest migrations: what only they have room for is lost
    Down {
        /// How many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
}

/// The table in which the library notes what has run.
pub(super) const HISTORY: &str = "seaql_migrations";

/// What has run of what there is.
struct State {
    /// The migrations that this program has, and whether they have run.
    known: Vec<(String, bool)>,
    /// Those that have run and that it does not have.
    unknown: Vec<String>,
}

impl Database {
    /// Runs the migrations that have not run yet. Processes that start at the same time wait for each other.
    ///
    /// A database that is one migration ahead of this program stays as it is: while instances are replaced by those of a newer version, the
    /// old ones must be able to start again. So a migration may not take away what the version before it needs.
    pub async fn migrate(&self, migrations: Migrations) -> anyhow::Result<()> {
        let (_permit, transaction) = self.begin_locked().await.context("could not lock the database to migrate it")?;
        let state = State::read(&transaction, migrations).await?;
        state.refuse_others()?;
        match state.unknown.first() {
            None => Migrator(migrations).up(&transaction, None).await.context("could not migrate the database")?,
            Some(newer) => tracing::warn!(migration = newer, "The database is one migration ahead of this program"),
        }
        transaction.execute_unprepared(lease::CREATE).await.context("could not create the table of leases")?;
        transaction.commit().await.context("could not commit the migration")
    }

    /// An error if there are migrations that have not run.
    pub(super) async fn expect_migrated(&self, program: &str, migrations: Migrations) -> anyhow::Result<()> {
        let (_permit, transaction) = self.begin_locked().await.context("could not lock the database")?;
        let state = State::read(&transaction, migrations).await?;
        transaction.rollback().await?;
        state.refuse_others()?;
        let missing = state.known.iter().filter(|(_, has_run)| !has_run).count();
        ensure!(
            missing == 0,
            "the database lacks {missing} of this version's migrations, and MIGRATE is false: run `{program} migrate up` first"
        );
        Ok(())
    }

    /// What an operator asks for; the text for them.
    pub(crate) async fn run_migrations(
        &self,
        migrations: Migrations,
        command: MigrateCommand,
    ) -> anyhow::Result<String> {
        match command {
            MigrateCommand::Up => self.migrate(migrations).await?,
            MigrateCommand::Status => {}
            MigrateCommand::Down { steps } => self.undo(migrations, steps).await?,
        }
        let (_permit, transaction) = self.begin_locked().await.context("could not lock the database")?;
        let state = State::read(&transaction, migrations).await?;
        transaction.rollback().await?;
        Ok(state.text())
    }

    async fn undo(&self, migrations: Migrations, steps: u32) -> anyhow::Result<()> {
        let (_permit, transaction) = self.begin_locked().await.context("could not lock the database to migrate it")?;
        let state = State::read(&transaction, migrations).await?;
        if let Some(newer) = state.unknown.first() {
            bail!(
                "the database has the migration `{newer}` of another version of this program: only that one can undo it"
            );
        }
        let done = state.known.iter().filter(|(_, has_run)| *has_run).count();
        ensure!(steps as usize <= done, "only {done} migrations have run; give at most as many --steps");
        Migrator(migrations).down(&transaction, Some(steps)).await.context("could not undo the migrations")?;
        transaction.commit().await.context("could not commit the migration")
    }
}

impl State {
    async fn read(transaction: &DatabaseTransaction, migrations: Migrations) -> anyhow::Result<Self> {
        let done = done(transaction).await?;
        let known: Vec<String> = migrations().iter().map(|migration| migration.name().to_owned()).collect();
        let unknown = done.iter().filter(|version| !known.contains(version)).cloned().collect();
        let known = known.into_iter().map(|name| (name.clone(), done.contains(&name))).collect();
        Ok(Self { known, unknown })
    }

    /// An error if the tables are not those that the program expects.
    fn refuse_others(&self) -> anyhow::Result<()> {
        let is_ahead =
            self.unknown.len() == 1 && !self.known.is_empty() && self.known.iter().all(|(_, has_run)| *has_run);
        match self.unknown.first() {
            Some(version) if !is_ahead => bail!(
                "the database has the tables of another version of this program (migration `{version}`), which this one can't convert; \
                 use another database, or delete this one to start over"
            ),
            _ => Ok(()),
        }
    }

    fn text(&self) -> String {
        let known = self.known.iter().map(|(name, has_run)| (name, if *has_run { "has run" } else { "has not run" }));
        let unknown = self.unknown.iter().map(|name| (name, "has run, by another version of this program"));
        known.chain(unknown).map(|(name, state)| format!("{name}: {state}\n")).collect()
    }
}

/// The migrations that have run; none in a database that is new.
async fn done(transaction: &DatabaseTransaction) -> anyhow::Result<Vec<String>> {
    let backend = transaction.get_database_backend();
    let list = if backend == DbBackend::Postgres { POSTGRES_TABLES } else { SQLITE_TABLES };
    let tables = transaction.query_all_raw(Statement::from_string(backend, list)).await?;
    let is_history = |row: &sea_orm::QueryResult| row.try_get("", "name").is_ok_and(|name: String| name == HISTORY);
    if !tables.iter().any(is_history) {
        return Ok(Vec::new());
    }
    let done = Statement::from_string(backend, format!("SELECT version FROM {HISTORY} ORDER BY version"));
    let rows = transaction.query_all_raw(done).await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?)
}

/// The migrations in the form that the library expects.
struct Migrator(Migrations);

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.0)()
    }
}
