//! Stock that is reserved under a caller's key, then sold or returned. Knows no orders and no GraphQL.
//!
//! ```text
//!            reserve            commit
//!   (no key) ───────▶  HELD  ───────────▶  COMMITTED
//!      │                │                      │
//!      │ release        │ release, expiry      │ release (such as a cancelled order)
//!      ▼                ▼                      ▼
//!   RELEASED ◀──────────┴──────────────────────┘        final: a later reserve is refused
//! ```
//!
//! A part of what is COMMITTED can be taken back ([`take_back`]), such as for a return: the rest stays sold, and a later release
//! returns only that.
//!
//! Each step is one transaction and may be repeated: the key's row shows what was done. A release of an unknown key writes a
//! RELEASED row, so that a reserve that arrives after its caller gave up can't take stock any more.
//!
//! **Only what its caller lets expire does.** A held reservation may belong to an order that has just been paid; only its caller
//! knows. So a reservation without `expires_at` is held until the caller commits or releases it, also after a crash; `orders` has
//! a reconciler for that. One with `expires_at` may be released from then on ([`sweep`]), and until that happens it can still be
//! committed.
//!
//! Locks are taken in one order: first the key of a request to take back, then the row of the reservation's key, then products, then
//! stock rows by product and warehouse. A transaction has one of each, so no two wait for each other.

mod allocate;
mod commit;
mod release;
mod reserve;
mod store;
mod sweeper;
mod take_back;

use std::collections::BTreeMap;

use service::{Error, Result};
use uuid::Uuid;

use crate::entity::{reservation, reservation_line};

pub(crate) use commit::commit;
pub(crate) use release::release;
pub(crate) use reserve::{Request, reserve};
pub use sweeper::sweep;
pub(crate) use sweeper::sweep_once;
pub(crate) use take_back::{TakeBack, take_back};

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
    Unknown(Vec<Uuid>),
    /// These are no longer sold; nothing was reserved.
    Discontinued(Vec<Uuid>),
    /// This key was released.
    Closed(String),
}

/// A product with too little stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) product: Uuid,
    pub(crate) requested: i32,
    pub(crate) available: i64,
}

/// The quantities by product, which is also the order of locks; an error if they are out of bounds.
fn bounded(lines: impl IntoIterator<Item = (Uuid, i32)>) -> Result<BTreeMap<Uuid, i32>> {
    let mut by_product: BTreeMap<Uuid, i32> = BTreeMap::new();
    for (product, quantity) in lines {
        let sum = by_product.entry(product).or_default();
        let in_bounds = (1..=MAX_UNITS).contains(&quantity) && *sum <= MAX_UNITS - quantity;
        if !in_bounds {
            return Err(Error::bad_input(format!("A product's `quantity` must be between 1 and {MAX_UNITS}.")));
        }
        *sum += quantity;
    }
    if by_product.is_empty() || by_product.len() > MAX_LINES {
        return Err(Error::bad_input(format!("`lines` must have 1 to {MAX_LINES} products.")));
    }
    Ok(by_product)
}

const MAX_LINES: usize = 100;
const MAX_UNITS: i32 = 1_000_000;
