//! Stock that is reserved under a caller's key, then sold or returned. Knows no orders and no GraphQL.
//!
//! ```text
//!            reserve            commit
//!   (no key) ───────▶  HELD  ───────────▶  COMMITTED
//!      │                │                      │
//!      │ release        │ release              │ release (such as a cancelled order)
//!      ▼                ▼                      ▼
//!   RELEASED ◀──────────┴──────────────────────┘        final: a later reserve is refused
//! ```
//!
//! Each step is one transaction and may be repeated: the key's row shows what was done. A release of an unknown key writes a
//! RELEASED row, so that a reserve that arrives after its caller gave up can't take stock any more.
//!
//! **Nothing expires.** A held reservation may belong to an order that has just been paid; only its caller knows. So the
//! caller must commit or release every key that it used, also after a crash; `orders` has a reconciler for that.
//!
//! **Stock is never negative, and there are no deadlocks.** Quantities change only by conditional updates
//! ([`crate::warehousing::change`]), and there is a CHECK constraint. Locks are taken in one order: first the key's row, then
//! stock rows by product and warehouse. A transaction has one key, so no two wait for each other.

mod allocate;
mod commit;
mod release;
mod reserve;
mod store;

use sea_orm::prelude::TextUuid;

use crate::entity::{reservation, reservation_line};

pub(crate) use commit::commit;
pub(crate) use release::release;
pub(crate) use reserve::{Request, reserve};

/// A reservation with its lines, by product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) row: reservation::Model,
    pub(crate) lines: Vec<reservation_line::Model>,
}

/// The result of a reservation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// Everything is reserved, now or by an earlier, identical request.
    Held(Reservation),
    /// There is too little stock of these; nothing was reserved.
    Insufficient(Vec<Shortage>),
    /// There are no such products; nothing was reserved.
    Unknown(Vec<TextUuid>),
    /// This key was released.
    Closed(String),
}

/// A product with too little stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) product: TextUuid,
    pub(crate) requested: i32,
    pub(crate) available: i64,
}
