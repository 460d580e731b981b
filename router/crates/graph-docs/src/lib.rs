//! A static site that documents a graph. Knows neither a file system nor a server: pages are handed over one at a time, so
//! that the largest graph needs no more memory than its supergraph.
//!
//! ```text
//! Supergraph ──▶ View (what readers may see) ──▶ Uses, Addresses, Examples ──▶ pages, picture, search index ──▶ Output
//! ```
//!
//! Descriptions are Markdown of anybody. No HTML in them reaches a page as HTML (`markdown.rs`), and no page loads
//! anything from elsewhere.

mod addresses;
mod contents;
mod examples;
mod facts;
pub mod graph;
mod highlight;
mod markdown;
mod minimal;
mod pages;
mod picture;
mod search;
mod site;
mod uses;
mod view;

pub use examples::{ExampleOperation, UnusableExample};
pub use graph::graph;
pub use site::{Output, SiteOptions, Summary, write_site};
