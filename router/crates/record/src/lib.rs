//! A folder with the answers of subgraphs, one readable file for each request. Knows no transport and no router.
//!
//! ```text
//! FOLDER/products/schema.graphql                    the schema of the subgraph
//! FOLDER/products/products-1f0c8e5d2b7a4c69.json    what was asked, and what was answered
//! FOLDER/products/sold-07c1d0a5be3f9826.json        what was subscribed to, and the events that came
//! ```
//!
//! A file is found by its name, which follows from what is asked. So a file that somebody edits is given as it is from then on, and one that
//! is deleted is recorded again.

mod events;
mod name;
mod pretty;
mod recordings;

pub use events::{RecordedEvent, RecordedEvents};
pub use recordings::{RecordError, Recorded, Recordings};
