//! The database of a service, SQLite or PostgreSQL: reading and writing. Knows no table of any service.

mod connect;
mod fault;
mod lease;
mod migrate;
mod open;
mod retry;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use crate::config::DatabaseConfig;
use crate::error::{Error, Result};
use crate::metrics::{Metrics, SECONDS};
use crate::trace;

pub(crate) use fault::is_unusable_text;
pub use fault::{is_duplicate, is_transient};
pub use lease::Lease;
pub(crate) use migrate::MigrateCommand;
pub use migrate::Migrations;
pub use open::{Filled, SampleData, open};

/// A connection pool, and the only way to write through it.
#[derive(Debug, Clone)]
pub struct Database {
    connection: DatabaseConnection,
    statements: Counter,
    statement_seconds: Histogram,
    /// SQLite allows one writer. Writers of this process queue here, in order, instead of polling the lock of the file.
    writer: Option<Arc<Mutex<()>>>,
    written: Arc<Notify>,
}

impl Database {
    /// Opens the database; an SQLite file and its folder are created if they are missing.
    pub async fn connect(config: &DatabaseConfig) -> anyhow::Result<Self> {
        let mut connection = connect::connect(config).await?;
        let (statements, statement_seconds) = (Counter::default(), Histogram::new(SECONDS));
        let (counter, seconds) = (statements.clone(), statement_seconds.clone());
        #[cfg(feature = "testing")]
        let url: Arc<str> = config.url.as_str().into();
        connection.set_metric_callback(move |statement| {
            #[cfg(feature = "testing")]
            crate::testing::statements::sent(&url, statement);
            counter.inc();
            trace::statement(statement);
            seconds.observe(statement.elapsed.as_secs_f64());
        });
        let writer = config.is_sqlite().then(Arc::default);
        Ok(Self { connection, statements, statement_seconds, writer, written: Arc::default() })
    }

    /// The connection for reading, and for single statements that need no transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Does a piece of work in one write transaction: all of it or nothing.
    ///
    /// The work may run more than once: after a deadlock, a serialization failure or a busy lock it is tried again. So its only
    /// effects must be those of the transaction. On SQLite the transaction takes the write lock when it begins; on PostgreSQL
    /// it is READ COMMITTED.
    ///
    /// The work owns a handle of the transaction instead of borrowing it: the compiler can't prove yet that futures over a
    /// reference of any lifetime are `Send`. The handle must be dropped by the time the work ends.
    pub async fn write<T, F>(&self, work: impl Fn(Transaction) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut retries = retry::Retries::default();
        loop {
            match self.write_once(&work).await {
                Err(error) if error.database().is_some_and(is_transient) && retries.again().await => {}
                done => {
                    if done.is_ok() {
                        self.written.notify_one();
                    }
                    return done;
                }
            }
        }
    }

    /// Shows in metrics what is sent to the database, and how many connections there are.
    pub(crate) fn show(&self, metrics: &Metrics) {
        metrics.add("sql_statements", "Statements that were sent to the database", self.statements.clone());
        metrics.add("sql_statement_seconds", "How long statements took", self.statement_seconds.clone());
        let (open, idle) = (Gauge::<i64>::default(), Gauge::<i64>::default());
        metrics.add("sql_connections", "Connections to the database that are open", open.clone());
        metrics.add("sql_connections_idle", "Connections to the database that nobody uses", idle.clone());
        let database = self.clone();
        metrics.measure("connections to the database", move || {
            let (size, unused) = database.connections();
            open.set(i64::from(size));
            idle.set(i64::try_from(unused).unwrap_or(i64::MAX));
            std::future::ready(Ok(()))
        });
    }

    /// How many connections are open, and how many of them are idle.
    fn connections(&self) -> (u32, usize) {
        match self.connection.get_database_backend() {
            DbBackend::Postgres => {
                let pool = self.connection.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let pool = self.connection.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        }
    }

    /// Completes when something was written since it last completed. For one who waits.
    pub(crate) async fn written(&self) {
        self.written.notified().await;
    }

    /// An error unless the database responds within 2 seconds.
    pub async fn ping(&self) -> anyhow::Result<()> {
        let probe = self.connection.execute_unprepared("SELECT 1");
        tokio::time::timeout(Duration::from_secs(2), probe).await.context("no answer within 2 s")??;
        Ok(())
    }

    /// Closes all connections, as soon as they are idle.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.connection.close_by_ref().await
    }

    /// How many statements were sent so far, without BEGIN and COMMIT. For tests that a query needs only so many.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    async fn write_once<T, F>(&self, work: &impl Fn(Transaction) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (_permit, transaction) = self.begin().await?;
        let transaction = Arc::new(transaction);
        let done = work(Arc::clone(&transaction)).await;
        let transaction = only(transaction)?;
        end(transaction, done.is_ok()).await.map_err(Error::from).and(done)
    }

    /// Boxed: without that, this would be compiled again for each kind of work.
    fn begin(&self) -> BoxFuture<'_, Result<(WritePermit, DatabaseTransaction), DbErr>> {
        Box::pin(async move {
            let permit = match &self.writer {
                Some(writer) => Some(Arc::clone(writer).lock_owned().await),
                None => None,
            };
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            Ok((permit, self.connection.begin_with_options(options).await?))
        })
    }

    /// A write transaction that excludes those of all other processes. On SQLite every write transaction does.
    async fn begin_locked(&self) -> Result<(WritePermit, DatabaseTransaction), DbErr> {
        let (permit, transaction) = self.begin().await?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
            transaction.execute_unprepared(&lock).await?;
        }
        Ok((permit, transaction))
    }
}

/// The handle of a transaction that the work in it owns.
pub type Transaction = Arc<DatabaseTransaction>;

/// A piece of work in a transaction.
pub type Work<T = ()> = BoxFuture<'static, Result<T>>;

/// Commits or rolls back. Boxed for the same reason as [`Database::begin`].
fn end(transaction: DatabaseTransaction, keep: bool) -> BoxFuture<'static, Result<(), DbErr>> {
    Box::pin(async move {
        if keep {
            return transaction.commit().await;
        }
        // Awaited, so that the connection is idle before the next writer begins. An error here would only repeat the one that
        // the work failed with.
        let _ = transaction.rollback().await;
        Ok(())
    })
}

/// The transaction itself, after the work in it has dropped its handle.
fn only(transaction: Transaction) -> Result<DatabaseTransaction> {
    Arc::into_inner(transaction)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("the work kept its handle of the transaction")))
}

/// The right to write, until it is dropped.
type WritePermit = Option<OwnedMutexGuard<()>>;

/// Any number works, as long as all versions of the services use the same one: "braid" in ASCII.
const ADVISORY_LOCK: i64 = 0x62_7261_6964;
