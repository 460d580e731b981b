//! The whole shop in one process: three services on embedded SQLite, and the router in front of them.
//! Knows how they fit together, not what they do.

pub mod examples;
mod federation;
mod router;

pub use federation::{Federation, Ports, Storage, start};
