//! A folder with the answers of subgraphs, one readable file for each request. Knows no transport and no router.
//!
//! ```text
//! FOLDER/products/schema.graphql                    the schema of the subgraph
//! FOLDER/products/products-1f0c8e5d2b7a4c69.json    what was asked, and what was answered
//! ```
//!
//! A file is found by its name, which follows from what is asked. So a file that somebody edits is given as it is from then on, and one that
//! is deleted is recorded again.

mod name;
mod pretty;
mod recordings;

pub use recordings::{RecordError, Recorded, Recordings};
