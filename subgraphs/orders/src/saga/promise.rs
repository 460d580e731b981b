//! Promises: rows that say what has to be done by another party for an order that is complete itself. A refund is one, and units that go
//! back on the shelf are. Knows when they are due and who may work on them, not what they are.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use service::Result;
use uuid::Uuid;

use super::{Saga, SagaError};
use crate::clock::{millis, now_millis};

/// A row of a table of promises. It is to be kept while its `status` is `PENDING`.
pub(super) trait Promise: FromQueryResult + Send + Sync + Sized {
    type Table: EntityTrait<Model = Self>;

    /// What it is, for the log.
    const WHAT: &'static str;
    /// The columns that all such tables have.
    const COLUMNS: Columns<<Self::Table as EntityTrait>::Column>;

    fn id(&self) -> Uuid;
    fn due_at(&self) -> i64;
    fn attempts(&self) -> i32;

    /// Calls the other party, with the row's id as the key, and writes what it has decided. May be repeated.
    fn keep(&self, saga: &Saga) -> impl Future<Output = Result<(), SagaError>> + Send;
}

/// The columns of a table of promises.
pub(super) struct Columns<C> {
    pub(super) id: C,
    pub(super) order: C,
    pub(super) due_at: C,
    pub(super) attempts: C,
    pub(super) failure: C,
}

/// Written out, for the index that has only these rows.
fn pending() -> Expr {
    Expr::cust("status = 'PENDING'")
}

/// Tries to keep all that is promised for the order. What fails is left to the reconciler.
pub(super) async fn keep_all<P: Promise>(saga: &Saga, order: Uuid) {
    let promised = P::Table::find().filter(P::COLUMNS.order.eq(order)).filter(pending());
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
        .filter(P::COLUMNS.due_at.lte(now_millis()))
        .order_by_asc(P::COLUMNS.due_at)
        .limit(most)
        .all(saga.db.reader())
        .await?)
}

/// Claims the promise for the duration of a lease. Of several callers, one succeeds.
pub(super) async fn claim<P: Promise>(saga: &Saga, promise: &P) -> Result<bool> {
    let claimed = P::Table::update_many()
        .col_expr(P::COLUMNS.due_at, Expr::value(now_millis() + millis(saga.policy.lease)))
        .col_expr(P::COLUMNS.attempts, Expr::value(promise.attempts().saturating_add(1)))
        .filter(P::COLUMNS.id.eq(promise.id()))
        .filter(pending())
        .filter(P::COLUMNS.due_at.eq(promise.due_at()))
        .exec(saga.db.reader())
        .await?;
    Ok(claimed.rows_affected == 1)
}

/// Tries to keep the promise. If that fails, it is due again after a wait.
pub(super) async fn attempt<P: Promise>(saga: &Saga, promise: &P) {
    let Err(error) = promise.keep(saga).await else { return };
    saga.counters.failed_steps.inc();
    let (id, what) = (promise.id(), P::WHAT);
    let wait = saga.policy.wait_after(&error, promise.attempts().saturating_add(1));
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(%id, what, cause, ?wait, "A promise could not be kept and will be retried");
    let again = P::Table::update_many()
        .col_expr(P::COLUMNS.due_at, Expr::value(now_millis() + millis(wait)))
        .col_expr(P::COLUMNS.failure, Expr::value(cause))
        .filter(P::COLUMNS.id.eq(id))
        .filter(pending());
    if let Err(error) = again.exec(saga.db.reader()).await {
        // The lease expires by itself, and then it is due again.
        tracing::error!(%error, %id, what, "The retry of a promise could not be scheduled");
    }
}
