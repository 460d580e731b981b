//! The reconciler: finishes or undoes orders that are incomplete and pays what is promised, because a process died or calls failed.
//! Knows when to take a step, not what the steps do.

use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::clock::{millis, now_millis};
use service::{Result, trace};
use tokio_util::sync::CancellationToken;

use super::promise::{self, Due, Promise};
use super::{STUCK_AFTER, Saga, SagaError, quote, steps, store};
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

/// A pass of a process that does not run all the time.
pub(crate) async fn turn(saga: &Saga) -> anyhow::Result<u64> {
    let taken = pass(saga).await.map_err(anyhow::Error::new)?;
    quote::forget_expired(saga).await.map_err(anyhow::Error::new)?;
    Ok(taken as u64)
}

/// Works on all that is due now. Returns how much there was.
pub(crate) async fn pass(saga: &Saga) -> Result<usize> {
    let orders = all(due(saga).await?, |order| async move {
        let due = Due { id: order.id, due_at: order.due_at, attempts: order.attempts };
        work_on::<order::Entity>(saga, due, Column::Step.eq(order.step), finish(saga, &order)).await
    });
    Ok(orders.await + kept::<refund::Model>(saga).await? + kept::<restock::Model>(saga).await?)
}

/// Keeps the promises of one kind that are due. Returns how many there were.
async fn kept<P: Promise>(saga: &Saga) -> Result<usize> {
    let kept = all(promise::due::<P>(saga, BATCH).await?, |promise| async move {
        work_on::<P::Table>(saga, promise.due(), promise::pending(), promise::attempt(saga, &promise)).await
    });
    Ok(kept.await)
}

/// Does the work for each row, for some at the same time. Returns for how many it was done here.
async fn all<T, W: Future<Output = bool>>(rows: Vec<T>, work: impl Fn(T) -> W) -> usize {
    futures_util::stream::iter(rows)
        .map(work)
        .buffer_unordered(CONCURRENT)
        .filter(|taken| std::future::ready(*taken))
        .count()
        .await
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

/// Does the work for a row that nobody else has claimed and that is `still` as it was read, for as long as the lease. If it takes longer, it
/// is left as after a crash and is due again.
async fn work_on<E: EntityTrait>(saga: &Saga, due: Due, still: Expr, work: impl Future<Output = ()>) -> bool {
    let id = due.id;
    let work = async {
        match claim::<E>(saga, due, still).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                tracing::error!(%error, %id, "The reconciler could not claim an order or a promise");
                return false;
            }
        }
        saga.counters.reconciled.inc();
        work.await;
        true
    };
    tokio::time::timeout(saga.policy.lease, trace::background("reconcile", work)).await.unwrap_or_else(|_| {
        tracing::error!(%id, "The steps of an order or a promise took longer than the lease");
        true
    })
}

/// Takes the steps of an order, and schedules the next try if one fails.
async fn finish(saga: &Saga, order: &order::Model) {
    if let Err(error) = take_steps(saga, order).await {
        schedule(saga, order, error).await;
    }
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
        Ok(now) => (now.step, Ord::max(now.attempts, 1)),
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

/// Claims the row for the duration of a lease; only after that is it due again. Of several callers, one succeeds.
async fn claim<E: EntityTrait>(saga: &Saga, due: Due, still: Expr) -> Result<bool, DbErr> {
    let claimed = E::update_many()
        .col_expr("due_at", Expr::value(now_millis() + millis(saga.policy.lease)))
        .col_expr("attempts", Expr::value(due.attempts.saturating_add(1)))
        .filter(Expr::col("id").eq(due.id))
        .filter(still)
        .filter(Expr::col("due_at").eq(due.due_at))
        .exec(saga.db.reader())
        .await?;
    Ok(claimed.rows_affected == 1)
}
