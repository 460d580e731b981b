//! The whole federation on this machine, in one process: three services on embedded SQLite, and the router before them.
//! Knows how they fit together and nothing of what they do.

pub mod examples;
mod federation;

pub use federation::{Federation, Places, Ports, start};
