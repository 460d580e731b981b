//! How an order is placed and cancelled across two databases that share no transaction.
//! Knows orders' tables and inventory's three stock mutations; knows no GraphQL type of this service.
//!
//! The difficulty: either process may die between any two writes, and any response may be lost. The method is a saga
//! driven by the order's own row. `status` is what the buyer sees, `step` is the next call to inventory:
//!
//! ```text
//!            place                reserve: held                commit
//!   (no row) ─────▶ PENDING/RESERVE ─────────▶ PLACED/COMMIT ─────────▶ PLACED/DONE
//!                        │  │                     │  │                      │
//!      no stock, timeout │  │ cancel       cancel │  │ reservation lapsed   │ cancel
//!                        ▼  ▼                     ▼  ▼                      ▼
//!          REJECTED/RELEASE  CANCELLED/RELEASE (what was charged is refunded)
//!                        │        │
//!                release ▼        ▼ release
//!            REJECTED/DONE        CANCELLED/DONE
//! ```
//!
//! 1. The row and its step are written before the first call to inventory. So every held reservation has a row.
//! 2. Every call to inventory has the order's id as its idempotency key, so a step may be repeated after any crash.
//! 3. Every write after a response is conditional on the step of that call. Two workers, or a worker and a cancellation,
//!    can't both do it.
//! 4. The charge is written in the transaction that moves PENDING to PLACED, under a primary key of order and kind.
//! 5. RELEASE closes the key in inventory for good: a reservation request that was delayed in the network can't take stock for
//!    an order that nobody will finish.
//!
//! Steps only go to the right or down, so every order comes to an end. The reconciler takes the steps of incomplete orders.

pub(crate) mod cancel;
pub(crate) mod inventory;
pub(crate) mod place;
mod pricing;
pub(crate) mod reconcile;
mod steps;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sea_orm::DbErr;
use service::Database;

use self::inventory::{Inventory, InventoryError};

/// What the saga needs.
#[derive(Clone)]
pub(crate) struct Saga {
    pub(crate) db: Database,
    pub(crate) inventory: Inventory,
    pub(crate) policy: Policy,
}

/// The times of the saga.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often the reconciler looks for incomplete orders.
    pub(crate) interval: Duration,
    /// How long a worker's claim to an order lasts. Longer than the calls of one order take.
    pub(crate) lease: Duration,
    /// The wait after the first failed attempt; it doubles with each further one.
    pub(crate) first_backoff: Duration,
    /// The longest wait.
    pub(crate) last_backoff: Duration,
    /// An order whose stock could not be reserved within this time is rejected.
    pub(crate) give_up_after: Duration,
}

impl Policy {
    /// The wait after this many attempts at one step, the last of which failed with this error. It doubles with every attempt;
    /// after an error that only a person can fix, it is the longest from the start.
    ///
    /// Once money is involved, a step is never given up, only retried.
    fn wait_after(&self, error: &SagaError, attempts: i32) -> Duration {
        if error.is_permanent() {
            return self.last_backoff;
        }
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
        self.first_backoff.saturating_mul(1 << doublings).min(self.last_backoff)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            first_backoff: Duration::from_millis(500),
            last_backoff: Duration::from_secs(60),
            give_up_after: Duration::from_secs(300),
        }
    }
}

/// Why a step failed. The order stays as it is written, and the reconciler continues from there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SagaError {
    #[error("the orders database failed")]
    Database(#[source] service::Error),
    #[error("the call to inventory failed")]
    Inventory(#[from] InventoryError),
    #[error("order {0} no longer exists")]
    Gone(uuid::Uuid),
}

impl SagaError {
    /// Whether it is useless to retry soon, because a person must fix something first.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Inventory(error) => error.is_permanent(),
            Self::Database(_) => false,
            Self::Gone(_) => true,
        }
    }
}

impl From<service::Error> for SagaError {
    fn from(error: service::Error) -> Self {
        Self::Database(error)
    }
}

impl From<DbErr> for SagaError {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl From<SagaError> for service::Error {
    fn from(error: SagaError) -> Self {
        match error {
            SagaError::Database(error) => error,
            error => Self::internal(error),
        }
    }
}
