//! How an order comes to be, and how it is undone, across two databases that share no transaction.
//! Knows orders' tables and inventory's three stock mutations; knows no GraphQL types of its own.
//!
//! The difficulty: either process may die between any two writes, and any answer may be lost. The method is a saga
//! driven by the order's own row. `status` is what the buyer sees, `step` what is still owed to inventory:
//!
//! ```text
//!            place                reserve: held                commit
//!   (no row) ─────▶ PENDING/RESERVE ─────────▶ PLACED/COMMIT ─────────▶ PLACED/DONE
//!                        │  │                     │  │                      │
//!     no stock, given up │  │ cancel       cancel │  │ reservation lapsed   │ cancel
//!                        ▼  ▼                     ▼  ▼                      ▼
//!          REJECTED/RELEASE  CANCELLED/RELEASE (what was charged is refunded)
//!                        │        │
//!                release ▼        ▼ release
//!            REJECTED/DONE        CANCELLED/DONE
//! ```
//!
//! 1. The row, with its step, is written before inventory is told anything. So nothing is held without a row that says so.
//! 2. Every call to inventory carries the order's id as idempotency key, so a step may be repeated after any crash.
//! 3. Every write that follows an answer is conditional on the step it answers. Two workers, or a worker and a
//!    cancellation, cannot both take it.
//! 4. The charge is written in the transaction that moves PENDING to PLACED, under a primary key of order and kind.
//! 5. RELEASE bars the key in inventory for ever: a reservation request that was delayed on the wire cannot take
//!    stock for an order that nobody will finish.
//!
//! Steps only ever go to the right or down, so following them ends. The reconciler follows them for every row that was left behind.

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

/// What the saga works on and with.
#[derive(Clone)]
pub(crate) struct Saga {
    pub(crate) db: Database,
    pub(crate) inventory: Inventory,
    pub(crate) policy: Policy,
}

/// How long the saga waits, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often the reconciler looks for orders that were left behind.
    pub(crate) interval: Duration,
    /// For how long a worker has an order to itself. Longer than the calls of one order take.
    pub(crate) lease: Duration,
    /// The wait after a first failed attempt; it doubles with each further one.
    pub(crate) first_backoff: Duration,
    /// No wait is longer.
    pub(crate) last_backoff: Duration,
    /// An order whose stock could not be asked for in this time is rejected.
    pub(crate) give_up_after: Duration,
}

impl Policy {
    /// The wait after so many attempts at one step, of which this error ended the last. It doubles with every attempt;
    /// what only a person can put right has the longest wait from the beginning.
    ///
    /// Stock and money are never given up, only waited for.
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

/// Why the saga stopped. The order stands as it is written; the reconciler goes on from there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SagaError {
    #[error("the orders database did not do its part")]
    Database(#[source] service::Error),
    #[error("inventory did not do its part")]
    Inventory(#[from] InventoryError),
    #[error("order {0} is gone")]
    Gone(uuid::Uuid),
}

impl SagaError {
    /// Whether trying again soon is of no use: somebody must do something about it first.
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
