//! Stock that is put aside under a caller's key, then sold or given back. Knows neither orders nor GraphQL.
//!
//! ```text
//!            reserve            commit
//!   (no key) ───────▶  HELD  ───────────▶  COMMITTED
//!      │                │                      │
//!      │ release        │ release              │ release (the buyer sends it back)
//!      ▼                ▼                      ▼
//!   RELEASED ◀──────────┴──────────────────────┘        for ever: a later reserve is refused
//! ```
//!
//! Each step is one transaction and may be repeated: the key's row tells what was done. A release of an unknown key
//! leaves a RELEASED row, so that a reserve that was under way when its caller gave up can't take stock afterwards.
//!
//! **Nothing expires.** A held reservation may belong to an order that was paid a moment ago; only its holder knows.
//! So the holder must commit or release every key that it used, after a crash too; `orders` has a reconciler for it.
//!
//! **No stock goes below zero, and nothing waits in a circle.** Quantities change by conditional updates only
//! ([`crate::warehousing::change`]), under a CHECK constraint. Locks are taken in one order: first the key's row, then
//! stock rows by product and warehouse. A transaction has one key, so two can't hold what the other waits for.

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

/// A reservation with what it is for, by product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) row: reservation::Model,
    pub(crate) lines: Vec<reservation_line::Model>,
}

/// The result of a reservation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// All of it is put aside: now, or by the same request before.
    Held(Reservation),
    /// There is too little of these; nothing was put aside.
    Insufficient(Vec<Shortage>),
    /// There are no such products; nothing was put aside.
    Unknown(Vec<TextUuid>),
    /// The key was released; this one.
    Closed(String),
}

/// A product with too little stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) product: TextUuid,
    pub(crate) requested: i32,
    pub(crate) available: i64,
}
