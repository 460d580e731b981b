//! Orders and inventory as real processes and a payment provider, killed and restarted at every step of an order, then counted.
//!
//! * `every_fault_at_every_step`: one fault at a time, at each call between the two, with a client that repeats its
//!   request and with one that vanishes. Each fault of each call is in one story (another on each kind of database);
//!   with `CRASH_CASES=all`, in every story that makes the call.
//! * `the_last_unit_is_sold_once`: 32 clients, one product with fewer units than they want, with and without kills at odd moments.
//!
//! * `schedule`: what a crash left is finished by the command `reconcile`, and by a function that a schedule invokes.
//!
//! After each, the two databases and the payment provider must tell one story (`world::World::check_books`).
//!
//! Orders has no state but its database. So what a crash leaves is decided by which of the calls to the others had been
//! made and which of the answers had been written down, and a proxy between them can bring about each of these cases:
//! killed before a call is passed on, the write before it is there and nothing else; killed when the call was answered,
//! inventory's write is there and the answer is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[cfg(feature = "lambda")]
#[path = "../../../../tests/lambda.rs"]
mod lambda;
#[path = "../support/payments.rs"]
mod payments;
mod process;
mod proxy;
mod rush;
mod schedule;
mod steps;
mod world;
