//! How many units of a product a warehouse has: a ledger of movements, and the current stock beside it. Knows no order and no
//! GraphQL.
//!
//! ```text
//!   receive, adjust, transfer, count ─┐                                 ┌─▶ stock_movements   what happened, for good
//!   (requests)                        ├─▶ ledger::post, one transaction ┤
//!   reservations: sale, return ───────┘                                 └─▶ stock             on_hand = sum of the movements
//!
//!   reservations: hold, let go ─────────▶ holds ────────────────────────────▶ stock             reserved = sum of what is held
//! ```
//!
//! What can be ordered is `on_hand - reserved`. A hold is no movement: the goods stay where they are until they are sold.
//!
//! **Stock is never negative, and there are no deadlocks.** CHECK constraints keep `0 <= reserved <= on_hand`. Rows are locked by
//! product and warehouse, in that order, after the key of the request or reservation that they are changed for ([`keys`]).

pub(crate) mod holds;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod requests;
