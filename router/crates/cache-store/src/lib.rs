//! Where answers of subgraphs are kept, and which of them are no longer true. Knows no operation, no subgraph and no rule about
//! lifetimes.
//!
//! ```text
//! Key ──▶ Memory ──miss──▶ Shared (Redis)
//!            └──────┬─────────┘
//!                 Entry ──▶ Invalidations: was it asked for after the last invalidation of each of its tags?
//!                                 ▲
//!                               Group: the log that routers with the same Redis agree on, and how recent it is here
//! ```
//!
//! Nothing is deleted to invalidate it. An entry remembers the [`Position`] that invalidations had when it was asked for; it is true
//! as long as none of its tags has been invalidated since. So an answer that was under way during an invalidation is not served
//! either, wherever it is kept.

pub mod config;
mod entry;
mod group;
mod invalidation;
mod invalidations;
mod key;
mod memory;
mod shared;
mod store;

pub use entry::{Entry, Lifetime, Millis, now};
pub use invalidation::{Invalidation, Tag, TagKind, entity_key};
pub use invalidations::{Invalidations, Position};
pub use key::{Group, Key, KeyRef};
pub use memory::Memory;
pub use shared::{Found, Shared};
pub use store::{NotAcknowledged, Store, StoreError};
