//! The reconciler: finishes or undoes orders that are incomplete and pays what is promised, because a process died or calls failed.
//! Knows when to take a step, not what the steps do.

use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::Result;
use tokio_util::sync::CancellationToken;

use super::promise::{self, Promise};
use super::{STUCK_AFTER, Saga, SagaError, quote, steps, store};
use crate::clock::{millis, now_millis};
use crate::entity::order::{self, Column, Step};
use crate::entity::{refund, restock};

/// How many orders are read at once.
const BATCH: u64 = 64;
/// How many of them are worked on at the same time.
const CONCURRENT: usize = 4;
/// Old quotes are forgotten once in so many passes.
const PASSES_PER_CLEANING: u32 = 300;

/// Looks for orders and promises that are due, again and again until stopped. Several instances may run: each goes to one of them.
pub(crate) async fn run(saga: Saga, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(saga.policy.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut passes: u32 = 0;
    loop {
        tokio::select! {
            _ = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match stop.run_until_cancelled(pass(&saga)).await {
            Some(Err(error)) => tracing::error!(%error, "The reconciler could not read what is due"),
            Some(Ok(0)) => {}
            Some(Ok(taken)) => tracing::info!(taken, "The reconciler has worked on orders"),
            None => return,
        }
        if passes.is_multiple_of(PASSES_PER_CLEANING)
            && let Err(error) = quote::forget_expired(&saga).await
        {
            tracing::warn!(%error, "Old quotes could not be removed");
        }
        passes = passes.wrapping_add(1);
    }
}

/// Works on all that is due now. Returns how much there was.
pub(crate) async fn pass(saga: &Saga) -> Result<usize> {
    let orders = futures_util::stream::iter(due(saga).await?)
        .map(|order| async move { in_time(saga, order.id, work_on(saga, order)).await })
        .buffer_unordered(CONCURRENT)
        .filter(|taken| std::future::ready(*taken))
        .count()
        .await;
    let promises = kept::<refund::Model>(saga).await? + kept::<restock::Model>(saga).await?;
    Ok(orders + promises)
}

/// Keeps the promises of one kind that are due. Returns how many there were.
async fn kept<P: Promise>(saga: &Saga) -> Result<usize> {
    let due = promise::due::<P>(saga, BATCH).await?;
    let kept = futures_util::stream::iter(due)
        .map(|promise| async move { in_time(saga, promise.id(), keep(saga, promise)).await })
        .buffer_unordered(CONCURRENT)
        .filter(|taken| std::future::ready(*taken))
        .count();
    Ok(kept.await)
}

async fn due(saga: &Saga) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find()
        // Written out: an index has only these rows, and a database must see that when it plans the statement.
        .filter(Expr::cust("step <> 'DONE'"))
        .filter(Column::DueAt.lte(now_millis()))
        .order_by_asc(Column::DueAt)
        .limit(BATCH)
        .all(saga.db.reader())
        .await
}

/// Works on something for as long as its lease. If it takes longer, it is left as after a crash and is due again.
async fn in_time(saga: &Saga, id: uuid::Uuid, work: impl Future<Output = bool>) -> bool {
    tokio::time::timeout(saga.policy.lease, work).await.unwrap_or_else(|_| {
        tracing::error!(%id, "The steps of an order or a promise took longer than the lease");
        true
    })
}

/// Works on one promise, unless another instance has claimed it.
async fn keep<P: Promise>(saga: &Saga, promise: P) -> bool {
    match promise::claim(saga, &promise).await {
        Ok(true) => {}
        Ok(false) => return false,
        Err(error) => {
            tracing::error!(%error, id = %promise.id(), what = P::WHAT, "The reconciler could not claim a promise");
            return false;
        }
    }
    saga.counters.reconciled.inc();
    promise::attempt(saga, &promise).await;
    true
}

/// Works on one order, unless another instance has claimed it.
async fn work_on(saga: &Saga, order: order::Model) -> bool {
    match claim(saga, &order).await {
        Ok(true) => {}
        Ok(false) => return false,
        Err(error) => {
            tracing::error!(%error, order = %order.id, "The reconciler could not claim an order");
            return false;
        }
    }
    saga.counters.reconciled.inc();
    if let Err(error) = take_steps(saga, &order).await {
        schedule(saga, &order, error).await;
    }
    true
}

/// Tries the steps. An order that is too old for another failure is given up, and what was done for it is undone.
async fn take_steps(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let Err(error) = steps::finish(saga, order.id).await else { return Ok(()) };
    let age = Duration::from_millis(u64::try_from(now_millis() - order.placed_at).unwrap_or(0));
    let now = store::order(&saga.db, order.id).await?;
    if age <= saga.policy.give_up_after || !matches!(now.step, Step::Reserve | Step::Authorize) {
        return Err(error);
    }
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(order = %order.id, step = ?now.step, cause, "An order is given up after its last try");
    steps::give_up(saga, &now).await?;
    steps::finish(saga, order.id).await.map(drop)
}

/// Makes the order due again, and shows it to people if it needs them.
async fn schedule(saga: &Saga, order: &order::Model, error: SagaError) {
    saga.counters.failed_steps.inc();
    // The step that failed may be a later one, with attempts of its own.
    let (step, attempts) = match store::order(&saga.db, order.id).await {
        Ok(now) => (now.step, now.attempts.max(1)),
        Err(_) => (order.step, order.attempts.saturating_add(1)),
    };
    let (wait, stuck) = (saga.policy.wait_after(&error, attempts), error.is_permanent() || attempts >= STUCK_AFTER);
    let cause = format!("{:#}", anyhow::Error::new(error));
    let id = order.id;
    if stuck {
        tracing::error!(order = %id, ?step, attempts, ?wait, cause, "A step of an order failed; it needs attention");
    } else {
        tracing::warn!(order = %id, ?step, attempts, ?wait, cause, "A step of an order failed and will be retried");
    }
    if stuck && order.stuck_since.is_none() {
        saga.counters.stuck.inc();
    }
    if let Err(error) = store::retry_in(&saga.db, id, wait, &cause, stuck).await {
        // The lease expires by itself, and then the order is due again.
        tracing::error!(%error, order = %id, "The reconciler could not schedule the retry of an order");
    }
}

/// Claims the order for the duration of a lease; only after that is it due again. Of several callers, one succeeds.
async fn claim(saga: &Saga, order: &order::Model) -> Result<bool, DbErr> {
    let claimed = order::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(saga.policy.lease)))
        .col_expr(Column::Attempts, Expr::value(order.attempts.saturating_add(1)))
        .filter(Column::Id.eq(order.id))
        .filter(Column::Step.eq(order.step))
        .filter(Column::DueAt.eq(order.due_at))
        .exec(saga.db.reader())
        .await?;
    Ok(claimed.rows_affected == 1)
}
