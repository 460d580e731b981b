//! Finishes or undoes what was left behind: by a process that died, or by calls that failed.
//! Knows when to take a step, not what the steps do.

use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio_util::sync::CancellationToken;

use super::{Saga, SagaError, steps, store};
use crate::clock::{millis, now_millis};
use crate::entity::order::{self, Column, Rejection, Step};

/// How many orders one look takes on.
const BATCH: u64 = 64;
/// How many of them at once.
const CONCURRENT: usize = 4;

/// Looks for orders that are due, at once and then again and again, until stopped. Several instances may run: each
/// order goes to one of them.
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
            Some(Ok(taken)) => tracing::info!(taken, "The reconciler went on with orders"),
            None => return,
        }
    }
}

/// Takes on everything that is due now. Says how many orders that were.
pub(crate) async fn pass(saga: &Saga) -> Result<usize, DbErr> {
    let due = due(saga).await?;
    let taken = futures_util::stream::iter(due)
        .map(|order| async move { take_on_in_time(saga, order).await })
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

/// Goes on with one order for as long as it is ours. Given up, it stands as after a crash, and is due again.
async fn take_on_in_time(saga: &Saga, order: order::Model) -> bool {
    let id = order.id.0;
    tokio::time::timeout(saga.policy.lease, take_on(saga, order)).await.unwrap_or_else(|_| {
        tracing::error!(order = %id, "An order's steps took longer than its lease");
        true
    })
}

/// Goes on with one order, if it is still ours to take.
async fn take_on(saga: &Saga, order: order::Model) -> bool {
    let id = order.id.0;
    match claim(saga, &order).await {
        Ok(true) => {}
        Ok(false) => return false,
        Err(error) => {
            tracing::error!(%error, order = %id, "The reconciler could not claim an order");
            return false;
        }
    }
    if let Err(error) = go_on(saga, &order).await {
        let attempts = order.attempts.saturating_add(1);
        let (wait, permanent) = (saga.policy.wait_after(&error, attempts), error.is_permanent());
        let cause = format!("{:#}", anyhow::Error::new(error));
        if permanent {
            tracing::error!(order = %id, step = ?order.step, attempts, ?wait, cause, "An order can't go on");
        } else {
            tracing::warn!(order = %id, step = ?order.step, attempts, ?wait, cause, "An order could not go on");
        }
        if let Err(error) = store::retry_in(&saga.db, id, wait).await {
            // The claim runs out by itself; the order is then due again.
            tracing::error!(%error, order = %id, "The reconciler could not put off an order");
        }
    }
    true
}

async fn go_on(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let age = Duration::from_millis(u64::try_from(now_millis() - order.placed_at).unwrap_or(0));
    if order.step == Step::Reserve && age > saga.policy.give_up_after {
        store::reject(&saga.db, order.id.0, &Rejection::InventoryUnavailable).await?;
    }
    steps::finish(saga, order.id.0).await.map(drop)
}

/// Makes the order ours for the time of a lease: it is due again only then. One of several callers succeeds.
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
