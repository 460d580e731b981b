//! The database of a service, SQLite or PostgreSQL: reading and writing. Knows no table of any service.

mod connect;
mod fault;
mod open;
mod retry;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::config::DatabaseConfig;
use crate::error::{Error, Result};

pub use fault::is_transient;
pub(crate) use fault::is_unusable_text;
pub use open::{Filled, Migrations, SampleData, open};

/// A pool of connections, and the one way to write through it.
#[derive(Debug, Clone)]
pub struct Database {
    connection: DatabaseConnection,
    statements: Arc<AtomicU64>,
    /// SQLite has one writer. Within the process writers queue here, in order, rather than poll the file's lock.
    writer: Option<Arc<Mutex<()>>>,
}

impl Database {
    /// Opens the database; an SQLite file and its folder are created if they are missing.
    pub async fn connect(config: &DatabaseConfig) -> anyhow::Result<Self> {
        let mut connection = connect::connect(config).await?;
        let statements = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&statements);
        connection.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let writer = config.is_sqlite().then(Arc::default);
        Ok(Self { connection, statements, writer })
    }

    /// The connection for reading, and for single statements that need no transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Does a piece of work in one write transaction: all of it or nothing.
    ///
    /// The work may run more than once: when the database gives it up for a deadlock, a serialization failure or
    /// a lock it is tried again. So it must have no effect but through its transaction. On SQLite the
    /// transaction takes the write lock at its start, on PostgreSQL it is READ COMMITTED.
    ///
    /// The transaction comes as a handle of the work's own, not as a reference: futures over a reference of any lifetime
    /// can't be proven to be `Send` today. The handle must be gone when the work ends.
    pub async fn write<T, F>(&self, work: impl Fn(Transaction) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut retries = retry::Retries::default();
        loop {
            match self.write_once(&work).await {
                Err(error) if error.database().is_some_and(is_transient) && retries.again().await => {}
                done => return done,
            }
        }
    }

    /// Whether the database answers, soon.
    pub async fn ping(&self) -> anyhow::Result<()> {
        let probe = self.connection.execute_unprepared("SELECT 1");
        tokio::time::timeout(Duration::from_secs(2), probe).await.context("no answer within 2 s")??;
        Ok(())
    }

    /// Closes every connection, once they are given back.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.connection.close_by_ref().await
    }

    /// How many statements were sent so far, BEGIN and COMMIT not counted: for tests that hold a query to one.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    async fn write_once<T, F>(&self, work: &impl Fn(Transaction) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (_turn, transaction) = self.begin().await?;
        let transaction = Arc::new(transaction);
        let done = work(Arc::clone(&transaction)).await;
        let transaction = only(transaction)?;
        end(transaction, done.is_ok()).await.map_err(Error::from).and(done)
    }

    /// Boxed, since every kind of work that is written compiles what it awaits.
    fn begin(&self) -> BoxFuture<'_, Result<(Turn, DatabaseTransaction), DbErr>> {
        Box::pin(async move {
            let turn = match &self.writer {
                Some(writer) => Some(Arc::clone(writer).lock_owned().await),
                None => None,
            };
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            Ok((turn, self.connection.begin_with_options(options).await?))
        })
    }

    /// A write transaction that no other process's can overlap. On SQLite every one is like that.
    async fn begin_locked(&self) -> Result<(Turn, DatabaseTransaction), DbErr> {
        let (turn, transaction) = self.begin().await?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
            transaction.execute_unprepared(&lock).await?;
        }
        Ok((turn, transaction))
    }
}

/// A transaction as the work in it holds it.
pub type Transaction = Arc<DatabaseTransaction>;

/// A piece of work in a transaction.
pub type Work<T = ()> = BoxFuture<'static, Result<T>>;

/// Commits, or takes everything back. Boxed for the same reason as [`Database::begin`].
fn end(transaction: DatabaseTransaction, keep: bool) -> BoxFuture<'static, Result<(), DbErr>> {
    Box::pin(async move {
        if keep {
            return transaction.commit().await;
        }
        // The connection must be idle again before the next writer gets its turn. A failure here is the same failure as
        // the one that the work has had.
        let _ = transaction.rollback().await;
        Ok(())
    })
}

/// The transaction, when the work in it has let go of it.
fn only(transaction: Transaction) -> Result<DatabaseTransaction> {
    Arc::into_inner(transaction).ok_or_else(|| Error::internal(anyhow::anyhow!("the work kept its transaction")))
}

/// The writer's turn; over when it is dropped.
type Turn = Option<OwnedMutexGuard<()>>;

/// Any number will do, as long as all versions of the services use the same: "braid" in ASCII.
const ADVISORY_LOCK: i64 = 0x62_7261_6964;
