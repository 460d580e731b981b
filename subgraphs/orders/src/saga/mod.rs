//! How an order is placed, cancelled and paid back across three parties that share no transaction: this service's database,
//! inventory and a payment provider. Knows orders' tables, inventory's stock mutations and the provider's four calls; knows no GraphQL
//! type of this service.
//!
//! The difficulty: each process may die between any two writes, and any response may be lost. The method is a saga
//! driven by the order's own row. `status` is what the buyer sees, `step` is the next call to another party:
//!
//! ```text
//!           place                 held                 authorized              committed               captured
//!  (no row) ────▶ PENDING/RESERVE ───▶ PENDING/AUTHORIZE ───▶ PENDING/COMMIT ────────▶ PLACED/CAPTURE ──────▶ PLACED/DONE
//!                      │                 │          │                │                       │                    │
//!     no stock, cancel │        declined │  timeout │ reservation    │ cancel, refused       │ cancel             │ cancel
//!                      │                 │  cancel  │ closed, cancel │                       │                    │ (+ refund)
//!                      │                 │          ▼                ▼                       ▼                    │
//!                      │                 │         …/VOID          …/VOID             CANCELLED/VOID              │
//!                      ▼                 ▼          │ voided, or captured meanwhile (+ refund)                    │
//!                  …/RELEASE ◀───────────┴──────────┴────────────────────────────────────────────────────────────┘
//!                      │ released
//!                      ▼
//!                   …/DONE            … is REJECTED, or CANCELLED if somebody cancelled it
//! ```
//!
//! 1. The row and its step are written before the first call. So everything that is held or set aside anywhere has a row.
//! 2. Every call has a key that follows from the order's id, so a step may be repeated after any crash.
//! 3. Every write after a response is conditional on the step of that call. Two workers, or a worker and a cancellation,
//!    can't both do it.
//! 4. Money is only taken for stock that is sold: CAPTURE comes after COMMIT. The ledger's primary key is the key of the call.
//! 5. VOID repeats an authorization whose answer is not known, to learn what there is to let go. If the money was taken
//!    meanwhile, a refund is written in the transaction that writes the capture.
//! 6. RELEASE closes the key in inventory for good: a reservation request that was delayed in the network can't take stock for
//!    an order that nobody will finish.
//! 7. What is promised after the sale is a row too (`promise.rs`): a refund, or units that go back on the shelf. It is kept by whoever
//!    takes it, with its id as the key.
//!
//! Steps only go to the right or down, so every order comes to an end. The reconciler takes the steps of incomplete orders.

pub(crate) mod cancel;
mod counters;
pub(crate) mod fulfill;
pub(crate) mod gauges;
pub(crate) mod inventory;
mod lines;
pub(crate) mod place;
mod promise;
pub(crate) mod quote;
pub(crate) mod reconcile;
pub(crate) mod refund;
mod restock;
pub(crate) mod retry;
pub(crate) mod returns;
mod steps;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use service::Database;
use uuid::Uuid;

use self::counters::Counters;
use self::inventory::{Inventory, InventoryError};
use crate::entity::order;
use crate::entity::order_event::Actor;
use crate::payment::{PaymentError, PaymentProvider};

/// What the saga needs.
#[derive(Clone)]
pub(crate) struct Saga {
    pub(crate) db: Database,
    pub(crate) inventory: Inventory,
    pub(crate) payments: Arc<dyn PaymentProvider>,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
}

impl Saga {
    /// A saga that has not counted anything yet.
    pub(crate) fn new(db: Database, inventory: Inventory, payments: Arc<dyn PaymentProvider>, policy: Policy) -> Self {
        Self { db, inventory, payments, policy, counters: Counters::default() }
    }

    /// The order as it is now.
    pub(crate) async fn order(&self, id: Uuid) -> service::Result<order::Model> {
        Ok(store::order(&self.db, id).await?)
    }
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
    /// An order that is older than this and has neither stock nor an authorized payment gets one more try, and is then rejected.
    pub(crate) give_up_after: Duration,
    /// How long inventory holds the stock for the payment. Longer than `give_up_after`.
    pub(crate) hold_for: Duration,
    /// How long a quote can be accepted.
    pub(crate) quote_for: Duration,
    /// How long a buyer may cancel an order that is not sent yet.
    pub(crate) cancel_within: Duration,
    /// How long after it has arrived a buyer may send something back.
    pub(crate) return_within: Duration,
}

/// After so many failed attempts at one step, a person should look at it.
const STUCK_AFTER: i32 = 8;

impl Policy {
    /// The wait after this many attempts at one step, the last of which failed with this error. It doubles with every attempt;
    /// after an error that only a person can fix, it is the longest from the start.
    ///
    /// Once something may be held or set aside, a step is never given up, only retried.
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
            hold_for: Duration::from_secs(900),
            quote_for: Duration::from_secs(900),
            cancel_within: Duration::from_secs(24 * 3600),
            return_within: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// Who acts on an order, for its history and for what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) actor: Actor,
    pub(crate) id: Option<Uuid>,
}

impl By {
    /// The shop's software.
    pub(crate) const SYSTEM: Self = Self { actor: Actor::System, id: None };

    /// The person who ordered.
    pub(crate) const fn buyer(id: Uuid) -> Self {
        Self { actor: Actor::Buyer, id: Some(id) }
    }

    /// Somebody who works for the shop. Other issuers' tokens may name people by something other than a UUID.
    pub(crate) fn staff(id: &str) -> Self {
        Self { actor: Actor::Staff, id: Uuid::parse_str(id).ok() }
    }
}

/// Why a step failed. The order stays as it is written, and the reconciler continues from there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SagaError {
    #[error("the orders database failed")]
    Database(#[source] service::Error),
    #[error("the call to inventory failed")]
    Inventory(#[from] InventoryError),
    #[error("the call to the payment provider failed")]
    Payment(#[from] PaymentError),
    #[error("{0} no longer exists")]
    Gone(Uuid),
    #[error("order {0} has no payment to go on with")]
    NoPayment(Uuid),
}

impl SagaError {
    /// Whether it is useless to retry soon, because a person must fix something first.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Inventory(error) => error.is_permanent(),
            Self::Payment(error) => error.is_permanent(),
            Self::Database(_) => false,
            Self::Gone(_) | Self::NoPayment(_) => true,
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
