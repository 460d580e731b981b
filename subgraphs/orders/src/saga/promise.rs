//! Promises: rows that say what has to be done by another party for an order that is complete itself. A refund is one, and units that go
//! back on the shelf are. Knows when they are due and who may work on them, not what they are.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use service::Result;
use service::clock::{millis, now_millis};
use uuid::Uuid;

use super::{Saga, SagaError};

/// A row of a table of promises, which is to be kept while its `status` is `PENDING`. All such tables have the columns `id`, `order_id`,
/// `status`, `due_at`, `attempts` and `failure`.
pub(super) trait Promise: FromQueryResult + Send + Sync + Sized {
    type Table: EntityTrait<Model = Self>;

    /// What it is, for the log.
    const WHAT: &'static str;

    /// When it is due.
    fn due(&self) -> Due;

    /// Calls the other party, with the row's id as the key, and writes what it has decided. May be repeated.
    fn keep(&self, saga: &Saga) -> impl Future<Output = Result<(), SagaError>> + Send;
}

/// What a row of work says of when it is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) id: Uuid,
    pub(super) due_at: i64,
    pub(super) attempts: i32,
}

/// Written out, for the index that has only these rows.
pub(super) fn pending() -> Expr {
    Expr::cust("status = 'PENDING'")
}

/// Tries to keep all that is promised for the order. What fails is left to the reconciler.
pub(super) async fn keep_all<P: Promise>(saga: &Saga, order: Uuid) {
    let promised = P::Table::find().filter(Expr::col("order_id").eq(order)).filter(pending());
    match promised.all(saga.db.reader()).await {
        Ok(promised) => {
            for promise in &promised {
                attempt(saga, promise).await;
            }
        }
        Err(error) => tracing::warn!(%error, %order, "What is promised for an order could not be read"),
    }
}

/// The promises that are due.
pub(super) async fn due<P: Promise>(saga: &Saga, most: u64) -> Result<Vec<P>> {
    Ok(P::Table::find()
        .filter(pending())
        .filter(Expr::col("due_at").lte(now_millis()))
        .order_by_asc(Expr::col("due_at"))
        .limit(most)
        .all(saga.db.reader())
        .await?)
}

/// Tries to keep the promise. If that fails, it is due again after a wait.
pub(super) async fn attempt<P: Promise>(saga: &Saga, promise: &P) {
    let Err(error) = promise.keep(saga).await else { return };
    saga.counters.failed_steps.inc();
    let (Due { id, attempts, .. }, what) = (promise.due(), P::WHAT);
    let wait = saga.policy.wait_after(&error, attempts.saturating_add(1));
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(%id, what, cause, ?wait, "A promise could not be kept and will be retried");
    let again = P::Table::update_many()
        .col_expr("due_at", Expr::value(now_millis() + millis(wait)))
        .col_expr("failure", Expr::value(cause))
        .filter(Expr::col("id").eq(id))
        .filter(pending());
    if let Err(error) = again.exec(saga.db.reader()).await {
        // The lease expires by itself, and then it is due again.
        tracing::error!(%error, %id, what, "The retry of a promise could not be scheduled");
    }
}
