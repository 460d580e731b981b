//! The reconciler: finishes or undoes orders that are incomplete, because a process died or calls failed.
//! Knows when to take a step, not what the steps do.

use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio_util::sync::CancellationToken;

use super::{Saga, SagaError, steps, store};
use crate::clock::{millis, now_millis};
use crate::entity::order::{self, Column, Rejection, Step};

/// How many orders are read at once.
const BATCH: u64 = 64;
/// How many of them are worked on at the same time.
const CONCURRENT: usize = 4;

/// Looks for orders that are due, again and again until stopped. Several instances may run: each order goes to one of
/// them.
pub(crate) async fn run(saga: Saga, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(saga.policy.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match stop.run_until_cancelled(pass(&saga)).await {
            Some(Err(error)) => tracing::error!(%error, "The reconciler could not read the orders"),
            Some(Ok(0)) => {}
            Some(Ok(taken)) => tracing::info!(taken, "The reconciler has worked on orders"),
            None => return,
        }
    }
}

/// Works on all orders that are due now. Returns how many there were.
pub(crate) async fn pass(saga: &Saga) -> Result<usize, DbErr> {
    let due = due(saga).await?;
    let taken = futures_util::stream::iter(due)
        .map(|order| async move { work_on_in_time(saga, order).await })
        .buffer_unordered(CONCURRENT)
        .filter(|taken| std::future::ready(*taken))
        .count()
        .await;
    Ok(taken)
}

async fn due(saga: &Saga) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find()
        .filter(Column::Step.is_in([Step::Reserve, Step::Commit, Step::Release]))
        .filter(Column::DueAt.lte(now_millis()))
        .order_by_asc(Column::DueAt)
        .limit(BATCH)
        .all(saga.db.reader())
        .await
}

/// Works on one order for as long as its lease. If it takes longer, the order is left as after a crash and is due again.
async fn work_on_in_time(saga: &Saga, order: order::Model) -> bool {
    let id = order.id.0;
    tokio::time::timeout(saga.policy.lease, work_on(saga, order)).await.unwrap_or_else(|_| {
        tracing::error!(order = %id, "An order's steps took longer than its lease");
        true
    })
}

/// Works on one order, unless another instance has claimed it.
async fn work_on(saga: &Saga, order: order::Model) -> bool {
    let id = order.id.0;
    match claim(saga, &order).await {
        Ok(true) => {}
        Ok(false) => return false,
        Err(error) => {
            tracing::error!(%error, order = %id, "The reconciler could not claim an order");
            return false;
        }
    }
    if let Err(error) = take_steps(saga, &order).await {
        let attempts = order.attempts.saturating_add(1);
        let (wait, permanent) = (saga.policy.wait_after(&error, attempts), error.is_permanent());
        let cause = format!("{:#}", anyhow::Error::new(error));
        if permanent {
            tracing::error!(order = %id, step = ?order.step, attempts, ?wait, cause, "A step of an order failed; it needs attention");
        } else {
            tracing::warn!(order = %id, step = ?order.step, attempts, ?wait, cause, "A step of an order failed and will be retried");
        }
        if let Err(error) = store::retry_in(&saga.db, id, wait).await {
            // The lease expires by itself, and then the order is due again.
            tracing::error!(%error, order = %id, "The reconciler could not schedule the retry of an order");
        }
    }
    true
}

async fn take_steps(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let age = Duration::from_millis(u64::try_from(now_millis() - order.placed_at).unwrap_or(0));
    if order.step == Step::Reserve && age > saga.policy.give_up_after {
        store::reject(&saga.db, order.id.0, &Rejection::InventoryUnavailable).await?;
    }
    steps::finish(saga, order.id.0).await.map(drop)
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
